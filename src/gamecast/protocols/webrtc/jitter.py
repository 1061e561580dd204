"""Receive buffer: puts a source's packets back into order and waits a bounded time for lost ones.

One per SSRC. It adds no delay while nothing is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gamecast.protocols.webrtc.rtp import RtpPacket
from gamecast.protocols.webrtc.unwrap import nearest

MAX_PACKETS = 2048
"""Packets held back at once; about a second of 20 Mbit/s."""
MAX_JUMP = 3000
"""Larger steps in sequence are a restart of the source (RFC 3550 appendix A.1)."""


@dataclass(slots=True)
class Run:
    """Packets in their place, without a gap between them."""

    packets: Sequence[RtpPacket]
    lost_before: int = 0
    """How many packets in front of them are given up."""
    restarted: bool = False
    """The source began a new sequence; what went before has no relation to it."""


@dataclass(slots=True)
class _Held:
    packet: RtpPacket
    arrived_at: float


class JitterBuffer:
    """Reorders; ``max_wait`` (seconds) is how long a gap may hold up what came after it.

    Set ``max_wait`` to a little more than the round trips that retransmission needs. ``start_wait``
    holds the very first packets, so that one that overtook them does not become the beginning.
    """

    def __init__(self, *, max_wait: float = 0.2, start_wait: float = 0.0) -> None:
        self.max_wait = max_wait
        self._start_wait = start_wait
        self.late = 0
        """Packets that came after they had been given up, and duplicates."""
        self.lost = 0
        """Packets given up."""
        self._next: int | None = None
        self._held: dict[int, _Held] = {}
        self._suspect: int | None = None

    def insert(self, packets: Sequence[RtpPacket], now: float) -> list[Run]:
        """Take packets of following sequences; returns what is in order now."""
        sequence = self._next
        if not self._held and sequence is not None and packets[0].sequence == sequence & 0xFFFF:
            self._next = sequence + len(packets)
            self._suspect = None
            return [Run(packets)]
        ready: list[Run] = []
        for packet in packets:
            ready += self._insert(packet, now)
        return ready

    def _insert(self, packet: RtpPacket, now: float) -> list[Run]:
        if self._next is None:
            return self._begin(packet, now)
        sequence = nearest(packet.sequence, self._next)
        if abs(sequence - self._next) > MAX_JUMP:
            return self._jumped(packet, now)
        self._suspect = None
        if sequence < self._next or sequence in self._held:
            self.late += 1
            return []
        self._held[sequence] = _Held(packet, now)
        ready = self._in_order(0)
        if len(self._held) > MAX_PACKETS:
            ready += self._skip()
        return ready

    def next_timer(self) -> float | None:
        """When the packets behind the first gap have waited long enough."""
        if not self._held:
            return None
        if self._next is None:
            return next(iter(self._held.values())).arrived_at + self._start_wait
        return self._held[min(self._held)].arrived_at + self.max_wait

    def handle_timer(self, now: float) -> list[Run]:
        """Give up gaps that have held up others for ``max_wait``."""
        ready: list[Run] = []
        while True:
            at = self.next_timer()
            if at is None or now < at:
                return ready
            ready += self._skip()

    def _begin(self, packet: RtpPacket, now: float) -> list[Run]:
        """Collect the first packets; the lowest of them is where the source begins."""
        near = next(iter(self._held), packet.sequence)
        self._held.setdefault(nearest(packet.sequence, near), _Held(packet, now))
        return self.handle_timer(now) if len(self._held) < MAX_PACKETS else self._skip()

    def _jumped(self, packet: RtpPacket, now: float) -> list[Run]:
        """Believe a jump when the packet after it follows; one stray packet changes nothing."""
        expected, self._suspect = self._suspect, packet.sequence + 1 & 0xFFFF
        if packet.sequence != expected:
            self.late += 1
            return []
        flushed: list[Run] = []
        while self._held:
            flushed += self._skip()
        self._next = packet.sequence + 1
        self._suspect = None
        return [*flushed, Run((packet,), lost_before=1, restarted=True)]

    def _skip(self) -> list[Run]:
        """Give up what is missing in front of the first held packet; before the first of all
        nothing is."""
        first = min(self._held)
        missing = 0 if self._next is None else first - self._next
        self._next = first
        self.lost += missing
        return self._in_order(missing)

    def _in_order(self, lost_before: int) -> list[Run]:
        assert self._next is not None
        ready = []
        while (held := self._held.pop(self._next, None)) is not None:
            ready.append(held.packet)
            self._next += 1
        return [Run(ready, lost_before)] if ready else []
