"""BitrateController: OBS's dynamic bitrate, as a calculation without clocks or threads.

When more than 200 ms wait in the queue, the encoder is set to a little less than the rate that got
through; every 4 s without congestion it is raised by a tenth of the original, up to the original.
A raise that ends in congestion at once is taken back, whatever rate was measured.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

TRIGGER = 0.2
"""Seconds queued from which the uplink counts as congested."""
RAISE_EVERY = 4.0
WINDOW = 1.0
"""Seconds over which the sent rate is measured; a cut is not followed by another any sooner."""
SHARE = 0.9
"""Of the measured rate that is used, so that the queue drains."""
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

    def update(
        self,
        now: float,
        *,
        queue_seconds: float,
        total_bytes: int,
        bandwidth: int | None = None,
    ) -> int:
        """The video bitrate from ``now`` on, in bits per second.

        ``total_bytes`` counts what was handed to the network since the beginning. ``bandwidth`` is
        what the path takes, where the protocol knows: it bounds the bitrate before a queue grows.
        """
        self._measure(now, total_bytes)
        if bandwidth is not None and self._follow(now, bandwidth):
            return self.bitrate
        if queue_seconds > TRIGGER:
            self._maybe_cut(now)
        elif self.bitrate < self.original and now - self._raised_at >= RAISE_EVERY:
            self._raise(now)
        return self.bitrate

    def set_original(self, bitrate: int) -> None:
        """The user wants another bitrate: the new one to return to."""
        self.original = bitrate
        self.bitrate = self._before_raise = bitrate

    def restart(self, now: float) -> None:
        """A new connection: what the old one achieved says nothing; keep the bitrate for now."""
        self._samples.clear()
        self._raised_at = now

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

    def _follow(self, now: float, bandwidth: int) -> bool:
        """Go down to what the path takes; ``False`` if that is no less than now."""
        limit = max(FLOOR, int(bandwidth * SHARE - self._other) // STEP * STEP)
        if limit >= self.bitrate:
            return False
        self.bitrate = self._before_raise = limit
        self._cut_at = self._raised_at = now
        return True

    def _maybe_cut(self, now: float) -> None:
        if self._cut_at is not None and now - self._cut_at < WINDOW:
            return
        if len(self._samples) < 2 or self._samples[-1].at - self._samples[0].at < TRIGGER:
            return
        limit = int(self.sent_rate() * SHARE - self._other) // STEP * STEP
        if now - self._raised_at < RAISE_EVERY:
            limit = min(limit, self._before_raise)
        self.bitrate = min(self.bitrate, max(FLOOR, limit))
        self._before_raise = self.bitrate
        self._cut_at = self._raised_at = now

    def _raise(self, now: float) -> None:
        self._before_raise = self.bitrate
        self.bitrate = min(self.original, self.bitrate + self.original // 10)
        self._raised_at = now
