"""The one port of all WebRTC sessions, UDP and TCP: datagrams in and out, timers, closing."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, cast

import structlog

from gamecast.net.admission import Admission
from gamecast.net.standstill import CATCH_UP_SECONDS, LATE_SECONDS
from gamecast.net.udp import Address, UdpSocket
from gamecast.protocols.webrtc import address as webrtc
from gamecast.protocols.webrtc.answer import Agreement
from gamecast.protocols.webrtc.candidate import host_candidates
from gamecast.protocols.webrtc.certificate import generate_certificate
from gamecast.protocols.webrtc.credentials import IceCredentials
from gamecast.protocols.webrtc.dtls import make_context
from gamecast.protocols.webrtc.events import AddressForgotten, AddressValidated, Closed, Event
from gamecast.protocols.webrtc.ice import IceLiteAgent
from gamecast.protocols.webrtc.mux import Router
from gamecast.protocols.webrtc.session import DtlsParameters, Session
from gamecast.protocols.webrtc.transport import LocalTransport
from gamecast.server.webrtc.addresses import PublicAddresses
from gamecast.server.webrtc.tcp import Path, TcpPaths

log = structlog.get_logger(__name__)


class TooMany(Exception):
    """The server, or this address, holds as many sessions as it may."""


class Peer(Protocol):
    """What a session's owner (a viewer, a publisher) does with its events."""

    def handle(self, event: Event, now: float) -> None:
        """An event of the session, in order. ``Closed`` is the last."""

    def next_timer(self) -> float | None:
        """When it wants to be woken for itself; asked again after every datagram."""

    def handle_timer(self, now: float) -> None:
        """Do what is due."""


@dataclass(slots=True)
class _Held:
    """What the endpoint knows of a session that lives."""

    peer: Peer
    counted_under: str
    # With its time, for what uvloop returns for times past does not know it.
    timer: tuple[float, asyncio.TimerHandle] | None = None
    waited_for: float | None = None
    """A time that came while we stood still, and for which the peer has been listened to since."""
    previous_ufrag: str = ""
    """Ours before an ICE restart: checks with it are answered until the new ones come."""


