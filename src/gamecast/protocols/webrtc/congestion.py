"""How much a viewer's path can take: an estimate in bits per second from transport-cc and loss.

Source: draft-ietf-rmcat-gcc-02. The delay-based part multiplies down to 0.85 of what arrived when
the delay grows and climbs 8 % a second otherwise (section 5.5); the loss-based part reacts to
more than 10 % and to less than 2 % loss (section 6). The lesser of both counts. The stream's rate
is given, not ours to choose, so the estimate climbs no higher than 1.5 times what really arrived.
And what arrived may be less than what the path takes, so the step down is for as long as the queue
is there: else pauses of the path would lead a sender that follows the estimate down to nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from gamecast.protocols.webrtc.delay_trend import DelayTrend, Usage
from gamecast.protocols.webrtc.send_history import SentPacket

DECREASE = 0.85
INCREASE_PER_SECOND = 1.08
DRAINED = 0.9
"""Of what arrived while a queue was there: what the path takes without one."""
HEADROOM = 1.5
MIN_BITRATE = 50_000.0
MAX_BITRATE = 1e9
RATE_WINDOW = 0.5
"""Seconds over which the received rate is measured."""
LOSS_WINDOW = 100
"""Packets over which loss is measured."""


class BandwidthEstimator:
    """One per viewer. Feed it what :class:`SendHistory` makes of feedback."""

    def __init__(self, *, start: float = 1_000_000.0) -> None:
        self.delay_based = start
        self.loss_based = start
        self.loss = 0.0
        """Fraction of packets lost lately, 0 to 1."""
        self.trend = DelayTrend()
        self._remb: float | None = None
        self._arrived: deque[tuple[float, int]] = deque()
        self._arrived_bytes = 0
        self._outcomes: deque[bool] = deque(maxlen=LOSS_WINDOW)
        self._updated_at: float | None = None
        self._decreased_at = -1.0
        self._before = 0.0
        """The estimate before a queue made us decrease, until that has drained; else 0."""
        self._usual = 0.0
        """What arrived over the last second or so, pauses and bursts evened out."""

    @property
    def bitrate(self) -> float:
        """The estimate, bits per second."""
        estimate = min(self.delay_based, self.loss_based)
        if self._remb is not None:
            estimate = min(estimate, self._remb)
        return max(MIN_BITRATE, estimate)

    @property
    def received_bitrate(self) -> float:
        """What arrived over the last ``RATE_WINDOW``, bits per second."""
        if len(self._arrived) < 2:
            return 0.0
        span = max(self._arrived[-1][0] - self._arrived[0][0], 0.1)
        return self._arrived_bytes * 8 / span

    def receive_estimate(self, bitrate: int) -> None:
        """Take a REMB: the receiver's own estimate is an upper bound."""
        self._remb = float(bitrate)

    def receive_loss(self, fraction: float) -> None:
        """Take the loss of a receiver report, for peers without transport-cc."""
        self.loss = fraction
        self._follow_loss(1.0)

    def receive_feedback(self, packets: Sequence[SentPacket], now: float) -> None:
        """Take the packets that one feedback told about."""
        if not packets:
            return
        for packet in packets:
            self._outcomes.append(packet.arrived_at is None)
            if packet.arrived_at is not None:
                self._count_arrival(packet.arrived_at, packet.size)
            self.trend.add(packet)
        elapsed = 0.0 if self._updated_at is None else min(now - self._updated_at, 1.0)
        self._updated_at = now
        self.loss = sum(self._outcomes) / len(self._outcomes)
        self._usual += (self.received_bitrate - self._usual) * elapsed
        self._follow_delay(elapsed, now)
        self._follow_loss(elapsed)

    def _count_arrival(self, arrived_at: float, size: int) -> None:
        self._arrived.append((arrived_at, size))
        self._arrived_bytes += size
        while self._arrived and self._arrived[0][0] < arrived_at - RATE_WINDOW:
            self._arrived_bytes -= self._arrived.popleft()[1]

    def _follow_delay(self, elapsed: float, now: float) -> None:
        usage, received = self.trend.usage, self.received_bitrate
        if usage is Usage.OVERUSING:
            if now - self._decreased_at > 0.2 and received > 0:
                self._before = max(self._before, self.delay_based)
                self.delay_based = min(self.delay_based, DECREASE * received)
                self._decreased_at = now
        elif usage is Usage.NORMAL:
            self.delay_based = self._raised(self.delay_based, INCREASE_PER_SECOND**elapsed)
            drained = min(self._before, DRAINED * max(received, self._usual))
            self.delay_based, self._before = max(self.delay_based, drained), 0.0
        self.delay_based = max(MIN_BITRATE, self.delay_based)

    def _follow_loss(self, elapsed: float) -> None:
        if self.loss > 0.1:
            self.loss_based = max(MIN_BITRATE, self.loss_based * (1 - 0.5 * self.loss * elapsed))
        elif self.loss < 0.02:
            self.loss_based = self._raised(self.loss_based, 1.05**elapsed)

    def _raised(self, rate: float, factor: float) -> float:
        """Climb, up to what the arrived rate vouches for; never down by that alone."""
        ceiling = max(rate, HEADROOM * self.received_bitrate)
        return min(rate * factor, ceiling, MAX_BITRATE)
