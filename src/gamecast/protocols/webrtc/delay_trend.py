"""Is the queue on the way growing? Trend of the one-way delay over groups of packets.

Source: Carlucci et al., "Analysis and Design of the Google Congestion Control for WebRTC" (2016)
and draft-ietf-rmcat-gcc-02 section 5; the least-squares trend in place of the draft's Kalman
filter, and the adaptive threshold, are those of that paper and of libwebrtc.
"""

from __future__ import annotations

from collections import deque
from enum import Enum

from gamecast.protocols.webrtc.send_history import SentPacket

BURST = 0.005
"""Packets sent within 5 ms are one group."""
WINDOW = 20
SMOOTHING = 0.9
GAIN = 4.0
MIN_SAMPLES = 10
_K_UP, _K_DOWN = 0.0087, 0.039
_THRESHOLD_RANGE = (6.0, 600.0)
_OVERUSE_TIME = 0.01


class Usage(Enum):
    """What the delay says of the path."""

    NORMAL = "normal"
    OVERUSING = "overusing"
    """A queue builds up."""
    UNDERUSING = "underusing"
    """A queue drains."""


class DelayTrend:
    """Feed it packets in order of sending; read ``usage``."""

    def __init__(self) -> None:
        self.usage = Usage.NORMAL
        self.threshold = 12.5
        """Milliseconds; adapts to competing traffic."""
        self._group: tuple[float, float, float] | None = None
        self._previous: tuple[float, float] | None = None
        self._accumulated = 0.0
        self._smoothed = 0.0
        self._samples: deque[tuple[float, float]] = deque(maxlen=WINDOW)
        self._count = 0
        self._over_for = 0.0
        self._updated_at: float | None = None
        self._last_trend = 0.0

    def add(self, packet: SentPacket) -> None:
        """Take one packet that arrived; lost ones say nothing here."""
        if packet.arrived_at is None:
            return
        if self._group is None:
            self._group = (packet.sent_at, packet.sent_at, packet.arrived_at)
            return
        first, last, arrived = self._group
        if packet.sent_at - first <= BURST:
            self._group = (first, max(last, packet.sent_at), max(arrived, packet.arrived_at))
            return
        self._close_group(last, arrived)
        self._group = (packet.sent_at, packet.sent_at, packet.arrived_at)

    def _close_group(self, sent: float, arrived: float) -> None:
        previous, self._previous = self._previous, (sent, arrived)
        if previous is None:
            return
        sent_delta, arrival_delta = sent - previous[0], arrived - previous[1]
        if not -0.1 < arrival_delta < 3.0:  # The receiver's clock jumped.
            self._samples.clear()
            return
        self._count = min(self._count + 1, 1000)
        self._accumulated += (arrival_delta - sent_delta) * 1000
        self._smoothed += (1 - SMOOTHING) * (self._accumulated - self._smoothed)
        self._samples.append((arrived * 1000, self._smoothed))
        if len(self._samples) == WINDOW:
            self._detect(_slope(self._samples), sent_delta, arrived)

    def _detect(self, trend: float, sent_delta: float, now: float) -> None:
        modified = min(self._count, 60) * trend * GAIN
        if modified > self.threshold:
            self._over_for += sent_delta
            if self._over_for > _OVERUSE_TIME and trend >= self._last_trend:
                self._over_for = 0.0
                self.usage = Usage.OVERUSING
        else:
            self._over_for = 0.0
            self.usage = Usage.UNDERUSING if modified < -self.threshold else Usage.NORMAL
        self._last_trend = trend
        self._adapt(abs(modified), now)

    def _adapt(self, modified: float, now: float) -> None:
        before, self._updated_at = self._updated_at, now
        if before is None or modified > self.threshold + 15:
            return
        gain = _K_DOWN if modified < self.threshold else _K_UP
        elapsed = min(now - before, 0.1) * 1000
        moved = self.threshold + gain * (modified - self.threshold) * elapsed
        self.threshold = max(_THRESHOLD_RANGE[0], min(moved, _THRESHOLD_RANGE[1]))


def _slope(samples: deque[tuple[float, float]]) -> float:
    """Least-squares slope, milliseconds of delay per millisecond."""
    mean_x = sum(x for x, _ in samples) / len(samples)
    mean_y = sum(y for _, y in samples) / len(samples)
    spread = sum((x - mean_x) ** 2 for x, _ in samples)
    if spread == 0:
        return 0.0
    return sum((x - mean_x) * (y - mean_y) for x, y in samples) / spread
