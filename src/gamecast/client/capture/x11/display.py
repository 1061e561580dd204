"""Display: a connection to an X server that asks questions and waits for the answers."""

from __future__ import annotations

import os
import re
import socket
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TypeVar

from gamecast.client.capture.x11 import wire
from gamecast.client.capture.x11.authority import find_cookie
from gamecast.client.capture.x11.wire import Geometry, XError

T = TypeVar("T")
TIMEOUT = 5.0
"""Seconds that a server gets to answer."""


@dataclass(slots=True, frozen=True)
class Screen:
    """A monitor, or the whole screen where there are none."""

    number: int
    name: str
    geometry: Geometry

    @property
    def is_xwayland(self) -> bool:
        """Whether this is Wayland's X server, which shows nobody what is on the screen."""
        return self.name.startswith("XWAYLAND")


@dataclass(slots=True, frozen=True)
class Window:
    """A window that a user would know."""

    id: int
    title: str
    geometry: Geometry
    """On the screen."""


class Display:
    """Opens ``DISPLAY``; a context manager. Every method may raise ``XError``. For one thread."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self.name = environ.get("DISPLAY", "")
        host, number, screen = _parse_name(self.name)
        self._socket = _connect(host, number)
        try:
            self.setup = self._greet(*find_cookie(number, environ))
        except BaseException:
            self._socket.close()
            raise
        if screen >= len(self.setup.roots):
            self._socket.close()
            raise XError(f"display {self.name} has no screen {screen}")
        self.root = self.setup.roots[screen]
        self.size = self.setup.sizes[screen]
        self._atoms: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    # Questions ----------------------------------------------------------------------------------

    def screens(self) -> list[Screen]:
        """Monitors, the primary one first; they are what ``--screen N`` counts."""
        monitors = sorted(self._monitors(), key=lambda monitor: not monitor.primary)
        if not monitors:
            return [Screen(0, "screen", Geometry(0, 0, *self.size))]
        return [
            Screen(
                number,
                self._ask(wire.get_atom_name(each.name_atom), wire.parse_atom_name),
                each.geometry,
            )
            for number, each in enumerate(monitors)
        ]

    def windows(self) -> list[Window]:
        """Windows with a title that can be seen, the topmost first."""
        found = []
        for window in self._client_windows():
            try:
                title = self.title(window)
                geometry = self.geometry(window) if title else None
            except XError:
                continue  # closed while we were asking
            if geometry is not None and geometry.width > 1 and geometry.height > 1:
                found.append(Window(window, title, geometry))
        return found

    def title(self, window: int) -> str:
        """Its title; empty where it has none."""
        for name in ("_NET_WM_NAME", "WM_NAME"):
            value = self._property(window, name)
            if value:
                encoding = "utf-8" if name == "_NET_WM_NAME" else "latin-1"
                return value.decode(encoding, "replace").strip("\0")
        return ""

    def geometry(self, window: int) -> Geometry | None:
        """Where it is on the screen; ``None`` while it is hidden."""
        attributes = self._ask(wire.get_window_attributes(window), wire.parse_map_state)
        if attributes != wire.VIEWABLE:
            return None
        size = self._ask(wire.get_geometry(window), wire.parse_geometry)
        x, y = self._ask(wire.translate_coordinates(window, self.root), wire.parse_coordinates)
        return Geometry(x, y, size.width, size.height)

    # --------------------------------------------------------------------------------------------

    def _client_windows(self) -> list[int]:
        """What the window manager manages; without one, the root's children. Topmost first."""
        listed = self._property(self.root, "_NET_CLIENT_LIST_STACKING") or self._property(
            self.root, "_NET_CLIENT_LIST"
        )
        if listed:
            count = len(listed) // 4
            return list(struct.unpack(f"<{count}I", listed[: count * 4]))[::-1]
        return self._ask(wire.query_tree(self.root), wire.parse_children)[::-1]

    def _monitors(self) -> list[wire.Monitor]:
        opcode = self._ask(wire.query_extension("RANDR"), wire.parse_extension)
        if opcode is None:
            return []
        if self._ask(wire.randr_query_version(opcode), wire.parse_version) < (1, 5):
            return []
        return self._ask(wire.randr_get_monitors(opcode, self.root), wire.parse_monitors)

    def _property(self, window: int, name: str) -> bytes:
        if name not in self._atoms:
            self._atoms[name] = self._ask(wire.intern_atom(name), wire.parse_atom)
        return self._ask(wire.get_property(window, self._atoms[name]), wire.parse_property)

    def _greet(self, auth_name: bytes, auth_data: bytes) -> wire.Setup:
        self._send(wire.connection_setup(auth_name, auth_data))
        head = self._receive(8)
        body = self._receive(struct.unpack_from("<H", head, 6)[0] * 4)
        if head[0] != 1:
            reason = body[: head[1]].decode("latin-1").strip()
            raise XError(f"display {self.name} refuses us: {reason or 'no permission'}")
        return wire.parse_setup(body)

    def _ask(self, request: bytes, parse: Callable[[bytes], T]) -> T:
        """Send a request and read its reply; events in between are not for us."""
        self._send(request)
        while True:
            head = self._receive(32)
            if head[0] == 0:
                raise XError(f"display {self.name}: error {head[1]} (the window is gone?)")
            if head[0] == 1:
                more = struct.unpack_from("<I", head, 4)[0] * 4
                if more > wire.MAX_REPLY:
                    raise XError(f"display {self.name}: an answer of {more} bytes")
                return _parsed(parse, head + self._receive(more))

    def _send(self, data: bytes) -> None:
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise XError(f"display {self.name} is gone") from error

    def _receive(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            try:
                part = self._socket.recv(size - len(data))
            except OSError as error:
                raise XError(f"display {self.name} does not answer") from error
            if not part:
                raise XError(f"display {self.name} is gone")
            data += part
        return bytes(data)


def _parsed(parse: Callable[[bytes], T], reply: bytes) -> T:
    try:
        return parse(reply)
    except (struct.error, IndexError) as error:
        raise XError("an answer of the display is cut short") from error


def _parse_name(name: str) -> tuple[str, int, int]:
    """Host (empty for this machine), display and screen of ``host:display.screen``."""
    if not name:
        raise XError(
            "no X display in this session (DISPLAY is not set): run it in a terminal of the desktop"
        )
    match = re.fullmatch(
        r"(?:unix|(?P<host>[^:]*)):(?P<number>\d{1,5})(?:\.(?P<screen>\d{1,2}))?", name
    )
    if match is None:
        raise XError(f"DISPLAY={name} is not understood")
    return match["host"] or "", int(match["number"]), int(match["screen"] or 0)


def _connect(host: str, number: int) -> socket.socket:
    problem = f"display {host}:{number} cannot be reached: is DISPLAY that of the desktop?"
    try:
        if host:
            return socket.create_connection((host, 6000 + number), TIMEOUT)
        local = socket.socket(socket.AF_UNIX)
    except OSError as error:
        raise XError(problem) from error
    local.settimeout(TIMEOUT)
    path = f"/tmp/.X11-unix/X{number}"
    for address in (path, f"\0{path}"):
        try:
            local.connect(address)
        except OSError:
            continue
        return local
    local.close()
    raise XError(problem)
