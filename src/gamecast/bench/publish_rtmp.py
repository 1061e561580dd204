"""Publishing by RTMP: one connection."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

from gamecast.bench.errors import BenchError
from gamecast.bench.published import Published
from gamecast.bench.stamp import stamp_again
from gamecast.bench.tls import context_for
from gamecast.media.containers.flv import TagWriter
from gamecast.media.packet import Packet
from gamecast.media.track import Track
from gamecast.net.tcp import TcpDriver
from gamecast.protocols.rtmp import ClientConnection, RtmpProtocolError, RtmpUrl, parse_url
from gamecast.protocols.rtmp.events import (
    ClientEvent,
    ConnectionTimedOut,
    ConnectRejected,
    PeerClosed,
    PublishRejected,
    PublishStarted,
)

_ENDINGS = (ConnectRejected, PublishRejected, PeerClosed, ConnectionTimedOut)


async def open_rtmp(url: str, tracks: Sequence[Track]) -> RtmpPublisher:
    """Connect and begin to publish. Raises :class:`BenchError`, ``OSError``, ``ValueError``."""
    target = parse_url(url)
    publisher = RtmpPublisher(target, tracks)
    loop = asyncio.get_running_loop()
    tls = context_for(urlsplit(url).scheme)
    await loop.create_connection(lambda: TcpDriver(publisher), target.host, target.port, ssl=tls)
    await publisher.started
    return publisher


class RtmpPublisher:
    """Handler of a ``TcpDriver``: one connection that publishes."""

    def __init__(self, url: RtmpUrl, tracks: Sequence[Track]) -> None:
        loop = asyncio.get_running_loop()
        self.started: asyncio.Future[None] = loop.create_future()
        self.result = Published()
        self._url = url
        self._writer = TagWriter(tracks)
        self._connection = ClientConnection(loop.time(), random_bytes=os.urandom)
        self._clock = loop.time
        self._driver: TcpDriver | None = None
        self._ended = ""

    def send(self, packets: Sequence[Packet]) -> int:
        """One picture and its sound; when it was ready. Raises :class:`BenchError`."""
        if self._driver is None or self._ended:
            raise BenchError(self._ended or "not connected")
        messages = [] if self.result.frames else self._writer.sequence_headers(0)
        messages += [self._writer.message(packet) for packet in packets]
        data = bytearray().join(self._connection.send_media(*message) for message in messages)
        stamp_again(data, ready := time.time_ns())
        self._driver.write(bytes(data))
        self.result.frames += 1
        self.result.bytes += len(data)
        self.result.backlog = max(self.result.backlog, self._driver.backlog())
        return ready

    def stop(self) -> None:
        """Say goodbye."""
        self._connection.close()
        self._flush()
        if self._driver is not None:
            self._driver.close()

    # Handler ------------------------------------------------------------------------------------

    def connected(self, driver: TcpDriver) -> None:
        """TCP is there."""
        self._driver = driver
        self._connection.connect(self._url.tc_url, self._url.app)
        self._connection.publish(self._url.name)
        self._flush()

    def data_received(self, data: bytes) -> None:
        """Bytes of the server."""
        try:
            events = self._connection.receive_data(data, self._clock())
        except RtmpProtocolError as error:
            self._end(str(error))
            return
        self._flush()
        self._handle(events)

    def eof_received(self) -> None:
        """The server will send no more."""
        self._handle(self._connection.receive_eof())

    def timer_fired(self) -> None:
        """The server does not answer."""
        self._handle(self._connection.handle_timer(self._clock()))

    def writing_paused(self) -> None:
        """A backlog is counted, not avoided."""

    def writing_resumed(self) -> None:
        """See above."""

    def closed(self, error: Exception | None) -> None:
        """TCP is gone."""
        self._driver = None
        self._end("the server closed the connection")

    def _handle(self, events: Sequence[ClientEvent]) -> None:
        for event in events:
            if isinstance(event, PublishStarted) and not self.started.done():
                self.started.set_result(None)
            elif isinstance(event, _ENDINGS):
                self._end(f"the server ended publishing: {event!r}")

    def _end(self, reason: str) -> None:
        self._ended = self._ended or reason
        if not self.started.done():
            self.started.set_exception(BenchError(self._ended))
            self.started.exception()  # seen, even if nobody waits

    def _flush(self) -> None:
        data = self._connection.data_to_send()
        if self._driver is not None:
            if data:
                self._driver.write(data)
            self._driver.set_timer(self._connection.next_timer())
