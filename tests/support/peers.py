"""Other people's programs: where they are, and what happens when they are not there.

On a user's machine a missing program skips its tests and says what to install; where ``CI`` is set
it fails them, so that no test is silently left out.
"""

from __future__ import annotations

import functools
import os
import shutil
from collections.abc import Callable

import imageio_ffmpeg
import pytest

IN_CI = os.environ.get("CI", "").lower() not in ("", "0", "false")

CURRENT_FFMPEG = "ffmpeg-current"
"""The newest FFmpeg, from the imageio-ffmpeg wheel; plain ``ffmpeg`` is the distribution's."""

PACKAGES = {
    "ffmpeg": "ffmpeg",
    "ffprobe": "ffmpeg",
    "chromium": "chromium",
    "obs": "obs-studio",
    "Xvfb": "xvfb",
    "xdotool": "xdotool",
    "nginx": "nginx libnginx-mod-rtmp",
    "rtmpdump": "rtmpdump",
    "srt-live-transmit": "srt-tools",
    "pulseaudio": "pulseaudio",
    "paplay": "pulseaudio-utils",
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
    reason = f"{program} is not installed: apt install {PACKAGES.get(program, program)}"
    if IN_CI:
        pytest.fail(reason)
    pytest.skip(reason)