class Endpoint:
    """Owns the sockets, the certificate and the sessions."""

    def __init__(
        self, bound: socket.socket, *, public: PublicAddresses, sessions: Admission
    ) -> None:
        """``bound`` is the UDP socket; ``sessions`` bounds them, over all and per address."""
        self._loop = asyncio.get_running_loop()
        self._public = public
        self.admission = sessions
        self._router: Router[Session] = Router()
        self._sessions: dict[Session, _Held] = {}
        self._certificate = generate_certificate(time.time())
        self._context = make_context(self._certificate)
        self.socket = UdpSocket(bound, burst=self._received)
        self._tcp: TcpPaths | None = None

    def __len__(self) -> int:
        return len(self._sessions)

    @property
    def address(self) -> Address:
        """Where the UDP socket is bound."""
        return self.socket.address

    async def listen(self, bound: socket.socket, *, connections: Admission) -> None:
        """Accept ICE-TCP connections too, on a socket that is best bound to the same number."""
        self._tcp = TcpPaths(
            received=self._received_tcp, lost=self._lost_tcp, admission=connections
        )
        await self._tcp.listen(bound)

    def local_transport(self, reached_at: str) -> LocalTransport:
        """Fresh credentials and our candidates.

        ``reached_at``: the address of ours that the peer's HTTP request came to, which its media
        reaches too unless the configuration names public addresses.
        """
        return LocalTransport(
            credentials=IceCredentials.generate(os.urandom),
            fingerprint=self._certificate.fingerprint,
            candidates=host_candidates(
                self._public.reached(reached_at),
                self.address[1],
                tcp_port=self._tcp.port if self._tcp is not None else 0,
            ),
        )

    def open(
        self,
        local: LocalTransport,
        agreement: Agreement,
        make_peer: Callable[[Session], Peer],
        *,
        address: str,
    ) -> Session:
        """A session for an answer that is about to be sent. Raises :class:`TooMany`.

        ``address`` is that of the peer, under which the session is counted.
        """
        if not self.admission.enter(address):
            raise TooMany
        session = Session(
            IceLiteAgent(local.credentials, agreement.remote.credentials.ufrag),
            DtlsParameters(
                context=self._context,
                is_client=agreement.remote.we_are_dtls_client,
                fingerprints=agreement.remote.fingerprints,
            ),
            now=self._loop.time(),
        )
        self._router.add(local.credentials.ufrag, session)
        self._sessions[session] = _Held(make_peer(session), address)
        self._settle(session, [])
        return session

    def restart_ice(
        self, session: Session, remote: IceCredentials, *, reached_at: str
    ) -> LocalTransport:
        """Begin another ICE session; media goes on over the old one until it is there.

        Ours are new credentials and the candidates of today.
        """
        held = self._sessions[session]
        local = self.local_transport(reached_at)
        self._router.add(local.credentials.ufrag, session)
        if held.previous_ufrag:
            self._router.remove_ufrag(held.previous_ufrag)
        held.previous_ufrag = session.local_ufrag
        session.restart_ice(local.credentials, remote)
        return local

    def path(self, address: webrtc.Address, full: Callable[[], None]) -> Path:
        """What media for a validated address goes through.

        ``full`` is called when a TCP connection had no room for a part of it.
        """
        found = self._tcp.get(address) if self._tcp is not None else None
        if found is None:
            return cast(Path, self.socket)
        found.full = full
        return found

    def end(self, session: Session, reason: str) -> None:
        """Close a session of ours."""
        if session in self._sessions:
            self._settle(session, session.close(reason))

    def flush(self, session: Session) -> None:
        """Send what the session has queued."""
        for data, address in session.datagrams_to_send():
            self._send(data, address)

    async def close(self) -> None:
        """End every session and close the sockets."""
        for session in list(self._sessions):
            self.end(session, "the server is stopping")
        self.socket.close()
        if self._tcp is not None:
            await self._tcp.close()
        await self._public.close()

    def _send(self, data: bytes, address: webrtc.Address) -> None:
        if len(address) == 2:
            self.socket.send(data, address)
            return
        path = self._tcp.get(address) if self._tcp is not None else None
        if path is not None:
            path.send(data, address)

    def _received(self, datagrams: list[bytes], address: Address) -> None:
        for found in self._router.receive_burst(datagrams, address, self._loop.time()):
            self._settle(*found)

    def _received_tcp(self, data: bytes, address: webrtc.Address) -> bool:
        found = self._router.receive_datagram(data, address, self._loop.time())
        if found is not None:
            self._settle(*found)
        return found is not None

    def _lost_tcp(self, address: webrtc.Address) -> None:
        session = self._router.remove_address(address)
        if session in self._sessions:
            self._settle(session, session.forget_address(address))

    def _timer(self, session: Session) -> None:
        held = self._sessions.get(session)
        if held is None:
            return
        now = self._loop.time()
        due, held.timer = held.timer[0] if held.timer is not None else now, None
        if now - due > LATE_SECONDS and held.waited_for != due:
            held.waited_for = due
            at = now + CATCH_UP_SECONDS
            held.timer = at, self._loop.call_at(at, self._timer, session)
            return
        events = session.handle_timer(now)
        if not events:
            held.peer.handle_timer(now)
        self._settle(session, events)

    def _settle(self, session: Session, events: list[Event]) -> None:
        held = self._sessions.get(session)
        now = self._loop.time()
        unused: list[webrtc.Address] = []
        for event in events:
            if isinstance(event, Closed):
                unused += self._forget(session, event.reason)
            elif isinstance(event, AddressForgotten):
                unused.append(event.address)
            elif isinstance(event, AddressValidated) and self._tcp is not None:
                self._tcp.checked(event.address)
            if held is not None:
                held.peer.handle(event, now)
        self.flush(session)
        if self._tcp is not None:
            for address in unused:
                self._tcp.close_path(address)
        self._rearm(session)

    def _rearm(self, session: Session) -> None:
        held = self._sessions.get(session)
        if held is None:
            return
        timers = session.next_timer(), held.peer.next_timer()
        at = min((each for each in timers if each is not None), default=None)
        if held.timer is not None:
            if at is not None and held.timer[0] <= at:
                return  # it fires early, finds nothing due and is set again
            held.timer[1].cancel()
            held.timer = None
        if at is not None:
            held.timer = at, self._loop.call_at(at, self._timer, session)

    def _forget(self, session: Session, reason: str) -> list[webrtc.Address]:
        held = self._sessions.pop(session, None)
        if held is not None:
            self.admission.leave(held.counted_under)
            if held.timer is not None:
                held.timer[1].cancel()
        log.debug("webrtc.closed", reason=reason)
        if session.sender is not None and session.sender.refused:
            # Nothing should send a sequence twice; whoever reports a picture that stood still for
            # one viewer shall find out that something did.
            log.warning("webrtc.packets_refused", packets=session.sender.refused)
        return self._router.remove(session)
