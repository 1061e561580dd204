"""A window that shows the clock strip, painted afresh 60 times a second: ``DISPLAY`` says where."""

from __future__ import annotations

import struct
import time

from gamecast.client.capture import clockstrip
from gamecast.client.capture.x11.display import Display

WIDTH, HEIGHT = 640, 360
RATE = 60
_CREATE_WINDOW, _MAP_WINDOW, _CREATE_GC, _CHANGE_GC, _FILL = 1, 8, 55, 56, 70
_FOREGROUND = 0x4
_BLACK, _WHITE, _GREY = 0x000000, 0xFFFFFF, 0x806040


class Clock(Display):
    """A window of ours and a graphics context to paint with."""

    def __init__(self) -> None:
        super().__init__()
        self._window, self._gc = self.setup.id_base + 1, self.setup.id_base + 2
        values = struct.pack("<II", _GREY, 1)  # background pixel, override-redirect
        self._send(
            struct.pack(
                "<BBHIIhhHHHHII",
                *(_CREATE_WINDOW, 0, 10, self._window, self.root),
                *(0, 0, WIDTH, HEIGHT, 0, 1, 0, 0x2 | 0x200),
            )
            + values
            + struct.pack("<BxHI", _MAP_WINDOW, 2, self._window)
            + struct.pack("<BxHIIII", _CREATE_GC, 5, self._gc, self._window, _FOREGROUND, _BLACK)
        )

    def paint(self, milliseconds: int) -> None:
        """Show this time."""
        word = clockstrip.encode_word(milliseconds)
        block, row = WIDTH // clockstrip.COLUMNS, HEIGHT // clockstrip.HEIGHT_DIVISOR
        white = b"".join(
            struct.pack("<hhHH", at % 32 * block, at // 32 * row, block, row)
            for at in range(64)
            if word >> 63 - at & 1
        )
        everything = struct.pack("<hhHH", 0, 0, WIDTH, row * clockstrip.ROWS)
        self._send(
            self._filled(_BLACK, everything) + self._filled(_WHITE, white)
        )  # in one piece, so that a grab seldom falls in between

    def _filled(self, colour: int, rectangles: bytes) -> bytes:
        length = 3 + len(rectangles) // 4
        return (
            struct.pack("<BxHIII", _CHANGE_GC, 4, self._gc, _FOREGROUND, colour)
            + struct.pack("<BxHII", _FILL, length, self._window, self._gc)
            + rectangles
        )


def main() -> None:
    """Until the display goes away."""
    with Clock() as clock:
        due = time.monotonic()
        while True:
            clock.paint(int(time.time() * 1000))
            due = max(due + 1 / RATE, time.monotonic())
            time.sleep(max(0.0, due - time.monotonic()))


if __name__ == "__main__":
    main()
