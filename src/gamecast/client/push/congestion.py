"""BitrateController: OBS's dynamic bitrate, as a calculation without clocks or threads.

When more than 200 ms wait in the queue, the encoder is set to a little less than the rate that got
through; every 4 s without congestion it is raised by a tenth of the original, up to the original.
A raise that ends in congestion at once is taken back, whatever rate was measured.

A line that stands still for half a second is not a line of the rate that this makes. So a cut after
a standstill halves the bitrate at most; and once a line has been found too slow, a cut far below
what it has carried since waits until the lower rate has lasted for a while.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import pairwise

TRIGGER = 0.2
"""Seconds queued from which the uplink counts as congested."""
RAISE_EVERY = 4.0
WINDOW = 1.0
"""Seconds over which the sent rate is measured; a cut is not followed by another any sooner."""
SHARE = 0.9
"""Of the measured rate that is used, so that the queue drains."""
BANDWIDTH_SHARE = 0.95
"""The same of what the path is said to take, which has a margin of its own."""
STANDSTILL = 0.3
"""Seconds without a byte after which a line has stood still."""
MOST_CUT = 0.5
"""What a cut then leaves of the bitrate at least."""
DROPPED_CUT = 0.75
"""What is left of a bitrate at which pictures had to be dropped."""
MUCH_LESS = 0.8
"""Of the proven rate: below this share another one is doubted."""
DOUBT = 2.0
"""Seconds after which it is believed all the same."""
MEMORY = 15.0
"""Seconds for which what the line has carried says what it carries."""
FLOOR = 100_000
STEP = 50_000
"""Bits per second; rates are rounded down to this."""


@dataclass(slots=True)
class _Sample:
    at: float
    total_bytes: int


class BitrateController:
    """Feed it the queue and the bytes sent; it says which video bitrate to use."""

    def __init__(self, original: int, *, other: int = 0) -> None:
        """``original`` is the video bitrate asked for, ``other`` that of sound and framing."""
        self.original = original
        self.bitrate = original
        self._other = other
        self._samples: deque[_Sample] = deque()
        self._cut_at: float | None = None
        self._raised_at = 0.0
        self._before_raise = original
        self._proven = 0.0
        self._proven_at = 0.0
        self._doubted_since: float | None = None
        self._dropped_at: float | None = None

    def update(
        self,
        now: float,
        *,
        queue_seconds: float,
        total_bytes: int,
        bandwidth: int | None = None,
        dropped: bool = False,
    ) -> int:
        """The video bitrate from ``now`` on, in bits per second.

        ``total_bytes`` counts what was handed to the network since the beginning. ``bandwidth`` is
        what the path takes, where the protocol knows: it bounds the bitrate before a queue grows.
        ``dropped``: pictures have been since the last call.
        """
        self._measure(now, total_bytes)
        self._prove(now)
        if dropped:
            self._maybe_cut_blindly(now)
        most = self.original if bandwidth is None else self._video_share(bandwidth, BANDWIDTH_SHARE)
        if most < self.bitrate:
            self._cut_to(most, now)
        elif queue_seconds > TRIGGER:
            self._maybe_cut(now)
        else:
            self._doubted_since = None
            if self.bitrate < self.original and now - self._raised_at >= RAISE_EVERY:
                self._raise(now, most)
        return self.bitrate

    def set_original(self, bitrate: int) -> None:
        """The user wants another bitrate: the new one to return to."""
        self.original = bitrate
        self.bitrate = self._before_raise = bitrate

    def restart(self, now: float) -> None:
        """A new connection: what the old one achieved says nothing; keep the bitrate for now."""
        self._samples.clear()
        self._raised_at, self._dropped_at = now, None
        self._proven, self._doubted_since = 0.0, None

    def sent_rate(self) -> float:
        """Bits per second that got through lately."""
        if len(self._samples) < 2:
            return 0.0
        first, last = self._samples[0], self._samples[-1]
        return (last.total_bytes - first.total_bytes) * 8 / max(1e-3, last.at - first.at)

    def _measure(self, now: float, total_bytes: int) -> None:
        self._samples.append(_Sample(now, total_bytes))
        while len(self._samples) > 2 and self._samples[1].at <= now - WINDOW:
            self._samples.popleft()

    def _prove(self, now: float) -> None:
        """Remember the most that the line has carried since it was first found too slow."""
        if self._cut_at is None or not self._samples or self._samples[0].at < self._cut_at:
            return
        if self._samples[-1].at - self._samples[0].at < WINDOW * SHARE:
            return
        rate = self.sent_rate()
        if rate >= self._proven or now - self._proven_at > MEMORY:
            self._proven, self._proven_at = rate, now

    def _stood_still(self) -> bool:
        """Whether for a part of the window nothing got through: its mean says little then."""
        moved_at = self._samples[0].at
        for before, after in pairwise(self._samples):
            if after.total_bytes > before.total_bytes:
                moved_at = after.at
            elif after.at - moved_at > STANDSTILL:
                return True
        return False

    def _video_share(self, rate: float, share: float) -> int:
        """What of a rate is left for pictures."""
        return max(FLOOR, int(rate * share - self._other) // STEP * STEP)

    def _maybe_cut(self, now: float) -> None:
        if self._cut_at is not None and now - self._cut_at < WINDOW:
            return
        if len(self._samples) < 2 or self._samples[-1].at - self._samples[0].at < TRIGGER:
            return
        limit = self._video_share(self.sent_rate(), SHARE)
        if self._stood_still():
            limit = max(limit, int(self.bitrate * MOST_CUT) // STEP * STEP)
        if now - self._raised_at < RAISE_EVERY:
            limit = min(limit, self._before_raise)
        self._cut_to(limit, now)

    def _maybe_cut_blindly(self, now: float) -> None:
        """Pictures were dropped at this bitrate, so it is too much, whatever rate was measured.

        The queue that was given up would say so no more; and SRT, whose receivers confirm what they
        have given up too, measures more than the line carries.
        """
        recent = self._cut_at is not None and now - self._cut_at < WINDOW / 2
        if not recent and (self._dropped_at is None or now - self._dropped_at >= DOUBT):
            self._dropped_at = self._cut_at = self._raised_at = now
            self._proven, self._doubted_since = 0.0, None
            self.bitrate = max(FLOOR, int(self.bitrate * DROPPED_CUT) // STEP * STEP)
            self._before_raise = self.bitrate

    def _cut_to(self, limit: int, now: float) -> None:
        """Go down, as far as is believed."""
        proven = self._video_share(self._proven, SHARE)
        if limit < proven * MUCH_LESS:
            if self._doubted_since is None:
                self._doubted_since = now
            if now - self._doubted_since < DOUBT:
                limit = self._doubted(proven, now)
            else:
                self._proven, self._doubted_since = 0.0, None
        else:
            self._doubted_since = None
        if limit < self.bitrate:
            self.bitrate = self._before_raise = limit
            self._cut_at = self._raised_at = now

    def _doubted(self, proven: int, now: float) -> int:
        """Where to wait until the doubt is over: a raise is taken back, what was proven is kept."""
        return min(proven, self._before_raise) if now - self._raised_at < RAISE_EVERY else proven

    def _raise(self, now: float, most: int) -> None:
        raised = min(self.original, self.bitrate + self.original // 10, most)
        if raised > self.bitrate:
            self._before_raise, self.bitrate = self.bitrate, raised
            self._raised_at = now
