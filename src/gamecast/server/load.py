"""How busy the event loop is, as a share of one core; it sets the pace of flushes.

And whether it stood still, which the log is told.
"""

from __future__ import annotations

import asyncio
import time

import structlog

from gamecast.net.standstill import LATE_SECONDS
from gamecast.relay.pace import Pace

log = structlog.get_logger(__name__)

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
        if elapsed - _PERIOD > LATE_SECONDS:
            # With little CPU it was the machine that stood still: suspended, or without a core.
            blocked, used = round(elapsed - _PERIOD, 2), round(cpu - self._cpu, 2)
            log.warning("loop.blocked", seconds=blocked, cpu_seconds=used)
        if elapsed > 0:
            self.load = (cpu - self._cpu) / elapsed
            self._pace.update(self.load)
        self._wall, self._cpu = wall, cpu
        self._handle = self._loop.call_later(_PERIOD, self._measure)
