"""What a viewer's player says of how the stream arrives, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

_MAX_TRIP = 10.0
_HEADROOM = 1.1
"""A stream may be this much above the peer's estimate, which is cautious."""
_OVERUSE_SECONDS = 1.0
_CONGESTED_LOSS = 0.2
_CONGESTED_WAIT = 0.25
"""Seconds of queueing on the way."""
_EVIDENCE_SECONDS = 10.0
"""A low estimate is believed for so long after the last sign that packets wait or are lost."""
_WINDOW_SECONDS = 1.0
_CUT_SECONDS = 2.5
"""What is said so soon after a cut counts packets as lost that were never sent."""
_LOSSY, _CALM = 0.02, 0.005
_WEIGHT = 0.3
"""Of a new report in the mean loss."""
_VERY_LOSSY = 0.04
"""From here on repairs are lost too: each is sent twice, and there is time for another try."""
_ASKED_AGAIN = 0.1
"""Players without a round trip of their own repeat a NACK after this."""
_NOTICED = 0.033
"""A loss shows when something comes after it."""
_STEP = 0.05
_MAX_PATIENCE = 0.5


@dataclass(slots=True)
class Reception:
    """From REMB and receiver reports."""

    estimate: int = 0
    """Bits per second that it thinks its network takes (REMB); 0 before it says."""
    fraction_lost: float = 0.0
    jitter: float = 0.0
    """Seconds."""
    rtt: float = 0.0
    """Seconds, from report to report."""
    nacks: int = 0
    """Packets that it asked for again."""
    plis: int = 0
    patience: float = 0.0
    """Seconds by which it shows pictures later, so that what was lost can come again."""
    cut_at: float | None = None
    """When something was last kept from it."""
    _mean_loss: float = 0.0
    _counted: tuple[float, int, int] | None = None
    _least_trip: float = float("inf")
    _over_since: float | None = None
    _capacity: int = 0
    _congested_at: float = float("-inf")

    def told_trip(self, seconds: float, now: float) -> None:
        """A round trip was measured."""
        if seconds >= _MAX_TRIP:
            return
        self.rtt = seconds
        self._least_trip = min(self._least_trip, seconds)
        if seconds > self._least_trip + _CONGESTED_WAIT:
            self._congested_at = now

    def told_counts(self, highest: int, lost: int, now: float) -> None:
        """A receiver report about the pictures: extended highest sequence, cumulative loss.

        Chromium sends one with every NACK, so its share lost is often that of a few packets. Ours
        is of a second and more.
        """
        since, base_highest, base_lost = self._counted or (now, highest, lost)
        if self._counted is None or highest < base_highest:
            self._counted = now, highest, lost
            return
        expected = highest - base_highest
        if now - since < _WINDOW_SECONDS or not expected:
            return
        self._counted = now, highest, lost
        self.told_loss(min(1.0, max(0.0, (lost - base_lost) / expected)), now)

    def told_loss(self, fraction: float, now: float) -> None:
        """The share of packets lost in the last second or so."""
        self.fraction_lost = fraction
        if self.cut_at is not None and now - self.cut_at < _CUT_SECONDS:
            return
        if fraction >= _CONGESTED_LOSS:
            self._congested_at = now
        self._mean_loss += (fraction - self._mean_loss) * _WEIGHT
        if self._mean_loss > _LOSSY:
            tries = 1 + self.copies
            wanted = _NOTICED + 1.5 * self.rtt + (tries - 1) * _ASKED_AGAIN
            self.patience = max(self.patience, min(ceil(wanted / _STEP) * _STEP, _MAX_PATIENCE))
        elif self._mean_loss < _CALM:
            self.patience = 0.0

    @property
    def copies(self) -> int:
        """How often a repair is sent at once."""
        return 2 if self._mean_loss > _VERY_LOSSY else 1

    def missed(self, share: float, now: float) -> None:
        """So much of the last group was asked for again. Unlike reports, this knows of cuts."""
        if share >= _CONGESTED_LOSS:
            self._congested_at = now

    def is_over(self, bitrate: int, now: float) -> bool:
        """Whether the network does not take this bitrate.

        The player's estimate says so, and something bears it out: jitter alone can make an estimate
        fall, and loss alone is no reason to send less.
        """
        return self._is_low(bitrate) and now - self._congested_at < _EVIDENCE_SECONDS

    def capacity(self, bitrate: int, now: float) -> float | None:
        """Bits per second that the network takes; ``None`` if that is enough for the stream.

        An estimate follows what is sent: once that is less, it says nothing of the network unless
        it grows. When nothing has borne it out for a while, a whole group is tried again.
        """
        if not self._is_low(bitrate):
            self._over_since, self._capacity = None, 0
            return None
        if not self.is_over(bitrate, now):
            return None
        if self._over_since is None:
            self._over_since = now
        if now - self._over_since <= _OVERUSE_SECONDS:
            return None
        self._capacity = max(self._capacity, self.estimate)
        return self._capacity

    def _is_low(self, bitrate: int) -> bool:
        return bool(self.estimate) and bitrate > self.estimate * _HEADROOM
