"""Giving memory back to the system once a crowd has gone.

The C library keeps what is freed for the next time, as free space between what is still in use: a
thousand WebRTC viewers leave some 100 MB of it. ``malloc_trim`` (glibc) returns whole free pages.
It takes some milliseconds, so it is called only when many have left, and a while after.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable

_MANY = 100
_WAIT_TICKS = 30
"""A tick is a second: closed sessions are known for up to twenty more."""


def _glibc_trim() -> Callable[[], object]:
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:  # musl has none, and gives back by itself
            return lambda: trim(0)
    return lambda: None


class MemoryTrimmer:
    """Watches a count of connections. Call :meth:`tick` once a second."""

    def __init__(
        self, count: Callable[[], int], *, trim: Callable[[], object] | None = None
    ) -> None:
        self._count = count
        self._trim = trim or _glibc_trim()
        self._peak = 0
        self._wait = 0

    def tick(self) -> None:
        """Trim a while after at least a hundred, and half of those that were there, have gone."""
        count = self._count()
        self._peak = max(self._peak, count)
        if self._peak - count >= max(_MANY, self._peak / 2):
            self._peak, self._wait = count, _WAIT_TICKS
        elif self._wait:
            self._wait -= 1
            if not self._wait:
                self._trim()
