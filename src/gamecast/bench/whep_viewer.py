"""A light WHEP viewer: a whole ICE and DTLS peer that then only counts what arrives.

RTP headers are in the clear, so loss is known without decrypting: every datagram's sequence number
is checked. A *scanning* viewer decrypts the beginning of every picture, where the stamp may be, and
takes the kernel's time stamp of its last packet for its arrival; a *thorough* one decrypts all.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections import deque

from gamecast.bench.errors import BenchError
from gamecast.bench.figures import Figures
from gamecast.bench.mmsg import HEAD, SLOTS, UDP_GRO, BatchReader
from gamecast.bench.stamp import MAX_STEP, Stamp, find_stamps
from gamecast.bench.webrtc_session import Joined
from gamecast.protocols.webrtc.events import Closed, Event, RtpReceived
from gamecast.protocols.webrtc.rtcp import ReceiverReport, ReportBlock

_SO_RCVBUFFORCE = 33
_SO_TIMESTAMPNS = 35
_RECEIVE_BYTES = 4 * 1024 * 1024
_ANCILLARY = socket.CMSG_SPACE(16) + socket.CMSG_SPACE(4)
_HEADER = struct.Struct("!BBHII")
_TIMESPEC = struct.Struct("@qq")
_REPORT_SECONDS = 1.0
_STAMP_WITHIN = 3
"""The stamp is in one of the first packets of a picture: parameter sets may come before it."""


class LightViewer:
    """One viewer with a socket of its own; all viewers of a process share loop and buffers."""

    def __init__(
        self, joined: Joined, figures: Figures, buffer: bytearray, *, thorough: bool = False
    ) -> None:
        self.figures = figures
        self.is_counted = False
        """Whether :meth:`drain` reads for it, instead of the loop."""
        self._session = joined.session
        self._server = joined.address
        self._video_types = {
            codec.payload_type
            for media in joined.agreement.answer.media
            if media.kind == "video"
            for codec in media.codecs
            if codec.name != "rtx"
        }
        self._buffer = buffer
        self._thorough = thorough
        self._loop = asyncio.get_running_loop()
        self._connected: asyncio.Future[None] = self._loop.create_future()
        self._expected: dict[int, int] = {}
        self._may_carry = False
        self._riders = 0
        self._timestamp = -1
        self._looking = 0
        self._stamp: Stamp | None = None
        self._unstamped: deque[int] = deque(maxlen=MAX_STEP)
        """When the pictures since the last stamp arrived."""
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._reports: asyncio.TimerHandle | None = None
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    async def connect(self) -> None:
        """Open the socket, do ICE and DTLS. Raises :class:`BenchError` or ``OSError``."""
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_UDP, UDP_GRO, 1)
        _enlarge(self._socket)
        if self.figures.scans:
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._socket.connect(self._server)
        self._loop.add_reader(self._socket.fileno(), self._readable)
        self._wake()
        try:
            await self._connected
        except BenchError:
            self.close()
            raise
        self.figures.connect_seconds = time.monotonic() - self.figures.asked_at

    def close(self) -> None:
        """Say goodbye and close."""
        self._session.close()
        self._flush()
        for timer in (self._timer, self._reports):
            if timer is not None:
                timer.cancel()
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()

    def drain(self, reader: BatchReader, now: float) -> None:
        """Count all that waits: for viewers that do not scan, once their first media has come."""
        count = SLOTS
        while count == SLOTS:
            try:
                received = reader.read(self._socket.fileno())
            except ConnectionError:
                continue  # the server's port is closed; consent ends the session
            count = len(received)
            for slot, (size, segment) in enumerate(received):
                at = slot * HEAD
                if size > 12 and 128 <= reader.heads[at] < 192:
                    if not 192 <= reader.heads[at + 1] <= 223:
                        self._count(reader.heads, at, size, segment, now)
                else:
                    self._take(bytes(reader.heads[at : at + min(size, HEAD)]))

    # Inside -------------------------------------------------------------------------------------

    def _readable(self) -> None:
        receive, buffer = self._socket.recvmsg_into, self._buffer
        while not self.is_counted:
            try:
                size, ancillary, _, _ = receive([buffer], _ANCILLARY)
            except BlockingIOError:
                return
            except ConnectionError:
                continue
            segment, arrived = size, 0
            for level, kind, data in ancillary:
                if level == socket.SOL_UDP and kind == UDP_GRO:
                    segment = int.from_bytes(data[:2], "little")
                elif level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS:
                    seconds, nanoseconds = _TIMESPEC.unpack(data)
                    arrived = seconds * 1_000_000_000 + nanoseconds
            if size > 12 and buffer[0] >> 6 == 2 and not 192 <= buffer[1] <= 223:
                self._count(buffer, 0, size, segment, time.monotonic())
                if self.figures.scans:
                    self._scan(size, segment, arrived)
                elif self._connected.done():
                    self.is_counted = True
                    self._loop.remove_reader(self._socket.fileno())
            else:
                for offset in range(0, size, segment):
                    self._take(bytes(buffer[offset : offset + segment]))

    def _count(self, heads: bytearray, at: int, size: int, segment: int, now: float) -> None:
        """One batch: its packets follow each other, so the first number is enough.

        The last packet, if it is shorter, may be of another source that rides along: the next batch
        then begins one number early, and the other source's next packet later.
        """
        packets = -(-size // segment)
        _, kind, sequence, _, ssrc = _HEADER.unpack_from(heads, at)
        is_video = kind & 0x7F in self._video_types
        ahead = sequence - self._expected.get(ssrc, sequence) & 0xFFFF
        if is_video and ahead == 0xFFFF and self._may_carry:
            self._riders += 1
            ahead = 0
        elif ahead >= 0x8000:
            return  # late, so it was counted as lost
        elif ahead and not is_video:
            known = min(ahead, self._riders)
            self._riders -= known
            ahead -= known
        self.figures.lost += ahead
        self.figures.arrived(size, now)
        self._expected[ssrc] = sequence + packets & 0xFFFF
        if is_video:
            self._may_carry = size % segment > 0

    def _scan(self, size: int, segment: int, arrived: int) -> None:
        """Find the picture's stamp, and the packet that ends it."""
        for offset in range(0, size, segment):
            _, kind, _, timestamp, _ = _HEADER.unpack_from(self._buffer, offset)
            is_video = kind & 0x7F in self._video_types
            if is_video and timestamp != self._timestamp:
                self._timestamp, self._looking, self._stamp = timestamp, _STAMP_WITHIN, None
            if self._thorough or (is_video and self._looking and self._stamp is None):
                self._looking = max(0, self._looking - 1)
                self._take(bytes(self._buffer[offset : min(size, offset + segment)]))
            if is_video and kind & 0x80:
                self._picture_ends(arrived or time.time_ns())
                self._looking, self._stamp = 0, None

    def _picture_ends(self, wall_ns: int) -> None:
        if self._stamp is None:
            self._unstamped.append(wall_ns)
            return
        earlier, now = list(self._unstamped), time.monotonic()
        self._unstamped.clear()
        self.figures.see(self._stamp, wall_ns=wall_ns, now=now, earlier=earlier)

    def _take(self, data: bytes) -> None:
        """Everything but media; and media that is to be decrypted."""
        before = self._session.dropped["SRTP"]
        self._handle(self._session.receive_datagram(data, self._server, self._loop.time()))
        self.figures.forged += self._session.dropped["SRTP"] - before

    def _handle(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, RtpReceived):
                for packet in event.packets:
                    payload = packet.payload
                    if self._stamp is None and packet.payload_type in self._video_types:
                        self._stamp = next(find_stamps(payload, len(payload)), None)
                return  # nothing to answer
            if isinstance(event, Closed):
                self.figures.closed = True
                if not self._connected.done():
                    self._connected.set_exception(BenchError(event.reason))
        if self._session.is_connected and not self._connected.done():
            self._connected.set_result(None)
            self._report()
        self._flush()

    def _report(self) -> None:
        """A receiver report every second, as players send them."""
        blocks = [
            ReportBlock(
                ssrc=ssrc,
                fraction_lost=0,
                cumulative_lost=self.figures.lost,
                highest_sequence=expected - 1 & 0xFFFF,
                jitter=0,
                last_sr=0,
                delay_since_last_sr=0,
            )
            for ssrc, expected in self._expected.items()
        ]
        if self._session.is_connected:
            self._session.send_rtcp([ReceiverReport(1, blocks)])
            self._flush()
            self._reports = self._loop.call_later(_REPORT_SECONDS, self._report)

    def _flush(self) -> None:
        for data, _ in self._session.datagrams_to_send():
            try:
                self._socket.send(data)
            except OSError:
                continue  # what matters is repeated
        at = self._session.next_timer()
        if self._timer is not None:
            if at is not None and self._timer_at <= at:
                return  # it fires early and is set again
            self._timer.cancel()
        self._timer, self._timer_at = None, at or 0.0
        if at is not None:
            self._timer = self._loop.call_at(at, self._wake)

    def _wake(self) -> None:
        self._timer = None
        self._handle(self._session.handle_timer(self._loop.time()))


def _enlarge(sock: socket.socket) -> None:
    try:
        sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_BYTES)
    except PermissionError:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BYTES)
