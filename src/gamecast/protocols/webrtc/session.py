"""One WebRTC peer: ICE, DTLS and SRTP joined in the order of trust (rule R10).

A datagram is believed only as far as what it passed::

    STUN request    our ufrag, the peer's ufrag, MESSAGE-INTEGRITY   -> selected pair
    DTLS            from a trusted pair                              -> handshake
    certificate     equal to the SDP's fingerprint                   -> SRTP keys
    SRTP, SRTCP     from a trusted pair, authentic, not replayed     -> events

Anything else is counted in ``dropped`` and forgotten. The owner calls ``receive_datagram``, then
sends ``datagrams_to_send()``, then sleeps until ``next_timer()`` and calls ``handle_timer``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from OpenSSL import SSL

from gamecast.protocols.webrtc import stun
from gamecast.protocols.webrtc.address import Address
from gamecast.protocols.webrtc.certificate import Fingerprint
from gamecast.protocols.webrtc.credentials import IceCredentials
from gamecast.protocols.webrtc.dtls import DtlsConnection, DtlsState
from gamecast.protocols.webrtc.errors import WebRtcError
from gamecast.protocols.webrtc.events import (
    AddressForgotten,
    AddressValidated,
    Closed,
    Connected,
    Event,
    PairSelected,
    RtcpReceived,
    RtpReceived,
)
from gamecast.protocols.webrtc.ice import IceLiteAgent
from gamecast.protocols.webrtc.ice_client import IceClientAgent
from gamecast.protocols.webrtc.mux import DatagramKind, classify
from gamecast.protocols.webrtc.rtcp import RtcpPacket, parse_rtcp
from gamecast.protocols.webrtc.srtp import MAX_DATAGRAM, SrtpReceiver, SrtpSender
from gamecast.protocols.webrtc.stun import MessageClass

CONNECT_TIMEOUT = 15.0
"""Seconds from the answer to finished DTLS; a session that never connects is gone after that."""
MAX_DTLS_ATTEMPTS = 3
"""A forged ClientHello must not cost a peer its session, nor may one retry for ever."""


@dataclass(slots=True, kw_only=True)
class DtlsParameters:
    """What the SDP settled about DTLS. ``is_client`` if our side is ``setup:active``."""

    context: SSL.Context
    is_client: bool
    fingerprints: list[Fingerprint]


class Session:
    """One peer. ``agent`` is an ICE-lite agent on a server, a controlling one in a client."""

    def __init__(
        self, agent: IceLiteAgent | IceClientAgent, dtls: DtlsParameters, *, now: float
    ) -> None:
        self.agent = agent
        self.sender: SrtpSender | None = None
        """Protects RTP for the hot path; ``None`` until Connected."""
        self.receiver: SrtpReceiver | None = None
        self.dropped: Counter[str] = Counter()
        """Datagrams that were not believed, by reason."""
        self.closed_reason: str | None = None
        self._parameters = dtls
        self._dtls: DtlsConnection | None = None
        self._dtls_attempts = 0
        self._connect_by = now + CONNECT_TIMEOUT
        self._to_send: list[tuple[bytes, Address]] = []

    @property
    def selected(self) -> Address | None:
        """Where to send; ``None`` before ICE has a pair."""
        return self.agent.selected

    @property
    def local_ufrag(self) -> str:
        """Ours in the present ICE session; a restart changes it."""
        return self.agent.local.ufrag

    @property
    def remote_ufrag(self) -> str:
        """The peer's in the present ICE session."""
        return self.agent.remote_ufrag

    @property
    def heard_at(self) -> float | None:
        """When something authentic last came from the peer."""
        return self.agent.heard_at

    @property
    def is_connected(self) -> bool:
        """Whether media flows: between Connected and Closed, while there is where to send to."""
        connected = self.sender is not None and self.closed_reason is None
        return connected and self.selected is not None

    def receive_datagram(self, data: bytes, address: Address, now: float) -> list[Event]:
        """Take one datagram from anywhere."""
        if self.closed_reason is not None or len(data) > MAX_DATAGRAM:
            self.dropped["late or long"] += 1
            return []
        kind = classify(data)
        if kind is DatagramKind.RTP:
            return self.receive_rtp((data,), address, now)
        if kind is DatagramKind.STUN:
            return self._receive_stun(data, address, now)
        if kind is DatagramKind.UNKNOWN or not self.agent.is_trusted(address):
            self.dropped["not from a trusted pair"] += 1
            return []
        if kind is DatagramKind.DTLS:
            return self._receive_dtls(data, now)
        return self._receive_rtcp(data, address, now)

    def receive_rtp(self, datagrams: Sequence[bytes], address: Address, now: float) -> list[Event]:
        """Take what came in a row and looks like RTP; as :meth:`receive_datagram` for each."""
        if self.closed_reason is not None:
            self.dropped["late or long"] += len(datagrams)
        elif not self.agent.is_trusted(address):
            self.dropped["not from a trusted pair"] += len(datagrams)
        elif self.receiver is None:
            self.dropped["SRTP before DTLS"] += len(datagrams)
        else:
            packets = self.receiver.unprotect_all(datagrams)
            if len(packets) < len(datagrams):
                self.dropped["SRTP"] += len(datagrams) - len(packets)
            if packets:
                self.agent.heard(address, now)
                return [RtpReceived(packets)]
        return []

    def datagrams_to_send(self) -> list[tuple[bytes, Address]]:
        """What is due now, in order; each is to be sent once."""
        datagrams, self._to_send = self._to_send, []
        return datagrams

    def send_rtp(self, header: bytes, payload: bytes) -> None:
        """Protect and queue one packet (retransmissions, a client's media). Needs Connected."""
        if self.sender is None or self.selected is None:
            raise RuntimeError("not connected")
        self._to_send.append((self.sender.protect(header, payload), self.selected))

    def send_rtcp(self, packets: Sequence[RtcpPacket]) -> None:
        """Protect and queue a compound. Needs Connected."""
        if self.sender is None or self.selected is None:
            raise RuntimeError("not connected")
        compound = b"".join(packet.to_bytes() for packet in packets)
        self._to_send.append((self.sender.protect_rtcp(compound), self.selected))

    def next_timer(self) -> float | None:
        """When to call :meth:`handle_timer`; ``None`` once closed."""
        if self.closed_reason is not None:
            return None
        timers = [self.agent.consent_expires_at()]
        if self.sender is None:
            timers.append(self._connect_by)
        if self._dtls is not None:
            timers.append(self._dtls.next_timer())
        if isinstance(self.agent, IceClientAgent):
            timers.append(self.agent.next_timer())
        return min((at for at in timers if at is not None), default=None)

    def handle_timer(self, now: float) -> list[Event]:
        """Do what is due at ``now``; calling it early is harmless."""
        if self.closed_reason is not None:
            return []
        consent = self.agent.consent_expires_at()
        if consent is not None and now >= consent:
            return self._close("the peer has gone silent")
        if self.sender is None and now >= self._connect_by:
            return self._close(self._why_not_connected())
        if isinstance(self.agent, IceClientAgent):
            self._to_send += self.agent.checks_to_send(now)
            if self.agent.failed:
                return self._close("no answer from any of the peer's addresses")
        if self._dtls is None:
            return []
        self._dtls.handle_timer(now)
        return self._after_dtls(now)

    def forget_address(self, address: Address) -> list[Event]:
        """Nothing can be sent to an address of the peer any more: its TCP connection has ended."""
        if isinstance(self.agent, IceClientAgent):
            raise RuntimeError("a client has one address for all of its peer")
        selected = self.agent.forget(address)
        forgotten: list[Event] = [AddressForgotten(address)]
        return forgotten if selected is None else [*forgotten, PairSelected(selected)]

    def restart_ice(self, local: IceCredentials, remote: IceCredentials) -> None:
        """Take new ICE credentials on a server; DTLS and SRTP go on (RFC 8445 section 9).

        Add the new local ufrag to the router; media uses the old pair until one is nominated.
        """
        if isinstance(self.agent, IceClientAgent):
            raise RuntimeError("a client restarts ICE with a new session")
        self.agent.restart(local, remote.ufrag)

    def close(self, reason: str = "closed by us") -> list[Event]:
        """Tell the peer and stop. Send what ``datagrams_to_send`` then gives, once."""
        if self.closed_reason is not None:
            return []
        if self._dtls is not None:
            self._dtls.close()
            self._queue_dtls()
        return self._close(reason)

    def _receive_stun(self, data: bytes, address: Address, now: float) -> list[Event]:
        try:
            message = stun.parse(data)
        except WebRtcError:
            self.dropped["malformed STUN"] += 1
            return []
        if message.message_class is MessageClass.REQUEST:
            return self._receive_check(data, message, address, now)
        if message.message_class is MessageClass.INDICATION:
            return []  # A keep-alive; it proves nothing.
        if isinstance(self.agent, IceClientAgent):
            if self.agent.receive_response(data, message, address, now) is not None:
                return [PairSelected(address), *self._start_dtls(now)]
            self._to_send += self.agent.checks_to_send(now)
        return []

    def _receive_check(
        self, data: bytes, message: stun.StunMessage, address: Address, now: float
    ) -> list[Event]:
        answer = self.agent.receive_request(data, message, address, now)
        if answer.reply is None:
            self.dropped["unauthenticated STUN"] += 1
            return []
        self._to_send.append((answer.reply, address))
        events: list[Event] = []
        if answer.forgotten is not None:
            events.append(AddressForgotten(answer.forgotten))
        if answer.validated is not None:
            events.append(AddressValidated(answer.validated))
        if answer.selected is not None:
            events.append(PairSelected(answer.selected))
            events += self._start_dtls(now)
        return events

    def _start_dtls(self, now: float) -> list[Event]:
        if self._dtls is not None:
            return []
        self._dtls_attempts += 1
        self._dtls = DtlsConnection(
            self._parameters.context,
            is_client=self._parameters.is_client,
            fingerprints=self._parameters.fingerprints,
        )
        self._dtls.start(now)
        return self._after_dtls(now)

    def _receive_dtls(self, data: bytes, now: float) -> list[Event]:
        if self._dtls is None:
            return []
        self._dtls.receive_datagram(data, now)
        return self._after_dtls(now)

    def _after_dtls(self, now: float) -> list[Event]:
        self._queue_dtls()
        if self._dtls is None:
            return []
        outcome = self._dtls.outcome
        if outcome.state is DtlsState.CLOSED:
            return self._close(outcome.reason)
        if outcome.state is DtlsState.FAILED:
            return self._dtls_failed(now)
        keys = self._dtls.keys
        if self.sender is None and keys is not None:
            self.sender, self.receiver = SrtpSender(keys), SrtpReceiver(keys)
            return [Connected(keys.profile)]
        return []

    def _dtls_failed(self, now: float) -> list[Event]:
        """Begin again, unless the peer is proven to be somebody else or has had its chances."""
        assert self._dtls is not None
        outcome = self._dtls.outcome
        if outcome.untrusted or self.sender is not None:
            return self._close(outcome.reason)
        if self._dtls_attempts >= MAX_DTLS_ATTEMPTS:
            return self._close(outcome.reason)
        self._dtls = None
        return self._start_dtls(now)

    def _queue_dtls(self) -> None:
        if self._dtls is not None and self.selected is not None:
            self._to_send += [(data, self.selected) for data in self._dtls.datagrams_to_send()]

    def _receive_rtcp(self, data: bytes, address: Address, now: float) -> list[Event]:
        if self.receiver is None:
            self.dropped["SRTP before DTLS"] += 1
            return []
        plain = self.receiver.unprotect_rtcp(data)
        if plain is None:
            self.dropped["SRTP"] += 1
            return []
        self.agent.heard(address, now)
        try:
            return [RtcpReceived(parse_rtcp(plain))]
        except WebRtcError:
            self.dropped["malformed RTP or RTCP"] += 1
            return []

    def _why_not_connected(self) -> str:
        if self.selected is None:
            return "no STUN check from the peer (is the UDP port reachable?)"
        return "the DTLS handshake was not finished in time"

    def _close(self, reason: str) -> list[Event]:
        self.closed_reason = reason
        return [Closed(reason)]
