"""Windows of one colour for the tests, made with the same small X protocol."""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

from gamecast.client.capture.x11 import wire
from gamecast.client.capture.x11.display import Display

_UTF8 = "UTF8_STRING"
_MAX_REQUEST = 200_000
"""Bytes of one PutImage; without BIG-REQUESTS a request has 262 140."""


class Painter(Display):
    """A display on which windows can be made and moved about. Every call is done on return."""

    def create(
        self, title: str, *, x: int, y: int, width: int, height: int, colour: int = 0
    ) -> int:
        """A visible window without frame, of one colour (0xRRGGBB), above all others."""
        window = self._new_id()
        values = struct.pack("<II", colour, 1)  # background pixel, override-redirect
        self._send(
            struct.pack(
                "<BBHIIhhHHHHII",
                *(1, 0, 10, window, self.root, x, y, width, height, 0, 1, 0, 0x2 | 0x200),
            )
            + values
        )
        self._change(window, "_NET_WM_NAME", _UTF8, title.encode())
        self.show(window)
        return window

    def rename(self, window: int, title: str) -> None:
        """Another title."""
        self._change(window, "_NET_WM_NAME", _UTF8, title.encode())
        self._settle()

    def show(self, window: int) -> None:
        """Map it."""
        self._send(struct.pack("<BxHI", 8, 2, window))
        self._settle()

    def hide(self, window: int) -> None:
        """Unmap it."""
        self._send(struct.pack("<BxHI", 10, 2, window))
        self._settle()

    def move(self, window: int, x: int, y: int) -> None:
        """Move it."""
        self._send(struct.pack("<BxHIHxxii", 12, 5, window, 0x3, x, y))
        self._settle()

    def resize(self, window: int, width: int, height: int) -> None:
        """Give it another size."""
        self._send(struct.pack("<BxHIHxxII", 12, 5, window, 0xC, width, height))
        self._settle()

    def paint(self, window: int, colour: int) -> None:
        """Give it another colour."""
        self._send(struct.pack("<BxHIII", 2, 4, window, 0x2, colour))
        self._send(struct.pack("<BBHIhhHH", 61, 0, 4, window, 0, 0, 0, 0))  # ClearArea
        self._settle()

    def picture(self, window: int, image: NDArray[np.uint8]) -> None:
        """Show an image of height x width x RGB, whatever covers the window in between."""
        height, width, _ = image.shape
        pixmap, context = self._new_id(), self._new_id()
        self._send(struct.pack("<BBHIIHH", 53, 24, 4, pixmap, self.root, width, height))
        self._send(struct.pack("<BxHIII", 55, 4, context, pixmap, 0))  # CreateGC
        pixels = np.zeros((height, width, 4), np.uint8)
        pixels[..., :3] = image[..., ::-1]
        band = _MAX_REQUEST // (width * 4)
        for top in range(0, height, band):
            data = pixels[top : top + band].tobytes()
            size = (width, len(data) // (width * 4))
            head = (72, 2, 6 + len(data) // 4, pixmap, context, *size, 0, top, 0, 24)
            self._send(struct.pack("<BBHIIHHhhBBxx", *head) + data)  # PutImage
        self._send(struct.pack("<BxHIII", 2, 4, window, 0x1, pixmap))
        self._send(struct.pack("<BBHIhhHH", 61, 0, 4, window, 0, 0, 0, 0))  # ClearArea
        self._send(struct.pack("<BxHI", 60, 2, context) + struct.pack("<BxHI", 54, 2, pixmap))
        self._settle()

    def destroy(self, window: int) -> None:
        """Close it."""
        self._send(struct.pack("<BxHI", 4, 2, window))
        self._settle()

    @property
    def id_base(self) -> int:
        """Where the ids of our own windows begin; the server gave it in its greeting."""
        return self.setup.id_base

    def _new_id(self) -> int:
        self._last = getattr(self, "_last", self.id_base) + 1
        return self._last

    def _change(self, window: int, name: str, kind: str, value: bytes) -> None:
        atom = self._ask(wire.intern_atom(name), wire.parse_atom)
        kind_atom = self._ask(wire.intern_atom(kind), wire.parse_atom)
        padded = value + bytes(-len(value) % 4)
        length = 6 + len(padded) // 4
        self._send(
            struct.pack("<BBHIIIBxxxI", 18, 0, length, window, atom, kind_atom, 8, len(value))
            + padded
        )

    def _settle(self) -> None:
        """The server has done everything once it answers this."""
        self._ask(wire.get_geometry(self.root), wire.parse_geometry)
