"""Connection: an established SRT connection in live mode, both directions (draft section 4)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from struct import Struct

from gamecast.protocols.srt import packet as wire
from gamecast.protocols.srt.acknowledger import Acknowledger
from gamecast.protocols.srt.errors import SrtError
from gamecast.protocols.srt.events import ConnectionClosed, Event, PayloadsReceived
from gamecast.protocols.srt.handshake import ExtensionType
from gamecast.protocols.srt.keys import KmState, build_km_state
from gamecast.protocols.srt.outbox import Outbox
from gamecast.protocols.srt.packet import ControlType
from gamecast.protocols.srt.receiver import Receiver
from gamecast.protocols.srt.security import Security
from gamecast.protocols.srt.sender import Sender
from gamecast.protocols.srt.settings import Settings
from gamecast.protocols.srt.statistics import Statistics
from gamecast.protocols.srt.timing import PeerClock, Rate, RoundTrip

_SYN = 0.010
_KEEPALIVE = 1.0
_UDP_HEADERS = 28
_NOT_RETRANSMITTED = ~wire.RETRANSMITTED
_SMALL_ACK = Struct(">4I")


@dataclass(slots=True, kw_only=True)
class Agreement:
    """What the handshake has settled. Times are seconds."""

    local_id: int
    peer_id: int
    sequence: int
    """Of our first data packet."""
    mtu: int
    """The smaller of both sides'."""
    peer_sequence: int
    window: int
    """Packets that the peer takes unconfirmed."""
    latency: float
    peer_latency: float
    started: float
    """When our time stamps began."""
    peer_timestamp: int
    """Of the peer's handshake."""


