"""How busy the event loop is, as a share of one core; it sets the pace of flushes."""

from __future__ import annotations

import asyncio
import time

from gamecast.relay.pace import Pace

_PERIOD = 0.25


class LoadMeter:
    """Compares the loop thread's CPU time with the clock, four times a second."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._loop = asyncio.get_running_loop()
        self._wall = self._loop.time()
        self._cpu = time.thread_time()
        self._handle = self._loop.call_later(_PERIOD, self._measure)
        self.load = 0.0
        """Share of one core over the last quarter of a second."""

    def close(self) -> None:
        """Measure no more."""
        self._handle.cancel()

    def _measure(self) -> None:
        wall, cpu = self._loop.time(), time.thread_time()
        elapsed = wall - self._wall
        if elapsed > 0:
            self.load = (cpu - self._cpu) / elapsed
            self._pace.update(self.load)
        self._wall, self._cpu = wall, cpu
        self._handle = self._loop.call_later(_PERIOD, self._measure)
