"""Acknowledger: what we confirm of the peer's data, and what its answers tell (section 4.8.1)."""

from __future__ import annotations

from struct import Struct

from gamecast.protocols.srt.outbox import Outbox
from gamecast.protocols.srt.packet import SEQUENCE_MASK, ControlType
from gamecast.protocols.srt.receiver import Receiver
from gamecast.protocols.srt.statistics import Statistics
from gamecast.protocols.srt.timing import PeerClock, Rate, RoundTrip

_SYN = 0.010
_LIGHT_ACK = 64
"""Packets after which an ACK of one word is sent without waiting for the interval."""
_MAX_ACKS = 256
_ACK = Struct(">7I")


class Acknowledger:
    """Full ACKs every 10 ms, light ones under load; the ACKACK gives round trip and drift."""

    def __init__(
        self,
        *,
        receiver: Receiver,
        rate: Rate,
        rtt: RoundTrip,
        clock: PeerClock,
        outbox: Outbox,
        statistics: Statistics,
        now: float,
    ) -> None:
        """``rate``: of what is received."""
        self._receiver = receiver
        self._rate = rate
        self._rtt = rtt
        self._clock = clock
        self._outbox = outbox
        self._statistics = statistics
        self._number = 0
        self._unanswered: dict[int, tuple[int, float]] = {}
        self._acked = self._confirmed = receiver.expected
        self._sent_at = now
        self._since = 0

    @property
    def measures(self) -> bool:
        """Whether round trips are measured here: data comes in."""
        return bool(self._unanswered)

    def received(self, now: float) -> None:
        """One data packet has arrived."""
        self._since += 1
        if self._since >= _LIGHT_ACK:
            self._since = 0
            self._send_light(now)

    def answered(self, number: int, timestamp: int, now: float) -> None:
        """An ACKACK."""
        sent = self._unanswered.pop(number, None)
        if sent is None:
            return
        sequence, at = sent
        for older in [known for known in self._unanswered if known < number]:
            del self._unanswered[older]
        self._confirmed = max(self._confirmed, sequence)
        self._rtt.sample(now - at)
        self._clock.sample(timestamp, now, now - at)

    def tick(self, now: float) -> None:
        """Every 10 ms: confirm what is new, repeat what the peer has not answered."""
        sequence = self._receiver.expected
        if sequence == self._acked:
            overdue = now - self._sent_at > self._rtt.rtt + 4 * self._rtt.variance + _SYN
            if self._confirmed >= sequence or not overdue:
                return
        self._acked = sequence
        self._since = 0
        self._sent_at = now
        self._number = self._number + 1 & 0xFFFF_FFFF or 1
        if len(self._unanswered) >= _MAX_ACKS:
            del self._unanswered[next(iter(self._unanswered))]
        self._unanswered[self._number] = (sequence, now)
        self._statistics.pkt_sent_ack += 1
        self._outbox.put(ControlType.ACK, now, info=self._number, cif=self._body(sequence))

    def _body(self, sequence: int) -> bytes:
        rate = self._rate
        return _ACK.pack(
            sequence & SEQUENCE_MASK,
            int(self._rtt.rtt * 1e6),
            int(self._rtt.variance * 1e6),
            self._receiver.room,
            int(rate.packets),
            int(rate.packets),  # link capacity: all that is known is that it is not less
            int(rate.bytes),
        )

    def _send_light(self, now: float) -> None:
        sequence = self._receiver.expected & SEQUENCE_MASK
        self._statistics.pkt_sent_ack += 1
        self._outbox.put(ControlType.ACK, now, cif=sequence.to_bytes(4, "big"))
