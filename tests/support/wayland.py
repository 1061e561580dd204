"""A Wayland desktop without a screen: sway, its portal, PipeWire, and a session bus of their own.

Everything is the real thing. What a machine without a graphics card needs beside it:

- sway does not run as root, so that root's tests start it as ``nobody``;
- xdg-desktop-portal-wlr 0.7 gives up where the compositor offers no DMA-BUF, which takes a graphics
  card (its issue 289), though it would go on to use shared memory. ``Offer`` stands between the two
  and adds the offer.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from gamecast.client.capture.wayland import gstreamer
from tests.support.bus import session_bus
from tests.support.events import wait_until
from tests.support.peers import require
from tests.support.process import Process

OUTPUT = "HEADLESS-1"
WIDTH, HEIGHT = 640, 360
SERVICES = (
    "org.freedesktop.portal.Desktop",
    "org.freedesktop.impl.portal.desktop.wlr",
    "org.freedesktop.impl.portal.PermissionStore",
)
"""What the bus may start. Not the document portal, which would mount a file system."""
PORTALS = ("xdg-desktop-portal", "xdg-desktop-portal-wlr")
"""Their programs."""
NOBODY = 65534
_TRIES, _PATIENCE = 3, 15.0

SWAY = """output {output} resolution {width}x{height} bg {colour} solid_color
xwayland disable
default_border none
seat * hide_cursor 100
"""
PORTAL = """[screencast]
chooser_type=none
output_name={output}
"""


@dataclass(slots=True)
class Desktop:
    """A running one. ``environ`` is what its programs, and those under test, are started with."""

    folder: Path
    environ: dict[str, str]

    def paint(self, colour: str) -> None:
        """Give the whole screen one colour, ``#rrggbb``."""
        self.sway(f"output {OUTPUT} bg {colour} solid_color")

    def program(self, name: str) -> psutil.Process:
        """The process of this desktop that runs a program. Raises ``LookupError``."""
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                mine = process.environ().get("XDG_RUNTIME_DIR") == str(self.folder)
                if mine and Path(process.exe()).name == name:
                    return process
        raise LookupError(f"{name} does not run")

    def sway(self, command: str) -> None:
        """Have sway do something, as its user would by a key."""
        control = next((self.folder / "sway").glob("sway-ipc.*.sock"))
        arguments = [require("swaymsg"), "-q", "-s", str(control), command]
        subprocess.run(arguments, check=True, timeout=60)


@contextmanager
def wayland_desktop(colour: str = "#1428d2") -> Iterator[Desktop]:
    """Run a desktop whose screen has this colour."""
    for program in ("sway", "swaybg", "pipewire", "wireplumber", "gst-launch-1.0", "dbus-daemon"):
        require(program)
    if gstreamer.missing():
        require("pipewiresrc")
    # Names of sockets are short, and ``nobody`` may not enter pytest's folders.
    folder = Path(tempfile.mkdtemp(prefix="wayland-"))
    folder.chmod(0o755)
    try:
        with ExitStack() as stack:
            yield _start(folder, colour, stack)
    except BaseException as error:
        for log in sorted(folder.glob("*.log")):  # they go with the folder
            error.add_note(f"{log.name}:\n{log.read_text(errors='replace')[-2000:]}")
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _start(folder: Path, colour: str, stack: ExitStack) -> Desktop:
    environ = _environ(folder)
    _run_sway(folder, colour, environ, stack)
    stack.enter_context(Offer(folder / "sway" / "wayland-1", folder / "wayland-0"))
    _write_settings(folder)
    stack.enter_context(session_bus(folder, environ))
    for program in ("pipewire", "wireplumber"):
        process = Process([require(program)], log=folder / f"{program}.log", env=environ)
        stack.enter_context(process)
        wait_until((folder / "pipewire-0").exists, "PipeWire")
    desktop = Desktop(folder, environ)
    _start_portal(desktop)
    return desktop


def _start_portal(desktop: Desktop) -> None:
    """Not left to who asks first: on a busy machine its two programs, which wait for each other,
    were once not there within the 25 s that a bus waits. A user would log in again."""
    for _ in range(_TRIES):
        if _shares_screens(desktop):
            return
        for name in PORTALS:
            with suppress(LookupError, psutil.Error):
                desktop.program(name).kill()
    raise AssertionError("the desktop's portal does not start")


def _shares_screens(desktop: Desktop) -> bool:
    arguments = [
        *(require("dbus-send"), "--session", "--print-reply"),
        *(f"--reply-timeout={_PATIENCE * 1000:.0f}", f"--dest={SERVICES[0]}"),
        *("/org/freedesktop/portal/desktop", "org.freedesktop.DBus.Properties.Get"),
        *("string:org.freedesktop.portal.ScreenCast", "string:version"),
    ]
    with (desktop.folder / "portal.log").open("ab") as log:
        done = subprocess.run(
            arguments, env=desktop.environ, stdout=log, stderr=log, timeout=60, check=False
        )
    return done.returncode == 0


