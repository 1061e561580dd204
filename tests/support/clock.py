"""A clock that tests move by hand, and randomness that repeats."""

from __future__ import annotations

import random


class FakeClock:
    """Call it for the time in seconds; ``advance`` is the only thing that moves it."""

    def __init__(self, start: float = 1000.0) -> None:
        self.now = start

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> float:
        """Move on and return the new time."""
        if seconds < 0:
            raise ValueError("a clock does not go back")
        self.now += seconds
        return self.now


class SeededBytes:
    """Stands where ``os.urandom`` would: the same seed gives the same bytes."""

    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)

    def __call__(self, count: int) -> bytes:
        return self._random.randbytes(count)