class Connection:
    """Made by ``Caller`` or ``Listener``. Feed it datagrams and time; send what it gives.

    ``receive_datagram`` and ``handle_timer`` return events; afterwards take ``data_to_send`` and
    look at ``next_timer``. Malformed and forged packets are counted and dropped.
    """

    def __init__(
        self,
        settings: Settings,
        agreement: Agreement,
        *,
        now: float,
        security: Security | None,
    ) -> None:
        """``now``: when the peer's handshake arrived."""
        self.local_id = agreement.local_id
        self.peer_id = agreement.peer_id
        self.latency = agreement.latency
        self.peer_latency = agreement.peer_latency
        self.closed: ConnectionClosed | None = None
        self._settings = settings
        self._security = security
        overhead = security.overhead if security is not None else 0
        self.payload_size = agreement.mtu - _UDP_HEADERS - wire.HEADER_SIZE - overhead
        """The most bytes that ``send`` takes at once: 1456 as a rule, 1440 with AES-GCM."""
        self._outbox = Outbox(peer=agreement.peer_id, started=agreement.started)
        self._rtt = RoundTrip()
        self._totals = Statistics()
        self._clock = PeerClock(agreement.peer_timestamp, now)
        self._receiver = Receiver(
            sequence=agreement.peer_sequence,
            latency=agreement.latency,
            clock=self._clock,
            rtt=self._rtt,
            statistics=self._totals,
            settings=settings,
        )
        self._sender = Sender(
            sequence=agreement.sequence,
            window=agreement.window,
            rtt=self._rtt,
            statistics=self._totals,
            timestamp=self._outbox.timestamp,
            drop_after=agreement.peer_latency if settings.too_late_drop else None,
            max_bandwidth=settings.max_bandwidth,
        )
        self._sender.peer = agreement.peer_id
        self._sender.security = security
        self._heard_at = now
        self._spoke_at = now
        self._spoke = False
        self._tick_at = now + _SYN
        self._receive_rate = Rate(now)
        self._send_rate = Rate(now)
        self._acknowledger = Acknowledger(
            receiver=self._receiver,
            rate=self._receive_rate,
            rtt=self._rtt,
            clock=self._clock,
            outbox=self._outbox,
            statistics=self._totals,
            now=now,
        )
        self.handshake_response: bytes | None = None
        """What a listener repeats when the caller repeats its conclusion."""

    # Input --------------------------------------------------------------------------------------

    def receive_datagram(self, data: bytes, now: float) -> list[Event]:
        """One datagram whose destination socket id is ours, from the peer's address."""
        return self.receive_burst((data,), now)

    def receive_burst(self, datagrams: Iterable[bytes], now: float) -> list[Event]:
        """Such datagrams that came together; what they complete comes out in one event."""
        if self.closed is not None:
            return []
        for data in datagrams:
            if len(data) < wire.HEADER_SIZE:
                continue
            first, second, timestamp, _ = wire.HEADER.unpack_from(data)
            self._heard_at = now
            if not first & wire.CONTROL_FLAG:
                self._receive_data(first, second, timestamp, data, now)
                continue
            try:
                self._receive_control(first, second, timestamp, data, now)
            except SrtError:
                self._totals.pkt_malformed += 1
            if self.closed is not None:
                return [*self._flush(), self.closed]
        return self._deliver(now)

    def handle_timer(self, now: float) -> list[Event]:
        """Call at ``next_timer``, or later."""
        if self.closed is not None:
            return []
        if now - self._heard_at > self._settings.idle_timeout:
            reason = f"nothing heard for {self._settings.idle_timeout:g} s"
            self.closed = ConnectionClosed(reason)
            return [*self._flush(), self.closed]
        events = self._deliver(now)
        if now >= self._tick_at:
            self._tick_at = now + _SYN
            self._tick(now)
        return events

    def next_timer(self) -> float | None:
        """When ``handle_timer`` is due; ``None`` once closed."""
        if self.closed is not None:
            return None
        delivery = self._receiver.next_delivery()
        return self._tick_at if delivery is None else min(self._tick_at, delivery)

    # Commands -----------------------------------------------------------------------------------

    def send(self, payload: bytes, now: float) -> None:
        """Send one payload of at most ``payload_size`` bytes (``ValueError`` above)."""
        if len(payload) > self.payload_size:
            raise ValueError("payload does not fit into one packet")
        if self.closed is None:
            self._send_rate.count(len(payload))
            self._sender.send(payload, now)

    def close(self, now: float, reason: str = "closed") -> None:
        """Say goodbye and end."""
        if self.closed is None:
            self._outbox.put(ControlType.SHUTDOWN, now)
            self.closed = ConnectionClosed(reason, orderly=True)

    def data_to_send(self) -> list[bytes]:
        """Datagrams for the peer, in order."""
        out = self._outbox.take() + self._sender.take()
        if out:
            self._spoke = True
        return out

    @property
    def in_flight(self) -> int:
        """Packets sent and not confirmed."""
        return self._sender.in_flight

    @property
    def unsent(self) -> int:
        """Payloads that wait for the flow window or the bandwidth bound."""
        return self._sender.waiting

    def unconfirmed_seconds(self, now: float) -> float:
        """For how long the oldest packet in flight or in wait has been there."""
        return self._sender.buffered_seconds(now)

    @property
    def rtt(self) -> float:
        """Smoothed round-trip time in seconds."""
        return self._rtt.rtt

    @property
    def encrypted(self) -> bool:
        """Whether payloads are encrypted."""
        return self._security is not None

    @property
    def authenticated(self) -> bool:
        """Whether they are so by AES-GCM."""
        return self._security is not None and self._security.authenticated

    def statistics(self, now: float) -> Statistics:
        """Totals and the present state; the same object each time."""
        totals = self._totals
        totals.ms_rtt = self._rtt.rtt * 1e3
        totals.mbps_send_rate = self._send_rate.bytes * 8e-6
        totals.mbps_recv_rate = self._receive_rate.bytes * 8e-6
        totals.pkt_flight_size = self._sender.in_flight
        totals.ms_snd_buf = self._sender.buffered_seconds(now) * 1e3
        totals.ms_rcv_buf = self._receiver.buffered_seconds() * 1e3
        totals.ms_rcv_tsbpd_delay = self.latency * 1e3
        totals.ms_snd_tsbpd_delay = self.peer_latency * 1e3
        return totals

    # Data ---------------------------------------------------------------------------------------

    def _receive_data(
        self, sequence: int, word: int, timestamp: int, data: bytes, now: float
    ) -> None:
        totals = self._totals
        totals.pkt_recv += 1
        totals.byte_recv += len(data) - wire.HEADER_SIZE
        self._receive_rate.count(len(data))
        again = bool(word & wire.RETRANSMITTED)
        totals.pkt_rcv_retrans += again
        payload: bytes | None = data[wire.HEADER_SIZE :]
        if self._security is not None:
            payload = self._decrypt(sequence, word, timestamp, data)
        elif word >> wire.KEY_SHIFT & 3:
            payload = None
        if not payload:
            totals.pkt_rcv_undecrypt += 1  # clear text on a secured connection counts here too
            return
        lost = self._receiver.receive(sequence, timestamp, payload, now, again=again)
        if lost is not None:
            self._send_nak([lost], now)
        self._acknowledger.received(now)

    def _decrypt(self, sequence: int, word: int, timestamp: int, data: bytes) -> bytes | None:
        flags = word >> wire.KEY_SHIFT & 3
        if self._security is None or not flags:
            return None
        header = wire.HEADER.pack(sequence, word & _NOT_RETRANSMITTED, timestamp, self.local_id)
        return self._security.decrypt(flags, sequence, header, data[wire.HEADER_SIZE :])

    def _deliver(self, now: float) -> list[Event]:
        payloads = self._receiver.deliver(now)
        return [PayloadsReceived(payloads)] if payloads else []

    def _flush(self) -> list[Event]:
        """The peer is gone: what has arrived is given out without waiting for its time."""
        payloads = self._receiver.deliver(float("inf"))
        return [PayloadsReceived(payloads)] if payloads else []

    # Control ------------------------------------------------------------------------------------

    def _receive_control(
        self, first: int, info: int, timestamp: int, data: bytes, now: float
    ) -> None:
        kind = first >> 16 & 0x7FFF
        cif = data[wire.HEADER_SIZE :]
        if kind == ControlType.ACK:
            self._receive_ack(info, cif, now)
        elif kind == ControlType.ACKACK:
            self._acknowledger.answered(info, timestamp, now)
        elif kind == ControlType.NAK:
            self._receive_nak(cif, now)
        elif kind == ControlType.DROPREQ:
            self._receive_dropreq(cif)
        elif kind == ControlType.SHUTDOWN:
            self.closed = ConnectionClosed("the peer closed the connection", orderly=True)
        elif kind == ControlType.USER:
            self._receive_user(first & 0xFFFF, cif, now)
        elif kind == ControlType.HANDSHAKE and self.handshake_response is not None:
            self._outbox.repeat(self.handshake_response)

    def _receive_ack(self, number: int, cif: bytes, now: float) -> None:
        if len(cif) < 4:
            raise SrtError("ACK is cut short")
        if number:
            self._outbox.put(ControlType.ACKACK, now, info=number)
        if not self._sender.acknowledge(int.from_bytes(cif[:4], "big"), now):
            raise SrtError("ACK outside of what is in flight")
        self._totals.pkt_recv_ack += 1
        if number and len(cif) >= _SMALL_ACK.size:
            _, rtt, variance, _ = _SMALL_ACK.unpack_from(cif)
            if not self._acknowledger.measures:
                self._rtt.told(rtt / 1e6, variance / 1e6)

    def _receive_nak(self, cif: bytes, now: float) -> None:
        ranges = wire.read_loss_list(cif)
        self._totals.pkt_recv_nak += 1
        sane, gone = self._sender.lost(ranges, now)
        for first, last in gone:
            body = wire.write_loss_list([(first, first), (last, last)])
            self._outbox.put(ControlType.DROPREQ, now, cif=body)
        if not sane:
            raise SrtError("NAK outside of what is in flight")

    def _receive_dropreq(self, cif: bytes) -> None:
        if len(cif) < 8:
            raise SrtError("DROPREQ is cut short")
        first, last = int.from_bytes(cif[:4], "big"), int.from_bytes(cif[4:8], "big")
        if (first | last) & wire.CONTROL_FLAG or not self._receiver.drop(first, last):
            raise SrtError("DROPREQ outside of what is in flight")

    def _receive_user(self, subtype: int, cif: bytes, now: float) -> None:
        if subtype == ExtensionType.KMREQ:
            self._receive_kmreq(cif, now)
        elif subtype == ExtensionType.KMRSP and self._security is not None:
            self._security.confirmed(cif)

    def _receive_kmreq(self, cif: bytes, now: float) -> None:
        if self._security is None:
            answer: bytes | None = build_km_state(KmState.NO_SECRET)
        else:
            answer = self._security.receive_refresh(cif, now)
        if answer is not None:
            self._outbox.put(ControlType.USER, now, cif=answer, subtype=ExtensionType.KMRSP)

    # Time ---------------------------------------------------------------------------------------

    def _tick(self, now: float) -> None:
        """Every 10 ms: ACK, NAK, retransmissions, keys, keepalive."""
        self._receive_rate.update(now)
        self._send_rate.update(now)
        self._acknowledger.tick(now)
        ranges = self._receiver.due_naks(now)
        if ranges:
            self._send_nak(ranges, now)
        self._sender.tick(now)
        if self._security is not None:
            message = self._security.message_to_send(now, 1.5 * self._rtt.rtt)
            if message is not None:
                self._outbox.put(ControlType.USER, now, cif=message, subtype=ExtensionType.KMREQ)
        if self._spoke:
            self._spoke, self._spoke_at = False, now
        elif now - self._spoke_at >= _KEEPALIVE:
            self._outbox.put(ControlType.KEEPALIVE, now)

    def _send_nak(self, ranges: list[tuple[int, int]], now: float) -> None:
        self._totals.pkt_sent_nak += 1
        self._outbox.put(ControlType.NAK, now, cif=wire.write_loss_list(ranges))