def _environ(folder: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    return kept | {
        "HOME": str(folder),
        "XDG_RUNTIME_DIR": str(folder),
        "XDG_CONFIG_HOME": str(folder / "config"),
        "XDG_DATA_HOME": str(folder / "data"),
        "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache")),
        "XDG_CURRENT_DESKTOP": "sway",
        "XDG_SESSION_TYPE": "wayland",
        "WAYLAND_DISPLAY": "wayland-0",
        "DBUS_SESSION_BUS_ADDRESS": f"unix:path={folder}/bus",
    }


def _run_sway(folder: Path, colour: str, environ: dict[str, str], stack: ExitStack) -> None:
    own = folder / "sway"
    own.mkdir(0o700)
    config = folder / "sway.conf"
    config.write_text(SWAY.format(output=OUTPUT, width=WIDTH, height=HEIGHT, colour=colour))
    arguments = [require("sway"), "-c", str(config)]
    if os.geteuid() == 0:
        os.chown(own, NOBODY, NOBODY)
        ids = [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        arguments = [require("setpriv"), *ids, "--", *arguments]
    headless = {
        "WLR_BACKENDS": "headless",
        "WLR_RENDERER": "pixman",
        "WLR_LIBINPUT_NO_DEVICES": "1",
    }
    env = {"XDG_RUNTIME_DIR": str(own), "HOME": str(own), "WAYLAND_DISPLAY": "", "DISPLAY": ""}
    sway = stack.enter_context(
        Process(arguments, log=folder / "sway.log", env={**environ, **headless, **env})
    )
    there = own / "wayland-1"
    wait_until(lambda: there.exists() or not sway.running, "sway")
    assert sway.running, sway.output


def _write_settings(folder: Path) -> None:
    """Of the portal, and what the bus starts: the system's services, but not through systemd,
    which would start them elsewhere."""
    portal = folder / "config" / "xdg-desktop-portal-wlr"
    portal.mkdir(parents=True)
    (portal / "config").write_text(PORTAL.format(output=OUTPUT))
    (folder / "services").mkdir()
    for name in SERVICES:
        found = Path("/usr/share/dbus-1/services") / f"{name}.service"
        if not found.exists():
            require(name)
        text = re.sub(r"^SystemdService=.*\n?", "", found.read_text(), flags=re.MULTILINE)
        (folder / "services" / found.name).write_text(text)


class Offer:
    """Passes a compositor's Wayland socket on, and to every shared-memory buffer that it offers
    for a screen's pictures adds one of DMA-BUF (wlr-screencopy-unstable-v1: ``buffer``,
    ``linux_dmabuf``, ``buffer_done``)."""

    BUFFER, LINUX_DMABUF, BUFFER_DONE = 0, 5, 6
    XRGB8888 = 0x34325258

    def __init__(self, compositor: Path, here: Path) -> None:
        self._compositor = compositor
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(here))
        self._listener.listen()
        self._sockets: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def __enter__(self) -> Offer:
        return self

    def __exit__(self, *error: object) -> None:
        for each in (self._listener, *self._sockets):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for each in (self._listener, *self._sockets):
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                self._sockets += [client, server]
                server.connect(str(self._compositor))
                for pair in ((client, server, False), (server, client, True)):
                    thread = threading.Thread(target=self._pump, args=pair, daemon=True)
                    self._threads.append(thread)
                    thread.start()

    def _pump(self, source: socket.socket, target: socket.socket, offering: bool) -> None:
        rest = b""
        with suppress(OSError):
            while True:
                data, descriptors, _, _ = socket.recv_fds(source, 1 << 16, 28)
                if not data:
                    target.shutdown(socket.SHUT_WR)
                    return
                if offering:
                    data, rest = self._with_offers(rest + data)
                sent = socket.send_fds(target, [data], descriptors) if data else 0
                target.sendall(data[sent:])
                for each in descriptors:
                    os.close(each)

    def _with_offers(self, data: bytes) -> tuple[bytes, bytes]:
        """Whole messages, and the beginning of the next one."""
        out, at, last = bytearray(), 0, b""
        while len(data) - at >= 8:
            _, word = struct.unpack_from("=II", data, at)
            message = data[at : at + (word >> 16)]
            if len(message) < word >> 16 or not message:
                break
            if word == 8 << 16 | self.BUFFER_DONE and self._is_buffer(last, message[:4]):
                fields = (20 << 16 | self.LINUX_DMABUF, self.XRGB8888)
                out += message[:4] + struct.pack("=II", *fields) + last[12:20]
            out += message
            at, last = at + len(message), message
        return bytes(out), data[at:]

    def _is_buffer(self, message: bytes, owner: bytes) -> bool:
        head = owner + struct.pack("=I", 24 << 16 | self.BUFFER)
        return message.startswith(head) and len(message) == 24
