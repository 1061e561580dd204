"""Giving memory back to the system once a crowd has gone, or a busy moment is over.

The C library keeps what is freed for the next time, as free space between what is still in use: a
thousand WebRTC viewers leave some 100 MB of it, and so does a second in which thousands of TCP
viewers did not keep up. ``malloc_trim`` (glibc) returns whole free pages. It takes some
milliseconds, so it is called only when many have left, and a while after, or when the process has
grown.
"""

from __future__ import annotations

import ctypes
import mmap
import sys
from collections.abc import Callable
from pathlib import Path

_MANY = 100
_WAIT_TICKS = 30
"""A tick is a second: closed sessions are known for up to twenty more."""
_GROWTH = 24 * 1024 * 1024
_PAUSE_TICKS = 10


def _resident() -> int:
    """Bytes of this process that are in RAM; 0 where the system does not tell (proc(5))."""
    try:
        pages = Path("/proc/self/statm").read_bytes().split()[1]
    except OSError:
        return 0
    return int(pages) * mmap.PAGESIZE


def _glibc_trim() -> Callable[[], object]:
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:  # musl has none, and gives back by itself
            return lambda: trim(0)
    return lambda: None


class MemoryTrimmer:
    """Watches a count of connections and the process's size. Call :meth:`tick` once a second."""

    def __init__(
        self,
        count: Callable[[], int],
        *,
        trim: Callable[[], object] | None = None,
        resident: Callable[[], int] = _resident,
    ) -> None:
        self._count = count
        self._trim = trim or _glibc_trim()
        self._resident = resident
        self._peak = 0
        self._wait = 0
        self._size: int | None = None
        """After the last time, or the least since."""
        self._pause = 0

    def tick(self) -> None:
        """Trim a while after at least a hundred, and half of those that were there, have gone, or
        now, if the process has grown by 24 MB since it was last done."""
        count, size = self._count(), self._resident()
        self._peak = max(self._peak, count)
        self._size = size if self._size is None else min(self._size, size)
        self._pause = max(0, self._pause - 1)
        if self._peak - count >= max(_MANY, self._peak / 2):
            self._peak, self._wait = count, _WAIT_TICKS
        elif self._wait:
            self._wait -= 1
            if not self._wait:
                self._give_back()
        elif size - self._size >= _GROWTH and not self._pause:
            self._give_back()

    def _give_back(self) -> None:
        self._trim()
        self._size, self._pause = self._resident(), _PAUSE_TICKS
