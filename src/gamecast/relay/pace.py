"""Pace: how long flushes are gathered, as a function of how busy the loop is."""

from __future__ import annotations

MAX_INTERVAL = 0.05
"""Seconds; the most delay that coalescing may add (design, section 2)."""
_STEP = 0.004
_BUSY = 0.65
_CALM = 0.45


class Pace:
    """Grows the flush interval while the loop is busy and shrinks it while it is calm.

    System calls, not copying, decide what a viewer costs over TCP, so fewer and larger writes are
    the reserve to draw on under load. One object is shared by all renditions of a process.
    """

    def __init__(self) -> None:
        self.interval = 0.0
        """Seconds between flushes; 0 flushes on every video frame."""

    def update(self, load: float) -> None:
        """Take in the share of one core (0 to 1) that the loop used since the last call."""
        if load > _BUSY:
            self.interval = min(MAX_INTERVAL, self.interval * 1.5 + _STEP)
        elif load < _CALM:
            self.interval = self.interval * 0.8 - _STEP / 2
            if self.interval < _STEP:
                self.interval = 0.0
