"""WHIP: a publisher's session, from its offer to packets in a stream (RFC 9725)."""

from __future__ import annotations

import asyncio
import os
import weakref
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from gamecast.media.errors import MediaError
from gamecast.media.packet import Packet
from gamecast.protocols.webrtc.answer import answer_publish
from gamecast.protocols.webrtc.events import (
    Closed,
    Connected,
    Event,
    RtcpReceived,
    RtpReceived,
)
from gamecast.protocols.webrtc.media_receiver import MediaReceiver
from gamecast.protocols.webrtc.rtcp import Goodbye
from gamecast.protocols.webrtc.sdp_parse import parse_sdp
from gamecast.protocols.webrtc.session import Session
from gamecast.relay.directory import Busy, Directory
from gamecast.relay.stream import Ingest, Stream
from gamecast.server.auth_answers import Grant
from gamecast.server.webrtc.endpoint import Endpoint
from gamecast.server.webrtc.intake import Intake

log = structlog.get_logger(__name__)

_SSRC = 0x47C0_0010
_FLOWED_SECONDS = 3.0
"""A peer that was heard no longer ago was there until the end."""
_SILENT_SECONDS = 10.0
"""A publisher of which nothing authentic comes any more is gone after this. Its ICE alone speaks
every 5 s (RFC 7675 section 5.1), and it gains nothing from the 30 s for which we may go on sending.
"""
_FAREWELL_SECONDS = 10.0
"""How long after the connection's end a ``DELETE`` still belongs to it."""


@dataclass(slots=True)
class WhipStarted:
    """A session that waits for its peer."""

    session: Session
    answer: str
    publisher: WhipPublisher


