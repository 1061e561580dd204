"""Publishing by WHIP (RFC 9725): one session."""

from __future__ import annotations

import asyncio
import random
import socket
import time
from collections import OrderedDict
from collections.abc import Sequence
from functools import partial

from gamecast.bench.errors import BenchError
from gamecast.bench.exchange import post_offer
from gamecast.bench.published import Published
from gamecast.bench.rtp_feed import RtpFeed
from gamecast.bench.webrtc_session import Joined, join
from gamecast.media.packet import Packet
from gamecast.media.track import Track
from gamecast.net.udp import Address, UdpSocket
from gamecast.protocols.webrtc.answer import OutgoingStream
from gamecast.protocols.webrtc.capabilities import MID
from gamecast.protocols.webrtc.events import Closed, Connected, Event, RtcpReceived
from gamecast.protocols.webrtc.offer import publish_offer
from gamecast.protocols.webrtc.rtcp import RtcpPacket
from gamecast.protocols.webrtc.rtcp_feedback import GenericNack
from gamecast.protocols.webrtc.rtp import build_extensions

_H264 = {"profile-level-id": "42e01f"}
"""Constrained baseline: what the source's encoder makes without B-frames, and all servers take."""
_KEPT = 1024
"""Packets that the server may ask for again: about 1.5 s at 6 Mbit/s."""
_REPORT_SECONDS = 1.0


async def open_whip(url: str, tracks: Sequence[Track], *, key: str = "") -> WhipPublisher:
    """Offer and connect. Raises :class:`BenchError`, ``OSError``, ``MediaError``."""
    streams = {track.id: _stream(track) for track in tracks}
    make_offer = partial(publish_offer, streams=list(streams.values()), session_id=1)
    joined = await join(make_offer, lambda offer: post_offer(url, offer, key=key))
    agreed = {media.kind: media for media in joined.agreement.media}
    feeds = {}
    for track in tracks:
        media = agreed.get(streams[track.id].kind)
        if media is None:
            raise BenchError(f"the server takes no {streams[track.id].kind}")
        number = media.extensions.get(MID)
        feeds[track.id] = RtpFeed(
            track=track,
            payload_type=media.payload_type,
            ssrc=streams[track.id].ssrc,
            extension_block=build_extensions({number: media.mid.encode()}) if number else b"",
        )
    publisher = WhipPublisher(joined, feeds)
    await publisher.started
    return publisher


class WhipPublisher:
    """A session with a socket of its own. Keyframes come in time, not when asked for."""

    def __init__(self, joined: Joined, feeds: dict[int, RtpFeed]) -> None:
        self._loop = asyncio.get_running_loop()
        self.started: asyncio.Future[None] = self._loop.create_future()
        self.result = Published()
        self._session = joined.session
        self._feeds = feeds
        self._sent: OrderedDict[tuple[int, int], bytes] = OrderedDict()
        self._ended = ""
        self._timer: asyncio.TimerHandle | None = None
        self._report_at = 0.0
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setblocking(False)
        sock.bind(("", 0))
        self._socket = UdpSocket(sock, self._received)
        self._wake()

    def send(self, packets: Sequence[Packet]) -> int:
        """One picture and its sound; when that was ready. Raises :class:`BenchError`."""
        sender, address = self._session.sender, self._session.selected
        if self._ended or sender is None or address is None:
            raise BenchError(self._ended or "not connected")
        ready = time.time_ns()
        for packet in packets:
            feed = self._feeds[packet.track.id]
            datagrams = []
            for header, payload in feed.write(packet):
                datagrams.append(sender.protect(header, payload))
                self._sent[feed.ssrc, int.from_bytes(header[2:4], "big")] = datagrams[-1]
            ready = time.time_ns()
            self._socket.send_batch(datagrams, address)
            self.result.bytes += sum(map(len, datagrams))
        while len(self._sent) > _KEPT:
            self._sent.popitem(last=False)
        self.result.frames += 1
        if (now := self._loop.time()) >= self._report_at:
            self._report_at = now + _REPORT_SECONDS
            for feed in self._feeds.values():
                self._session.send_rtcp([feed.sender_report(time.time())])
            self._flush()
        return ready

    def stop(self) -> None:
        """Say goodbye and close."""
        self._handle(self._session.close())
        self._end("stopped")
        self._socket.close()

    def _received(self, data: bytes, address: Address) -> None:
        self._handle(self._session.receive_datagram(data, address, self._loop.time()))

    def _handle(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, Connected) and not self.started.done():
                self.started.set_result(None)
            elif isinstance(event, RtcpReceived):
                self._feedback(event.packets)
            elif isinstance(event, Closed):
                self._end(f"the session is over: {event.reason}")
        self._flush()

    def _feedback(self, packets: list[RtcpPacket]) -> None:
        address = self._session.selected
        for packet in packets:
            if not isinstance(packet, GenericNack) or address is None:
                continue
            for sequence in packet.sequences:
                data = self._sent.get((packet.media_ssrc, sequence))
                if data is not None:
                    self._socket.send(data, address)
                    self.result.resent += 1

    def _flush(self) -> None:
        for data, address in self._session.datagrams_to_send():
            self._socket.send(data, address)
        at = self._session.next_timer()
        if self._timer is None and at is not None and not self._ended:
            self._timer = self._loop.call_at(at, self._wake)

    def _wake(self) -> None:
        self._timer = None
        self._handle(self._session.handle_timer(self._loop.time()))

    def _end(self, reason: str) -> None:
        self._ended = self._ended or reason
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self.started.done():
            self.started.set_exception(BenchError(self._ended))
            self.started.exception()  # seen, even if nobody waits


def _stream(track: Track) -> OutgoingStream:
    codec = track.codec.value
    return OutgoingStream(
        kind=track.kind.value,
        codec=codec,
        parameters=dict(_H264) if codec == "h264" else {},
        ssrc=random.getrandbits(32),
    )
