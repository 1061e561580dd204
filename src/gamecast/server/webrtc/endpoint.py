"""The one UDP port of all WebRTC sessions: datagrams in and out, timers, closing."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Callable
from typing import Protocol

import structlog

from gamecast.net.udp import Address, UdpSocket
from gamecast.protocols.webrtc.answer import Agreement
from gamecast.protocols.webrtc.candidate import host_candidates
from gamecast.protocols.webrtc.certificate import generate_certificate
from gamecast.protocols.webrtc.credentials import IceCredentials
from gamecast.protocols.webrtc.dtls import make_context
from gamecast.protocols.webrtc.events import Closed, Event
from gamecast.protocols.webrtc.ice import IceLiteAgent
from gamecast.protocols.webrtc.mux import Router
from gamecast.protocols.webrtc.session import DtlsParameters, Session
from gamecast.protocols.webrtc.transport import LocalTransport

log = structlog.get_logger(__name__)

MAX_SESSIONS = 5_000


class Peer(Protocol):
    """What a session's owner (a viewer, a publisher) does with its events."""

    def handle(self, event: Event, now: float) -> None:
        """An event of the session, in order. ``Closed`` is the last."""

    def next_timer(self) -> float | None:
        """When it wants to be woken for itself; asked again after every datagram."""

    def handle_timer(self, now: float) -> None:
        """Do what is due."""


class Endpoint:
    """Owns the socket, the certificate and the sessions."""

    def __init__(self, bound: socket.socket, *, public_addresses: list[str]) -> None:
        self._loop = asyncio.get_running_loop()
        self._public_addresses = public_addresses
        self._router: Router[Session] = Router()
        self._peers: dict[Session, Peer] = {}
        # With the time of each, for what uvloop returns for times past does not know it.
        self._timers: dict[Session, tuple[float, asyncio.TimerHandle]] = {}
        self._certificate = generate_certificate(time.time())
        self._context = make_context(self._certificate)
        self.socket = UdpSocket(bound, self._received)

    def __len__(self) -> int:
        return len(self._peers)

    @property
    def address(self) -> Address:
        """Where the socket is bound."""
        return self.socket.address

    def local_transport(self, reached_at: str) -> LocalTransport:
        """Fresh credentials and our candidates.

        ``reached_at``: the address of ours that the peer's HTTP request came to, which its media
        reaches too unless the configuration names public addresses.
        """
        hosts = self._public_addresses or [reached_at]
        return LocalTransport(
            credentials=IceCredentials.generate(os.urandom),
            fingerprint=self._certificate.fingerprint,
            candidates=host_candidates(hosts, self.address[1]),
        )

    def open(
        self, local: LocalTransport, agreement: Agreement, make_peer: Callable[[Session], Peer]
    ) -> Session:
        """A session for an answer that is about to be sent."""
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
        self._peers[session] = make_peer(session)
        self._settle(session, [])
        return session

    def end(self, session: Session, reason: str) -> None:
        """Close a session of ours."""
        if session in self._peers:
            self._settle(session, session.close(reason))

    def flush(self, session: Session) -> None:
        """Send what the session has queued."""
        for data, address in session.datagrams_to_send():
            self.socket.send(data, (str(address[0]), int(address[1])))

    def close(self) -> None:
        """End every session and close the socket."""
        for session in list(self._peers):
            self.end(session, "the server is stopping")
        self.socket.close()

    def _received(self, data: bytes, address: Address) -> None:
        found = self._router.receive_datagram(data, address, self._loop.time())
        if found is not None:
            self._settle(*found)

    def _timer(self, session: Session) -> None:
        self._timers.pop(session, None)
        now = self._loop.time()
        events = session.handle_timer(now)
        peer = self._peers.get(session)
        if peer is not None and not events:
            peer.handle_timer(now)
        self._settle(session, events)

    def _settle(self, session: Session, events: list[Event]) -> None:
        peer = self._peers.get(session)
        now = self._loop.time()
        for event in events:
            if isinstance(event, Closed):
                self._forget(session, event.reason)
            if peer is not None:
                peer.handle(event, now)
        self.flush(session)
        self._rearm(session)

    def _rearm(self, session: Session) -> None:
        peer = self._peers.get(session)
        timers = (session.next_timer(), peer.next_timer()) if peer is not None else ()
        at = min((each for each in timers if each is not None), default=None)
        armed = self._timers.get(session)
        if armed is not None:
            if at is not None and armed[0] <= at:
                return  # it fires early, finds nothing due and is set again
            armed[1].cancel()
            del self._timers[session]
        if at is not None:
            self._timers[session] = at, self._loop.call_at(at, self._timer, session)

    def _forget(self, session: Session, reason: str) -> None:
        self._router.remove(session)
        self._peers.pop(session, None)
        armed = self._timers.pop(session, None)
        if armed is not None:
            armed[1].cancel()
        log.debug("webrtc.closed", reason=reason)
