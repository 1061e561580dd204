"""Receiver: data packets in, in order and on time (draft sections 4.5, 4.6 and 4.8)."""

from __future__ import annotations

from gamecast.protocols.srt.packet import SEQUENCE_MASK, unwrap
from gamecast.protocols.srt.settings import Settings
from gamecast.protocols.srt.statistics import Statistics
from gamecast.protocols.srt.timing import PeerClock, RoundTrip

_MIN_NAK_INTERVAL = 0.009
"""Just under the 10 ms at which the connection ticks. libsrt waits 20 ms, and loses more."""
_PATIENCE_DECAY = 0.999
"""Per tick: a network that no longer reorders is trusted again within some seconds."""
_NO_PATIENCE = 0.001
_MAX_NAK_RANGES = 160
"""What fits into one packet of any usual MTU."""


class Receiver:
    """The receive buffer and the list of what is missing. Sequence numbers are endless."""

    def __init__(
        self,
        *,
        sequence: int,
        latency: float,
        clock: PeerClock,
        rtt: RoundTrip,
        statistics: Statistics,
        settings: Settings,
    ) -> None:
        self._window = settings.window
        self.latency = latency
        self._clock = clock
        self._rtt = rtt
        self._statistics = statistics
        self._too_late_drop = settings.too_late_drop
        self._hold = settings.hold
        self._buffer: dict[int, tuple[float, bytes]] = {}
        self._deliver = sequence
        self._newest = sequence - 1
        self._missing: dict[int, float] = {}
        """By sequence number, in order: when it began to be missing."""
        self._patience = 0.0
        """Seconds by which packets have come out of order lately: no NAK before."""
        self._nak_at = 0.0
        self.expected = sequence
        """The first packet that has not arrived and is still waited for: what an ACK says."""

    @property
    def room(self) -> int:
        """Packets that still fit."""
        return max(2, self._window - (self._newest + 1 - self._deliver))

    @property
    def buffered(self) -> int:
        """Packets that wait for their time."""
        return len(self._buffer)

    def buffered_seconds(self) -> float:
        """Media between the packet due next and the newest."""
        if not self._buffer:
            return 0.0
        first, last = self._buffer[min(self._buffer)], self._buffer.get(self._newest)
        return max(0.0, last[0] - first[0]) if last is not None else 0.0

    def receive(
        self, number: int, timestamp: int, payload: bytes, now: float, *, again: bool = False
    ) -> tuple[int, int] | None:
        """One data packet, decrypted; ``again``: the sender has marked it as a retransmission.

        Returns the range that it shows to be missing, for an immediate NAK.
        """
        sequence = self._newest + 1
        if number != sequence & SEQUENCE_MASK:
            sequence = unwrap(number, sequence)
        if sequence < self._deliver or sequence in self._buffer:
            self._statistics.pkt_rcv_belated += 1
            return None
        if sequence >= self._deliver + self._window:
            self._statistics.pkt_rcv_drop += 1
            return None
        self._statistics.pkt_recv_unique += 1
        self._buffer[sequence] = (self._clock.time(timestamp, now) + self.latency, payload)
        lost: tuple[int, int] | None = None
        if sequence > self._newest:
            if sequence > self._newest + 1:
                lost = self._miss(sequence, now)
            self._newest = sequence
        else:
            since = self._missing.pop(sequence, now)
            if not again:
                self._learn_patience(now - since)
        if sequence == self.expected:
            self._advance()
        return lost

    def deliver(self, now: float) -> list[bytes]:
        """The payloads whose time has come, or all up to the first gap where they are not held.

        What is missing before one whose time has come is given up.
        """
        ready: list[bytes] = []
        buffer = self._buffer
        while buffer:
            entry = buffer.get(self._deliver)
            if entry is not None:
                if entry[0] > now and self._hold:
                    break
                ready.append(entry[1])
                del buffer[self._deliver]
                self._deliver += 1
                continue
            if not self._too_late_drop or not self._skip(now):
                break
        return ready

    def next_delivery(self) -> float | None:
        """When ``deliver`` has something to do; ``None`` while nothing is buffered."""
        if not self._buffer:
            return None
        entry = self._buffer.get(self._deliver)
        if entry is None:
            entry = self._buffer[self._first()]
        return entry[0]

    def drop(self, wrapped_first: int, wrapped_last: int) -> bool:
        """DROPREQ: the sender has not got these any more; ``False`` if it makes no sense."""
        first = unwrap(wrapped_first, self._newest)
        last = unwrap(wrapped_last, self._newest)
        if not first <= last < self._deliver + self._window or last - first >= self._window:
            return False
        if last > self._newest:
            return False
        for sequence in range(max(first, self.expected), last + 1):
            if self._missing.pop(sequence, None) is not None:
                self._statistics.pkt_rcv_drop += 1
        if first <= self.expected <= last:
            self.expected = max(self.expected, last + 1)
            self._advance()
            if self._deliver not in self._buffer and self._deliver < self.expected:
                self._deliver = self._first() if self._buffer else self.expected
        return True

    def due_naks(self, now: float) -> list[tuple[int, int]]:
        """Periodic NAK: what is still missing, as ranges, if it is time to say so."""
        self._patience *= _PATIENCE_DECAY
        # Where round trips vary, answers do too, and libsrt would send again for each report.
        rtt, varying = self._rtt.rtt, 4 * self._rtt.variance
        interval = max(rtt / 5, min(varying, rtt / 2), _MIN_NAK_INTERVAL)
        if not self._missing or now - self._nak_at < interval:
            return []
        self._nak_at = now
        ranges: list[tuple[int, int]] = []
        young = now - max(self._patience, _MIN_NAK_INTERVAL)
        for sequence, since in self._missing.items():
            if since > young:
                break  # asked for by the immediate NAK a moment ago, or perhaps only late
            if ranges and ranges[-1][1] == sequence - 1:
                ranges[-1] = (ranges[-1][0], sequence)
            elif len(ranges) == _MAX_NAK_RANGES:
                break
            else:
                ranges.append((sequence, sequence))
        return ranges

    # Inside -------------------------------------------------------------------------------------

    def _miss(self, sequence: int, now: float) -> tuple[int, int] | None:
        """Everything between the newest packet and this one is missing."""
        first = self._newest + 1
        self._statistics.pkt_rcv_loss += sequence - first
        self._missing.update(dict.fromkeys(range(first, sequence), now))
        return (first, sequence - 1) if self._patience < _NO_PATIENCE else None

    def _learn_patience(self, late: float) -> None:
        """A packet came out of order, by so many seconds."""
        bound = min(self._rtt.rtt / 2, self.latency / 8)
        self._patience = max(self._patience, min(late * 1.25, bound))

    def _advance(self) -> None:
        buffer, expected = self._buffer, self.expected
        while expected in buffer:
            expected += 1
        self.expected = expected

    def _first(self) -> int:
        """The first buffered packet behind a gap."""
        sequence = self._deliver
        while sequence not in self._buffer:
            sequence += 1
        return sequence

    def _skip(self, now: float) -> bool:
        """Give up the gap at the front if what follows it is due (TLPKTDROP)."""
        first = self._first()
        if self._buffer[first][0] > now:
            return False
        for sequence in range(self._deliver, first):
            if self._missing.pop(sequence, None) is not None:
                self._statistics.pkt_rcv_drop += 1
        self._deliver = first
        if self.expected < first:
            self.expected = first
            self._advance()
        return True
