"""Ticker: when the next frame of a steady rate is due, and how many were missed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction


def ticks(
    rate: Fraction, *, now: Callable[[], float], wait: Callable[[float], bool]
) -> Iterator[tuple[int, int]]:
    """Yield ``(index, missed)`` at ``index / rate`` seconds until ``wait`` returns true.

    ``now`` is seconds on the timeline; ``wait(seconds)`` sleeps at most that long and says
    whether to stop (``threading.Event.wait``). A consumer more than one period late skips what is
    past: ``missed`` counts the ticks left out since the one before.
    """
    index = max(0, int(now() * rate))
    expected = index
    while True:
        current = int(now() * rate)
        if current > index:
            index = current
        delay = float(index / rate) - now()
        if wait(max(0.0, delay)):
            return
        yield index, index - expected
        index += 1
        expected = index
