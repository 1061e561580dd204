"""Pace: how long pictures are gathered into one flush, by the load and by how many watch."""

from __future__ import annotations

MAX_INTERVAL = 0.05
"""Seconds; the most delay that coalescing may add (design, section 2)."""
CROWD = 250
"""Viewers of one rendition from which on two pictures of a 60 fps stream leave together."""
CROWD_HOLD = 0.018
"""Seconds that the first of them waits: a picture's time at 60 fps, and what jitter adds."""
_STEP = 0.004
_BUSY = 0.65
_CALM = 0.45


class Pace:
    """Grows the flush interval while the loop is busy and shrinks it while it is calm.

    System calls, not copying, decide what a viewer costs over TCP, so fewer and larger writes are
    the reserve to draw on under load; a crowd draws on the first bit of it before there is load.
    One object is shared by all renditions of a process.
    """

    def __init__(self) -> None:
        self.interval = 0.0
        """Seconds that load alone lets a picture wait; 0 flushes on every one."""
        self.load = 0.0
        """Share of one core that the loop used lately."""

    def hold(self, viewers: int) -> float:
        """Seconds that a picture may wait for the next in a rendition with so many viewers."""
        return max(self.interval, CROWD_HOLD) if viewers >= CROWD else self.interval

    def update(self, load: float) -> None:
        """Take in the share of one core (0 to 1) that the loop used since the last call."""
        self.load = load
        if load > _BUSY:
            self.interval = min(MAX_INTERVAL, self.interval * 1.5 + _STEP)
        elif load < _CALM:
            self.interval = self.interval * 0.8 - _STEP / 2
            if self.interval < _STEP:
                self.interval = 0.0
