"""A light WHEP viewer: a whole ICE and DTLS peer that then only counts what arrives.

RTP headers are in the clear, so loss is known without decrypting: every datagram's sequence number
is checked. A *sampling* viewer decrypts everything, puts pictures together and measures delay.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from OpenSSL import SSL

from gamecast.media.payloads.h264 import H264Depacketizer
from gamecast.protocols.webrtc.certificate import Certificate
from gamecast.protocols.webrtc.credentials import IceCredentials
from gamecast.protocols.webrtc.events import Closed, Event, RtpReceived
from gamecast.protocols.webrtc.ice_client import IceClientAgent
from gamecast.protocols.webrtc.offer import accept_answer, play_offer
from gamecast.protocols.webrtc.rtcp import ReceiverReport, ReportBlock
from gamecast.protocols.webrtc.rtp import RtpPacket
from gamecast.protocols.webrtc.sdp_parse import parse_sdp
from gamecast.protocols.webrtc.session import DtlsParameters, Session
from gamecast.protocols.webrtc.transport import LocalTransport

_UDP_GRO = 104
"""Linux ``UDP_GRO`` (udp.h): a batch that was sent as one is received as one."""
_SO_RCVBUFFORCE = 33
_SO_TIMESTAMPNS = 35
_RECEIVE_BYTES = 4 * 1024 * 1024
_ANCILLARY = socket.CMSG_SPACE(16) + socket.CMSG_SPACE(4)
_HEADER = struct.Struct("!BBHII")
_TIMESPEC = struct.Struct("@qq")
_REPORT_SECONDS = 1.0

Picture = Callable[[bytes, float], None]
"""Called with an access unit and the Unix time at which its last packet reached the socket."""


@dataclass(slots=True)
class Counts:
    """What reached one viewer since the last reset."""

    datagrams: int = 0
    bytes: int = 0
    lost: int = 0
    late: int = 0
    forged: int = 0
    """Packets of a sampling viewer that did not decrypt."""


@dataclass(slots=True, eq=False, repr=False)
class LightViewer:
    """One viewer with a socket of its own; all viewers of a process share loop and buffer."""

    session: Session
    server: tuple[str, int]
    video_type: int
    buffer: bytearray
    picture: Picture | None
    """Set for sampling viewers."""
    counts: Counts = field(default_factory=Counts)
    connected: asyncio.Event = field(default_factory=asyncio.Event)
    closed: str | None = None
    _socket: socket.socket = field(init=False)
    _loop: asyncio.AbstractEventLoop = field(init=False)
    _expected: dict[int, int] = field(default_factory=dict)
    _depacketizer: H264Depacketizer = field(default_factory=H264Depacketizer)
    _timer: asyncio.TimerHandle | None = None
    _timer_at: float = 0.0
    _reports: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Open the socket and begin ICE."""
        self._loop = asyncio.get_running_loop()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_UDP, _UDP_GRO, 1)
        _enlarge(self._socket)
        if self.picture is not None:
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._socket.connect(self.server)
        self._loop.add_reader(self._socket.fileno(), self._readable)
        self._wake()

    def close(self) -> None:
        """Say goodbye and close."""
        self.session.close()
        for data, _ in self.session.datagrams_to_send():
            self._socket.send(data)
        for timer in (self._timer, self._reports):
            if timer is not None:
                timer.cancel()
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()

    def reset(self) -> None:
        """Count from here."""
        self.counts = Counts()

    def _readable(self) -> None:
        receive, buffer = self._socket.recvmsg_into, self.buffer
        while True:
            try:
                size, ancillary, _, _ = receive([buffer], _ANCILLARY)
            except BlockingIOError:
                return
            except ConnectionError:
                continue  # the server's port is closed; consent ends the session
            segment, arrived = size, 0.0
            for level, kind, data in ancillary:
                if level == socket.SOL_UDP and kind == _UDP_GRO:
                    segment = int.from_bytes(data[:2], "little")
                elif level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS:
                    seconds, nanoseconds = _TIMESPEC.unpack(data)
                    arrived = seconds + nanoseconds / 1e9
            if size > 12 and buffer[0] >> 6 == 2 and not 192 <= buffer[1] <= 223:
                self._count(size, segment)
                if self.picture is None:
                    continue
            view = memoryview(buffer)[:size]
            for offset in range(0, size, segment):
                self._take(bytes(view[offset : offset + segment]), arrived)

    def _count(self, size: int, segment: int) -> None:
        """One batch: its packets follow each other, so the first number is enough."""
        packets = -(-size // segment)
        _, _, sequence, _, ssrc = _HEADER.unpack_from(self.buffer)
        counts = self.counts
        expected = self._expected.get(ssrc, sequence)
        ahead = sequence - expected & 0xFFFF
        if ahead >= 0x8000:
            counts.late += packets
            return
        counts.lost += ahead
        counts.datagrams += packets
        counts.bytes += size
        self._expected[ssrc] = sequence + packets & 0xFFFF

    def _take(self, data: bytes, arrived: float) -> None:
        """Everything but media; and media of a sampling viewer."""
        self._handle(self.session.receive_datagram(data, self.server, self._loop.time()), arrived)

    def _handle(self, events: list[Event], arrived: float = 0.0) -> None:
        for event in events:
            if isinstance(event, RtpReceived):
                self._media(event.packet, arrived)
            elif isinstance(event, Closed):
                self.closed = event.reason
                self.connected.set()
        if self.session.is_connected and not self.connected.is_set():
            self.connected.set()
            self._report()
        self._flush()

    def _media(self, packet: RtpPacket, arrived: float) -> None:
        if packet.payload_type == self.video_type and self.picture is not None:
            for unit in self._depacketizer.write(
                packet.payload, timestamp=packet.timestamp, marker=packet.marker
            ):
                self.picture(unit.data, arrived)
        self.counts.forged = self.session.dropped["SRTP"]

    def _report(self) -> None:
        """A receiver report every second, as players send them."""
        blocks = [
            ReportBlock(
                ssrc=ssrc,
                fraction_lost=0,
                cumulative_lost=self.counts.lost,
                highest_sequence=expected - 1 & 0xFFFF,
                jitter=0,
                last_sr=0,
                delay_since_last_sr=0,
            )
            for ssrc, expected in self._expected.items()
        ]
        if self.session.is_connected:
            self.session.send_rtcp([ReceiverReport(1, blocks)])
            self._flush()
            self._reports = self._loop.call_later(_REPORT_SECONDS, self._report)

    def _flush(self) -> None:
        for data, _ in self.session.datagrams_to_send():
            try:
                self._socket.send(data)
            except OSError:
                continue  # what matters is repeated
        at = self.session.next_timer()
        if self._timer is not None:
            if at is not None and self._timer_at <= at:
                return  # it fires early and is set again
            self._timer.cancel()
        self._timer, self._timer_at = None, at or 0.0
        if at is not None:
            self._timer = self._loop.call_at(at, self._wake)

    def _wake(self) -> None:
        self._timer = None
        self._handle(self.session.handle_timer(self._loop.time()))


async def open_viewer(
    url: str,
    *,
    certificate: Certificate,
    context: SSL.Context,
    buffer: bytearray,
    picture: Picture | None = None,
) -> LightViewer:
    """Post an offer to a WHEP URL and connect. Raises ``ConnectionError``."""
    local = LocalTransport(
        credentials=IceCredentials.generate(os.urandom), fingerprint=certificate.fingerprint
    )
    offer = play_offer(local, video=("h264",), session_id=1)
    agreement = accept_answer(offer, parse_sdp(await _post(url, str(offer))))
    remote, now = agreement.remote, asyncio.get_running_loop().time()
    agent = IceClientAgent(
        local.credentials, remote.credentials, random=os.urandom, allowed=lambda address: True
    )
    agent.start(remote.candidates, now)
    parameters = DtlsParameters(
        context=context,
        is_client=remote.we_are_dtls_client,
        fingerprints=remote.fingerprints,
    )
    viewer = LightViewer(
        Session(agent, parameters, now=now),
        (remote.candidates[0].host, remote.candidates[0].port),
        next(media.payload_type for media in agreement.media if media.kind == "video"),
        buffer,
        picture,
    )
    viewer.start()
    await viewer.connected.wait()
    if viewer.closed is not None:
        viewer.close()
        raise ConnectionError(f"the session did not connect: {viewer.closed}")
    return viewer


async def _post(url: str, offer: str) -> str:
    """One HTTP request by hand: a library would cost more than the viewer."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    body = offer.encode()
    writer.write(
        f"POST {parts.path} HTTP/1.1\r\nhost: {parts.netloc}\r\ncontent-type: application/sdp\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n".encode()
        + body
    )
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    head, _, sdp = answer.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 201 "):
        raise ConnectionError(head.split(b"\r\n")[0].decode("ascii", "replace"))
    return sdp.decode()


def _enlarge(sock: socket.socket) -> None:
    try:
        sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_BYTES)
    except PermissionError:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BYTES)
