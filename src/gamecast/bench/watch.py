"""A whole measurement with endless bodies: open all viewers, settle, measure, sum up."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

from gamecast.bench.cpu import CpuMeter
from gamecast.bench.openings import opening_for
from gamecast.bench.results import WatchResult, summarise
from gamecast.bench.viewers import ViewerSet

_OPEN_SECONDS = 0.01
"""Reading between two new viewers, so that a crowd does not arrive in one instant."""


@dataclass(slots=True, frozen=True, kw_only=True)
class WatchSettings:
    """How many viewers, for how long."""

    viewers: int = 1
    seconds: float = 10.0
    settle_seconds: float = 2.0
    """After the last viewer has come; not measured."""
    sample: int = 20
    """Viewers whose every frame is checked."""
    pids: tuple[int, ...] = ()
    """Processes whose CPU time is the target's."""


def watch(
    urls: list[str],
    settings: WatchSettings,
    *,
    progress: Callable[[str], None] = lambda text: None,
) -> WatchResult:
    """Viewers spread over ``urls``. Raises ``BenchError`` or ``OSError`` if they are not served."""
    openings = [opening_for(url) for url in urls]
    crowd = ViewerSet()
    every = max(1, settings.viewers // max(1, settings.sample))
    try:
        for number in range(settings.viewers):
            address, opening = openings[number % len(openings)]
            crowd.open(address, opening, scans=number % every == 0)
            crowd.run(time.monotonic() + _OPEN_SECONDS)
        progress(f"{settings.viewers} viewers connected")
        crowd.run(time.monotonic() + settings.settle_seconds)
        return _measure(crowd, settings, progress)
    finally:
        crowd.close()


def _measure(
    crowd: ViewerSet, settings: WatchSettings, progress: Callable[[str], None]
) -> WatchResult:
    crowd.reset()
    target = CpuMeter(list(settings.pids))
    own = CpuMeter([os.getpid()])
    begin = time.monotonic()
    end = begin + settings.seconds
    while (now := time.monotonic()) < end:
        crowd.run(min(end, now + 1.0))
        total = sum(viewer.received for viewer in crowd.viewers)
        rate = total * 8 / (time.monotonic() - begin) / 1e6
        progress(f"{time.monotonic() - begin:4.0f} s  {rate:8.0f} Mbit/s")
    result = summarise(crowd.viewers, time.monotonic() - begin)
    result.cpu = target.share() if settings.pids else None
    result.cpu_waiting = target.waiting() if settings.pids else None
    result.load_cpu = own.share()
    return result
