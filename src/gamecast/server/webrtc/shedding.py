"""Shedding: when the server has more to do than it can, each viewer goes without a group in turn.

Otherwise pictures wait where the publisher's come in, and everybody is seconds late. Over WebRTC,
where who watches wants no delay, a group that is missing now and then is the lesser harm.
"""

from __future__ import annotations

LATE_SECONDS = 0.3
"""A stream that is so much later than it was has waited for us, if the loop is busy."""
_BUSY = 0.85
"""Share of a core."""
_STEP, _MOST = 0.15, 0.75
_RELIEF = 0.05
_TURN = 0.6180339887
"""The golden ratio spreads any number of viewers evenly over a turn."""
_DRIFT = 0.001
"""Seconds a group by which the least lateness is forgotten: clocks of publishers drift."""


class Shedding:
    """One rendition's share of viewers that get no pictures of the group that is under way."""

    def __init__(self) -> None:
        self.share = 0.0
        """0 to 1."""
        self._begin = 0.0
        self._least: float | None = None

    def begin_group(self, *, offset: float, load: float) -> None:
        """A group begins. ``offset``: seconds from its media time to its arrival, whatever zero.

        ``load`` is the loop's share of a core.
        """
        if self._least is None or offset < self._least:
            self._least = offset
        late = offset - self._least
        self._least += _DRIFT
        self._begin = (self._begin + self.share) % 1.0
        if late > LATE_SECONDS and load > _BUSY:
            self.share = min(_MOST, self.share + _STEP * late / LATE_SECONDS)
        else:
            self.share = max(0.0, self.share - _RELIEF)

    def reset(self) -> None:
        """The publisher's time line has begun anew."""
        self._least = None

    def spares(self, number: int) -> bool:
        """Whether viewer ``number`` gets the group."""
        return (number * _TURN - self._begin) % 1.0 >= self.share
