"""Pacer: a keyframe leaves over some milliseconds, and no more leaves than the path takes.

Two rules, both relative to the estimate of the path's bit rate. Bursts are sent at ``BURST``
times the estimate (libwebrtc's factor), so that a keyframe does not overflow the first queue on its
way. And over ``DEPTH`` seconds no more than ``SUSTAINED`` times the estimate leaves: what an
encoder makes beyond that waits at the sender, where it is measured and dropped by rule.
"""

from __future__ import annotations

from collections import deque

BURST = 2.5
SUSTAINED = 1.0
DEPTH = 0.5
TICK = 0.005
"""Seconds for which a burst may run ahead: the precision of timers."""

Packet = tuple[bytes, bytes]
"""Header and payload."""


class Pacer:
    """Packets in the order in which they came; used by one sender."""

    def __init__(self, bitrate: float) -> None:
        self.backlog = 0
        """Bytes waiting."""
        self._bitrate = bitrate
        self._packets: deque[Packet] = deque()
        self._burst = 0.0
        self._depth = bitrate / 8 * DEPTH
        self._updated_at: float | None = None

    def set_bitrate(self, bitrate: float) -> None:
        """The estimate has changed."""
        self._bitrate = bitrate

    def push(self, header: bytes, payload: bytes) -> None:
        """One more packet."""
        self._packets.append((header, payload))
        self.backlog += len(header) + len(payload)

    def push_front(self, header: bytes, payload: bytes) -> None:
        """A packet that cannot wait: a retransmission."""
        self._packets.appendleft((header, payload))
        self.backlog += len(header) + len(payload)

    def wait(self) -> float:
        """Seconds that what waits now takes to leave, at the rate of a burst."""
        return self.backlog * 8 / (self._bitrate * BURST)

    def spend(self, size: int) -> None:
        """Bytes that leave without waiting, such as sound, count too."""
        self._burst -= size
        self._depth -= size

    def pop_due(self, now: float, *, held: bool = False) -> list[Packet]:
        """The packets that may leave now; none while the sender is ``held`` for another reason."""
        self._refill(now)
        due: list[Packet] = []
        while not held and self._packets and self._burst > 0 and self._depth > 0:
            packet = self._packets.popleft()
            size = len(packet[0]) + len(packet[1])
            self.backlog -= size
            self.spend(size)
            due.append(packet)
        return due

    def pop_all(self) -> list[Packet]:
        """Everything, at the end."""
        packets = list(self._packets)
        self._packets.clear()
        self.backlog = 0
        return packets

    def next_timer(self) -> float | None:
        """When :meth:`pop_due` has something; ``None`` while nothing waits."""
        if not self._packets or self._updated_at is None:
            return None
        rate = self._bitrate / 8
        wait = max(-self._burst / (rate * BURST), -self._depth / (rate * SUSTAINED), 0.0)
        return self._updated_at + max(wait, TICK)

    def _refill(self, now: float) -> None:
        elapsed = 0.0 if self._updated_at is None else max(0.0, now - self._updated_at)
        first = self._updated_at is None
        self._updated_at = now
        rate = self._bitrate / 8
        self._burst += TICK * rate * BURST if first else elapsed * rate * BURST
        self._burst = min(self._burst, max(TICK * rate * BURST, 1500.0))
        self._depth = min(self._depth + elapsed * rate * SUSTAINED, rate * DEPTH)