class WhipPublisher:
    """One publishing session, as the endpoint's peer and as the hub's publisher."""

    protocol = "whip"

    def __init__(
        self,
        session: Session,
        endpoint: Endpoint,
        receiver: MediaReceiver,
        *,
        software: str,
        address: str,
        grant: Grant,
        claim: Callable[[WhipPublisher], Ingest],
    ) -> None:
        """``claim`` puts it on air, once it is connected; raises ``Busy``."""
        self.software = software
        self.address = address
        self.credential = grant.credential
        self.grant = grant
        self.ingest: Ingest | None = None
        self.session = session
        self._endpoint = endpoint
        self.receiver = receiver
        self._claim = claim
        self._intake = Intake(receiver, channel=grant.channel)
        self._closed_at: float | None = None
        self._lost_stream: Callable[[], Stream | None] = lambda: None

    # Endpoint -----------------------------------------------------------------------------------

    def handle(self, event: Event, now: float) -> None:
        """An event of the session."""
        if isinstance(event, RtpReceived):
            self._intake.read(self.receiver.receive_rtp(event.packets, now), now, self._write)
        elif isinstance(event, RtcpReceived):
            self.receiver.receive_rtcp(event.packets, now)
            self._intake.align()
            if any(isinstance(packet, Goodbye) for packet in event.packets):
                self._endpoint.end(self.session, "the publisher said goodbye")
        elif isinstance(event, Connected):
            self._connected()
        elif isinstance(event, Closed):
            self._closed(event.reason, now)

    def _connected(self) -> None:
        """Only now whoever is on air is replaced: an offer alone shows viewers nothing."""
        try:
            self.ingest = self._claim(self)
        except Busy:
            self._endpoint.end(self.session, "another publisher is on air")
            return
        log.info("whip.publish", channel=self.grant.channel, peer=self.address)

    def _closed(self, reason: str, now: float) -> None:
        self._closed_at = now
        ingest, self.ingest = self.ingest, None
        if ingest is not None:
            # Weak: streams and publishers that hold each other would stay in memory.
            self._lost_stream = weakref.ref(ingest.stream)
            ingest.lost(reason)

    def next_timer(self) -> float | None:
        """When the receiver wants to be woken, or the peer has been silent for too long."""
        silent_at = self._silent_at()
        timer = self.receiver.next_timer() if self.session.is_connected else None
        if timer is None or silent_at is None:
            return silent_at
        return min(timer, silent_at)

    def _silent_at(self) -> float | None:
        heard_at = self.session.heard_at
        return None if self.ingest is None or heard_at is None else heard_at + _SILENT_SECONDS

    def handle_timer(self, now: float) -> None:
        """Give up lost packets, report, ask again; give up a silent peer."""
        silent_at = self._silent_at()
        if silent_at is not None and now >= silent_at:
            self._endpoint.end(self.session, "the publisher has gone silent")
            return
        self._intake.read(self.receiver.handle_timer(now), now, self._write)
        if self.session.is_connected:
            packets = self.receiver.rtcp_to_send(now)
            if packets:
                self.session.send_rtcp(packets)

    def leave(self) -> None:
        """Its client has deleted the session: on purpose, if its media was there until now.

        Encoders whose connection broke tidy up by a ``DELETE`` too, before they come back: then
        the grace time is theirs. One that says farewell by DTLS or RTCP first (OBS) is closed by
        now, which changes nothing.
        """
        now = asyncio.get_running_loop().time()
        closed_at = now if self._closed_at is None else self._closed_at
        heard_at = self.session.heard_at
        flowed = heard_at is not None and closed_at - heard_at < _FLOWED_SECONDS
        stream = self.ingest.stream if self.ingest is not None else self._lost_stream()
        if stream is not None and flowed and now - closed_at < _FAREWELL_SECONDS:
            stream.end_by(self, "ended by its publisher")
        self._endpoint.end(self.session, "ended by its client")

    # Publisher ----------------------------------------------------------------------------------

    def end(self, reason: str) -> None:
        """The hub ends this publisher."""
        self.ingest = None
        self._endpoint.end(self.session, reason)

    def request_keyframe(self) -> None:
        """Pass a viewer's wish on; the receiver limits how often."""
        self._intake.request_keyframe()

    # Inside -------------------------------------------------------------------------------------

    def _write(self, packet: Packet) -> None:
        if self.ingest is None:
            return
        try:
            self.ingest.write(packet)
        except MediaError as error:  # more than it may; what cannot be read never comes here
            self._endpoint.end(self.session, str(error))


class WhipService:
    """Answers offers to publish."""

    def __init__(self, endpoint: Endpoint, directory: Directory) -> None:
        self.endpoint = endpoint
        self._directory = directory

    def start(
        self, offer: str, grant: Grant, *, reached_at: str, address: str, software: str, now: float
    ) -> WhipStarted:
        """Answer an offer; its publisher is on air when it is connected.

        Raises ``WebRtcError`` on a bad offer, ``Busy`` and ``TooMany``.
        """
        local = self.endpoint.local_transport(reached_at)
        agreement = answer_publish(
            parse_sdp(offer), local, session_id=int.from_bytes(os.urandom(7), "big")
        )
        made: list[WhipPublisher] = []

        def make_peer(session: Session) -> WhipPublisher:
            receiver = MediaReceiver(agreement.media, ssrc=_SSRC, now=now)
            publisher = WhipPublisher(
                session,
                self.endpoint,
                receiver,
                software=software,
                address=address,
                grant=grant,
                claim=self._claim,
            )
            made.append(publisher)
            return publisher

        session = self.endpoint.open(local, agreement, make_peer, address=address)
        present = self._directory.publishing(grant.channel)
        if present is not None and not present.may_take_over(made[0]):
            self.endpoint.end(session, "another publisher is on air")
            raise Busy(grant.channel)
        return WhipStarted(session, str(agreement.answer), made[0])

    def _claim(self, publisher: WhipPublisher) -> Ingest:
        grant = publisher.grant
        return self._directory.publish(grant.channel, title=grant.title, publisher=publisher)
