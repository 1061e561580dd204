"""BitrateController: OBS's dynamic bitrate, as a calculation without clocks or threads.

When more than 200 ms wait in the queue, the encoder is set to the rate that got through; every
4 s without congestion it is raised by a tenth of the original, up to the original. If a raise
ends in congestion at once, the rate before it is kept for a while.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

TRIGGER = 0.2
"""Seconds queued from which the uplink counts as congested."""
RAISE_EVERY = 4.0
HOLD_AFTER_CUT = 4.0
"""Seconds after a cut in which the queue may drain before another one."""
WINDOW = 2.0
"""Seconds over which the sent rate is measured."""
FLOOR = 50_000
STEP = 100_000
"""Bits per second; measured rates are rounded down to this."""


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

    def update(self, now: float, *, queue_seconds: float, total_bytes: int) -> int:
        """The video bitrate from ``now`` on, in bits per second.

        ``total_bytes`` counts what was handed to the network since the beginning.
        """
        self._measure(now, total_bytes)
        if queue_seconds > TRIGGER:
            self._maybe_cut(now)
        elif self.bitrate < self.original and now - self._raised_at >= RAISE_EVERY:
            self._raise(now)
        return self.bitrate

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

    def _maybe_cut(self, now: float) -> None:
        if self._cut_at is not None and now - self._cut_at < HOLD_AFTER_CUT:
            return
        if len(self._samples) < 2 or self._samples[-1].at - self._samples[0].at < TRIGGER:
            return
        measured = int(self.sent_rate() - self._other) // STEP * STEP
        if self.bitrate > self._before_raise and now - self._raised_at < RAISE_EVERY:
            measured = min(max(measured, FLOOR), self._before_raise)
        self.bitrate = max(FLOOR, min(measured, self.bitrate))
        self._before_raise = self.bitrate
        self._cut_at = self._raised_at = now

    def _raise(self, now: float) -> None:
        self._before_raise = self.bitrate
        self.bitrate = min(self.original, self.bitrate + self.original // 10)
        self._raised_at = now
