"""Backoff: how long to wait before connecting again."""

from __future__ import annotations

import random
from collections.abc import Callable

FIRST = 2.0
FACTOR = 1.5
LIMIT = 60.0
JITTER = 0.2
"""Share of the delay by which it varies, so that a returning server is not met by all at once."""


class Backoff:
    """2 s, 3 s, 4.5 s ... up to a minute, each give or take a fifth."""

    def __init__(self, *, uniform: Callable[[float, float], float] = random.uniform) -> None:
        self._uniform = uniform
        self._delay = FIRST
        self.attempt = 0

    def next(self) -> float:
        """Seconds to wait before the next attempt."""
        delay, self._delay = self._delay, min(self._delay * FACTOR, LIMIT)
        self.attempt += 1
        return delay * self._uniform(1 - JITTER, 1 + JITTER)

    def reset(self) -> None:
        """It worked: start from the shortest delay next time."""
        self._delay = FIRST
        self.attempt = 0
