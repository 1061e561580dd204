"""A WebRTC peer of our own: watches by WHEP or publishes by WHIP over one UDP socket."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Callable
from typing import Any, Self

import httpx

from gamecast.media.payloads.formats import make_depacketizer
from gamecast.media.track import Codec
from gamecast.protocols.webrtc.answer import Agreement, OutgoingStream
from gamecast.protocols.webrtc.candidate import Candidate
from gamecast.protocols.webrtc.certificate import generate_certificate
from gamecast.protocols.webrtc.credentials import IceCredentials
from gamecast.protocols.webrtc.dtls import make_context
from gamecast.protocols.webrtc.events import Closed, Connected, Event, RtcpReceived, RtpReceived
from gamecast.protocols.webrtc.ice_client import IceClientAgent
from gamecast.protocols.webrtc.offer import accept_answer, play_offer, publish_offer
from gamecast.protocols.webrtc.rtcp import RtcpPacket
from gamecast.protocols.webrtc.rtp import RtpPacket
from gamecast.protocols.webrtc.sdp_parse import parse_sdp
from gamecast.protocols.webrtc.session import DtlsParameters, Session
from gamecast.protocols.webrtc.transport import LocalTransport

SDP = {"content-type": "application/sdp"}


class Peer(asyncio.DatagramProtocol):
    """One session with a socket and a timer of its own; keeps everything it received."""

    def __init__(
        self, url: str, streams: list[OutgoingStream] | None = None, key: str = ""
    ) -> None:
        self._url = url
        self._streams = streams
        self._key = key
        self._loop = asyncio.get_running_loop()
        self._certificate = generate_certificate(time.time())
        self._timer: asyncio.TimerHandle | None = None
        self._transport: asyncio.DatagramTransport | None = None
        self.session: Session | None = None
        self.agreement: Agreement | None = None
        self.host = "127.0.0.1"
        """Where its own socket is bound."""
        self.resource = ""
        self.tag = ""
        """Names the ICE session in ``If-Match``."""
        self.rtp: list[RtpPacket] = []
        self.rtcp: list[RtcpPacket] = []
        self.closed: str | None = None
        self.happened = asyncio.Event()
        self.is_muted = False
        self.video: tuple[str, ...] = ("h264",)
        """Codecs that it offers to watch."""
        self.username = "-"
        """Of its offer's origin."""
        self.drop: Callable[[RtpPacket], bool] = lambda packet: False
        """Packets that are lost on the way, as far as the test is concerned."""

    async def __aenter__(self) -> Self:
        await self._loop.create_datagram_endpoint(lambda: self, local_addr=(self.host, 0))
        try:
            await self._negotiate()
        except BaseException:
            self._close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.session is not None:
            self.session.close()
            self._flush()
        self._close()
        await asyncio.sleep(0)

    def connection_made(self, transport: Any) -> None:
        """From asyncio."""
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """From asyncio."""
        if self.session is not None:
            self._take(self.session.receive_datagram(data, addr[:2], self._loop.time()))

    def error_received(self, exc: Exception) -> None:
        """The server's port is closed: consent will end the session."""

    async def until(self, condition: Callable[[], object], *, within: float = 10.0) -> None:
        """Wait until something that was received makes ``condition`` true."""
        async with asyncio.timeout(within):
            while not condition():
                self.happened.clear()
                await self.happened.wait()

    def of(self, kind: str) -> list[RtpPacket]:
        """Packets of one kind, without retransmissions, in order of arrival."""
        assert self.agreement is not None
        number = next(m.payload_type for m in self.agreement.media if m.kind == kind)
        return [packet for packet in self.rtp if packet.payload_type == number]

    def units(self, codec: Codec, kind: str) -> list[bytes]:
        """The access units among what came."""
        depacketizer = make_depacketizer(codec)
        found = []
        packets = sorted({p.sequence: p for p in self.of(kind)}.items())
        for _, packet in packets:
            units = depacketizer.write(
                packet.payload, timestamp=packet.timestamp, marker=packet.marker
            )
            found += [unit.data for unit in units]
        return found

    def send_rtp(self, header: bytes, payload: bytes) -> None:
        """Publish one packet."""
        assert self.session is not None
        self.session.send_rtp(header, payload)
        self._flush()

    def send_rtcp(self, packet: RtcpPacket) -> None:
        """Say something about what came."""
        assert self.session is not None
        self.session.send_rtcp([packet])
        self._flush()

    def mute(self) -> None:
        """Send nothing more: the network is gone."""
        self.is_muted = True

    async def _negotiate(self) -> None:
        local = LocalTransport(
            credentials=IceCredentials.generate(os.urandom),
            fingerprint=self._certificate.fingerprint,
        )
        if self._streams is None:
            offer = play_offer(local, video=self.video, session_id=1)
        else:
            offer = publish_offer(local, self._streams, session_id=1)
        offer.username = self.username
        headers = SDP | ({"authorization": f"Bearer {self._key}"} if self._key else {})
        async with httpx.AsyncClient(timeout=15) as http:
            answer = await http.post(self._url, content=str(offer), headers=headers)
        assert answer.status_code == 201, answer.text
        self.resource = answer.headers["location"]
        self.tag = answer.headers["etag"]
        self.agreement = accept_answer(offer, parse_sdp(answer.text))
        remote = self.agreement.remote
        agent = IceClientAgent(
            local.credentials, remote.credentials, random=os.urandom, allowed=lambda address: True
        )
        candidates = await self.usable(remote.candidates)
        dtls = DtlsParameters(
            context=make_context(self._certificate),
            is_client=remote.we_are_dtls_client,
            fingerprints=remote.fingerprints,
        )
        now = self._loop.time()
        self.session = Session(agent, dtls, now=now)
        agent.start(candidates, now)
        self._wake()

    async def usable(self, candidates: list[Candidate]) -> list[Candidate]:
        """Which of the server's candidates to check."""
        return candidates

    def _take(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, RtpReceived):
                self.rtp += [packet for packet in event.packets if not self.drop(packet)]
            elif isinstance(event, RtcpReceived):
                self.rtcp += event.packets
            elif isinstance(event, Closed):
                self.closed = event.reason
            elif isinstance(event, Connected):
                pass
        self.happened.set()
        self._flush()

    def _flush(self) -> None:
        if self.session is None or self._transport is None:
            return
        for data, address in self.session.datagrams_to_send():
            if self.is_muted:
                continue
            self._transport.sendto(data, address)
        if self._timer is not None:
            self._timer.cancel()
        at = self.session.next_timer()
        self._timer = None if at is None else self._loop.call_at(at, self._wake)

    def _wake(self) -> None:
        if self.session is not None:
            self._take(self.session.handle_timer(self._loop.time()))

    def _close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        with contextlib.suppress(AttributeError):
            assert self._transport is not None
            self._transport.close()
