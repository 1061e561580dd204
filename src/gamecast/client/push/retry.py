"""Backoff: how long to wait before connecting again."""

from __future__ import annotations

import random
from collections.abc import Callable

FIRST = 2.0
FACTOR = 1.5
SOON = 4.0
"""The longest delay of the first attempts: a server that restarts is met within five seconds."""
SOON_ATTEMPTS = 60
"""About four minutes; a server that is away longer is asked less often."""
LIMIT = 60.0
JITTER = 0.2
"""Share of the delay by which it varies, so that a returning server is not met by all at once."""


class Backoff:
    """2 s, 3 s, 4 s, 4 s ... and after minutes on to one a minute, each give or take a fifth."""

    def __init__(self, *, uniform: Callable[[float, float], float] = random.uniform) -> None:
        self._uniform = uniform
        self._delay = FIRST
        self.attempt = 0

    def next(self) -> float:
        """Seconds to wait before the next attempt."""
        self.attempt += 1
        limit = SOON if self.attempt <= SOON_ATTEMPTS else LIMIT
        delay = min(self._delay, limit)
        self._delay = min(delay * FACTOR, LIMIT)
        return delay * self._uniform(1 - JITTER, 1 + JITTER)

    def reset(self) -> None:
        """It worked: start from the shortest delay next time."""
        self._delay = FIRST
        self.attempt = 0
