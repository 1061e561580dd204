"""Sender: data packets out, kept until they are acknowledged or too late (draft section 4.6)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from gamecast.protocols.srt.packet import (
    HEADER,
    KEY_SHIFT,
    MESSAGE_MASK,
    RETRANSMITTED,
    SEQUENCE_MASK,
    SOLO,
    unwrap,
)
from gamecast.protocols.srt.security import Security
from gamecast.protocols.srt.statistics import Statistics
from gamecast.protocols.srt.timing import RoundTrip

_SYN = 0.010
_LEAST_DROP = 1.0
"""Seconds below which nothing counts as too late for sending (SRT_TLPKTDROP_MINTHRESHOLD_MS)."""
_BURST_SECONDS = 0.010
"""What the bandwidth bound lets out at once."""

_UNLUCKY = 3
"""A packet lost that often is sent twice from then on: its time is running out."""


@dataclass(slots=True)
class _Sent:
    word: int
    timestamp: int
    payload: bytes
    born: float
    sent_at: float = 0.0
    count: int = 0


class Sender:
    """One direction's new data, retransmissions and flow window. Sequence numbers are endless.

    Retransmissions go before new data; one packet is not sent again within a round trip.
    """

    def __init__(
        self,
        *,
        sequence: int,
        window: int,
        rtt: RoundTrip,
        statistics: Statistics,
        timestamp: Callable[[float], int],
        drop_after: float | None,
        max_bandwidth: int = 0,
    ) -> None:
        """``drop_after``: seconds after which a packet is no longer sent; ``None`` for never."""
        self.peer = 0
        self.security: Security | None = None
        self.next = sequence
        """The next new packet's number."""
        self.acknowledged = sequence
        """The first packet that the peer has not confirmed."""
        self._window = window
        self._rtt = rtt
        self._statistics = statistics
        self._timestamp = timestamp
        self._drop_after = None if drop_after is None else max(drop_after, _LEAST_DROP) + 2 * _SYN
        self._bandwidth = max_bandwidth
        self._allowance = 0.0
        self._allowed_at: float | None = None
        self._message = 1
        self._sent: dict[int, _Sent] = {}
        self._oldest = sequence
        self._waiting: deque[tuple[bytes, float]] = deque()
        self._waiting_bytes = 0
        self._lost: dict[int, None] = {}
        self._progress_at = 0.0
        self._out: list[bytes] = []

    # What the application does ------------------------------------------------------------------

    def send(self, payload: bytes, now: float) -> None:
        """Take one payload; it goes out with ``data_to_send`` or as soon as there is room."""
        self._waiting.append((payload, now))
        self._waiting_bytes += len(payload)
        self._fill(now)

    def take(self) -> list[bytes]:
        """Datagrams to send now."""
        out, self._out = self._out, []
        return out

    @property
    def in_flight(self) -> int:
        """Packets sent and not confirmed."""
        return self.next - self._oldest

    @property
    def waiting(self) -> int:
        """Payloads that have not been sent once."""
        return len(self._waiting)

    def buffered_seconds(self, now: float) -> float:
        """Age of the oldest packet that is not confirmed."""
        first = self._sent.get(self._oldest)
        if first is not None:
            return now - first.born
        return now - self._waiting[0][1] if self._waiting else 0.0

    # What the peer says -------------------------------------------------------------------------

    def acknowledge(self, number: int, now: float) -> bool:
        """An ACK up to (not including) a wrapped number; ``False`` if it makes no sense."""
        upto = unwrap(number, self.acknowledged)
        if not self.acknowledged <= upto <= self.next:
            return upto < self.acknowledged and self.acknowledged - upto < self._window
        if upto > self.acknowledged:
            self.acknowledged = upto
            self._forget(upto)
            self._progress_at = now
            self._fill(now)
        return True

    def lost(self, ranges: list[tuple[int, int]], now: float) -> tuple[bool, list[tuple[int, int]]]:
        """A NAK: whether its ranges make sense, and those that are gone (for DROPREQ)."""
        gone: list[tuple[int, int]] = []
        sane = True
        for wrapped_first, wrapped_last in ranges:
            first = unwrap(wrapped_first, self.acknowledged)
            last = unwrap(wrapped_last, self.acknowledged)
            if not self.acknowledged - self._window <= first <= last < self.next:
                sane = False
                continue
            self._statistics.pkt_snd_loss += last - first + 1
            if first < self._oldest and last >= self.acknowledged:
                gone.append((first, min(last, self._oldest - 1)))
            for sequence in range(max(first, self._oldest), last + 1):
                self._lost[sequence] = None
        self._retransmit(now)
        return sane, gone

    # Time ---------------------------------------------------------------------------------------

    def tick(self, now: float) -> None:
        """Every 10 ms: drop what is too late, repeat what nobody confirms, go on where held up."""
        self._drop_late(now)
        timeout = self._rtt.rtt + 4 * self._rtt.variance + 2 * _SYN
        if self._sent and not self._lost and now - self._progress_at > timeout:
            newest = self._sent.get(self.next - 1)
            if newest is not None and now - newest.sent_at > timeout:
                self._lost.update(dict.fromkeys(self._sent))
                self._progress_at = now
        self._retransmit(now)
        self._fill(now)

    # Inside -------------------------------------------------------------------------------------

    def _fill(self, now: float) -> None:
        while self._waiting and self.next - self._oldest < self._window:
            if not self._may_send(len(self._waiting[0][0]), now):
                return
            payload, born = self._waiting.popleft()
            self._waiting_bytes -= len(payload)
            self._emit_new(payload, born, now)

    def _emit_new(self, payload: bytes, born: float, now: float) -> None:
        sequence = self.next
        word = SOLO | self._message
        self._message = self._message + 1 & MESSAGE_MASK or 1
        security, timestamp = self.security, self._timestamp(born)
        if security is not None:
            word |= security.next_key() << KEY_SHIFT
        header = HEADER.pack(sequence & SEQUENCE_MASK, word, timestamp, self.peer)
        if security is not None:
            payload = security.encrypt(sequence, header, payload)
        entry = _Sent(word, timestamp, payload, born, now, 1)
        if not self._sent:
            self._progress_at = now
        self._sent[sequence] = entry
        self.next = sequence + 1
        statistics = self._statistics
        statistics.pkt_sent += 1
        statistics.byte_sent += len(payload)
        self._out.append(header + payload)

    def _retransmit(self, now: float) -> None:
        recent = now - self._rtt.rtt
        done = []
        for sequence in self._lost:
            entry = self._sent.get(sequence)
            if entry is None or (entry.count > 1 and entry.sent_at > recent):
                done.append(sequence)
                continue
            if not self._may_send(len(entry.payload), now):
                break
            done.append(sequence)
            entry.count += 1
            entry.sent_at = now
            self._repeat(sequence, entry, copies=1 + (entry.count > _UNLUCKY))
        for sequence in done:
            del self._lost[sequence]

    def _repeat(self, sequence: int, entry: _Sent, *, copies: int) -> None:
        self._statistics.pkt_retrans += copies
        self._statistics.byte_retrans += copies * len(entry.payload)
        word = entry.word | RETRANSMITTED
        header = HEADER.pack(sequence & SEQUENCE_MASK, word, entry.timestamp, self.peer)
        self._out += [header + entry.payload] * copies

    def _may_send(self, size: int, now: float) -> bool:
        """The bandwidth bound, as a bucket that holds 10 ms."""
        if not self._bandwidth:
            return True
        if self._allowed_at is not None:
            self._allowance += (now - self._allowed_at) * self._bandwidth
        self._allowance = min(self._allowance, max(self._bandwidth * _BURST_SECONDS, 1500.0))
        self._allowed_at = now
        if self._allowance < 0:
            return False
        self._allowance -= size
        return True

    def _drop_late(self, now: float) -> None:
        if self._drop_after is None:
            return
        limit = now - self._drop_after
        upto = self._oldest
        while (entry := self._sent.get(upto)) is not None and entry.born < limit:
            upto += 1
        self._statistics.pkt_snd_drop += upto - self._oldest
        self._forget(upto)
        while self._waiting and self._waiting[0][1] < limit:
            payload, _ = self._waiting.popleft()
            self._waiting_bytes -= len(payload)
            self._statistics.pkt_snd_drop += 1

    def _forget(self, upto: int) -> None:
        for sequence in range(self._oldest, upto):
            self._sent.pop(sequence, None)
            self._lost.pop(sequence, None)
        self._oldest = max(self._oldest, upto)
