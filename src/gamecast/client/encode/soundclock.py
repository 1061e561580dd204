"""SoundClock: keeps the count of samples and the clock together.

A sound card's crystal and the computer's clock differ by some tens of millionths: 18 ms in five
minutes. And a device may sleep while nothing plays. So every block is placed: small differences
are made up for by stretching blocks by less than half a percent, which nobody hears; holes are
filled with silence; what comes twice is left out.
"""

from __future__ import annotations

from dataclasses import dataclass

HARD = 0.06
"""Seconds of difference that are put right at once, by silence or by leaving out."""
SOFT = 0.004
"""Seconds of mean difference from which blocks are stretched."""
SMOOTHING = 1.5
"""Seconds over which the mean is taken: timestamps of single blocks jitter."""
STRETCH = 250
"""One sample in this many is added or taken away at most."""
MAX_SILENCE = 5.0
"""Seconds of silence inserted at once; a longer hole is a jump of the timestamps."""


@dataclass(slots=True)
class Placement:
    """What to do with one block."""

    start: int
    """Where it goes, in samples."""
    silence: int = 0
    """Samples of silence to insert before it, ending at ``start``."""
    stretch: int = 0
    """Samples by which to make it longer (or shorter)."""


class SoundClock:
    """Used for one stream of sound of one rate."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._next: int | None = None
        self._mean = 0.0

    def place(self, start: int, samples: int) -> Placement | None:
        """Where a block goes that was recorded at ``start``; ``None``: leave it out."""
        if self._next is None:
            self._next = start
        gap = start - self._next
        if gap < -HARD * self._rate:
            return None
        if gap > HARD * self._rate:
            return self._after_hole(gap, samples)
        self._mean += (gap - self._mean) * min(1.0, samples / (SMOOTHING * self._rate))
        stretch = self._stretch(samples)
        placed = Placement(self._next, stretch=stretch)
        self._next += samples + stretch
        return placed

    def _after_hole(self, gap: int, samples: int) -> Placement:
        start = (self._next or 0) + gap
        self._mean = 0.0
        self._next = start + samples
        return Placement(start, silence=gap if gap <= MAX_SILENCE * self._rate else 0)

    def _stretch(self, samples: int) -> int:
        if abs(self._mean) < SOFT * self._rate:
            return 0
        most = max(1, samples // STRETCH)
        stretch = max(-most, min(most, round(self._mean)))
        self._mean -= stretch
        return stretch
