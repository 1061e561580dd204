"""The estimator on a simulated bottleneck."""

from __future__ import annotations

import random
from collections.abc import Callable

from gamecast.protocols.webrtc.congestion import MIN_BITRATE, BandwidthEstimator
from gamecast.protocols.webrtc.delay_trend import Usage
from gamecast.protocols.webrtc.send_history import SentPacket


class Bottleneck:
    """A link of ``bitrate`` with a queue of ``queue`` seconds, 20 ms delay and random loss."""

    def __init__(self, bitrate: float, *, queue: float = 0.5, loss: float = 0.0) -> None:
        self.bitrate, self._queue, self._loss = bitrate, queue, loss
        self._free_at = 0.0
        self._random = random.Random(1)
        self.pause, self.pause_every = 0.0, 1.0
        """Seconds at the beginning of so many for which it holds everything, like busy Wi-Fi."""

    def send(self, size: int, now: float) -> SentPacket:
        held = max(0.0, self.pause - now % self.pause_every)
        start = max(self._free_at, now + held)
        if start - now > self._queue or self._random.random() < self._loss:
            return SentPacket(size, now, None)
        self._free_at = start + size * 8 / self.bitrate
        return SentPacket(size, now, self._free_at + 0.02 + self._random.random() * 0.001)


def _run(
    estimator: BandwidthEstimator,
    link: Bottleneck,
    *,
    rate: float | Callable[[], float],
    seconds: float,
    start: float = 0,
) -> None:
    """30 frames a second of 1200-byte packets at ``rate``; feedback every 100 ms."""
    pending: list[SentPacket] = []
    bits = 0.0
    for frame in range(int(seconds * 30)):
        now = start + frame / 30
        bits += (rate() if callable(rate) else rate) / 30
        per_frame = max(1, round(bits / 8 / 1200))
        bits -= per_frame * 8 * 1200
        pending += [link.send(1200, now + i * 0.0002) for i in range(per_frame)]
        if frame % 3 == 2:
            done = [p for p in pending if p.arrived_at is None or p.arrived_at <= now]
            pending = [p for p in pending if p not in done]
            estimator.receive_feedback(done, now)


def test_a_path_with_room_is_seen_as_such() -> None:
    estimator = BandwidthEstimator(start=2e6)
    _run(estimator, Bottleneck(20e6), rate=4e6, seconds=20)
    assert estimator.trend.usage is not Usage.OVERUSING
    assert estimator.bitrate > 4e6
    assert estimator.loss == 0.0
    assert 3.5e6 < estimator.received_bitrate < 4.6e6
    assert estimator.bitrate <= 1.5 * estimator.received_bitrate * 1.1


def test_a_narrow_path_is_found_within_two_seconds() -> None:
    estimator = BandwidthEstimator(start=8e6)
    _run(estimator, Bottleneck(3e6, queue=3.0), rate=6e6, seconds=2)
    assert estimator.bitrate < 3.3e6
    assert estimator.bitrate > 1e6


def test_the_estimate_recovers_when_the_path_widens() -> None:
    estimator = BandwidthEstimator(start=8e6)
    link = Bottleneck(3e6, queue=1.0)
    _run(estimator, link, rate=6e6, seconds=5)
    low = estimator.bitrate
    link.bitrate = 50e6
    _run(estimator, link, rate=6e6, seconds=30, start=6.0)
    assert low < 3.3e6
    assert estimator.bitrate > 5e6


def test_pauses_of_the_path_do_not_lead_a_sender_that_follows_to_nothing() -> None:
    """1 Mbit/s, held for 0.2 s in every four: of what is estimated, 95 % are sent."""
    estimator = BandwidthEstimator(start=2e6)
    link = Bottleneck(1e6)
    link.pause, link.pause_every = 0.2, 4.0
    estimates: list[float] = []

    def rate() -> float:
        estimates.append(estimator.bitrate)
        return min(2e6, 0.95 * estimator.bitrate)

    _run(estimator, link, rate=rate, seconds=60)
    settled = estimates[300:]
    assert sum(settled) / len(settled) > 0.8e6
    assert max(settled) < 1.3e6


def test_heavy_loss_lowers_the_estimate_and_light_loss_does_not() -> None:
    heavy, light = BandwidthEstimator(start=4e6), BandwidthEstimator(start=4e6)
    _run(heavy, Bottleneck(50e6, loss=0.3), rate=4e6, seconds=10)
    _run(light, Bottleneck(50e6, loss=0.01), rate=4e6, seconds=10)
    assert heavy.bitrate < 2e6
    assert light.bitrate > 4e6


def test_remb_and_receiver_reports_bound_it_too() -> None:
    estimator = BandwidthEstimator(start=4e6)
    estimator.receive_estimate(1_500_000)
    assert estimator.bitrate == 1.5e6
    for _ in range(20):
        estimator.receive_loss(0.4)
    assert MIN_BITRATE <= estimator.bitrate < 1e6
    estimator.receive_estimate(0)
    assert estimator.bitrate == MIN_BITRATE
