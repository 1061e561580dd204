"""RtmpLink: one connection to an RTMP server, from TCP to the end of publishing."""

from __future__ import annotations

import asyncio
import os
import ssl
import time
from collections.abc import Callable, Sequence

from gamecast.client.push import tcpinfo
from gamecast.client.push.stats import DestinationStats
from gamecast.client.push.uplink import LinkError, key_refused, settle, tls_problem
from gamecast.media.containers.flv.writer import TagWriter
from gamecast.media.packet import Packet
from gamecast.net.tcp import TcpDriver
from gamecast.protocols.rtmp.client import ClientConnection
from gamecast.protocols.rtmp.errors import RtmpProtocolError
from gamecast.protocols.rtmp.events import (
    ClientEvent,
    ConnectionTimedOut,
    ConnectRejected,
    PeerClosed,
    PublishRejected,
    PublishStarted,
    ReconnectRequested,
)
from gamecast.protocols.rtmp.urls import RtmpUrl

CONNECT_TIMEOUT = 10.0
"""Seconds for name resolution, TCP and TLS."""
DENIED = "NetStream.Publish.Denied"
"""What servers say of a key; ``BadName`` is a name that is in use."""


class RtmpLink:
    """A handler of ``TcpDriver``. ``started`` and ``over`` are futures of the running loop."""

    def __init__(self, url: RtmpUrl, writer: TagWriter, on_writable: Callable[[], None]) -> None:
        """``writer`` knows the tracks; it may be shared."""
        loop = asyncio.get_running_loop()
        self.started: asyncio.Future[None] = loop.create_future()
        """Done when the server takes media; fails with ``LinkError``."""
        self.over: asyncio.Future[LinkError] = loop.create_future()
        """Why the connection ended."""
        self.writable = False
        self._url = url
        self._writer = writer
        self._on_writable = on_writable
        self._connection = ClientConnection(time.monotonic(), random_bytes=os.urandom)
        self._driver: TcpDriver | None = None
        self._written = 0
        self._headers_sent = False

    # Commands -----------------------------------------------------------------------------------

    def send(self, packet: Packet) -> None:
        """Write one packet, with the codecs' configuration before the first. Only when live."""
        if not self._headers_sent:
            self._headers_sent = True
            start = round(packet.dts * 1000 / packet.track.clock_rate)
            for message in self._writer.sequence_headers(start):
                self._write(self._connection.send_media(*message))
        self._write(self._connection.send_media(*self._writer.message(packet)))

    def bytes_sent(self) -> int:
        """Bytes that the kernel has taken."""
        return self._written - self.backlog()

    def backlog(self) -> int:
        """Bytes that it has not taken yet."""
        return self._driver.backlog() if self._driver is not None else 0

    def round_trip_time(self) -> float | None:
        """Seconds, where the system tells."""
        sock = self._driver.socket if self._driver is not None else None
        return tcpinfo.round_trip_time(sock) if sock is not None else None

    def describe(self, stats: DestinationStats) -> None:
        """TCP hides what it lost."""

    def say_goodbye(self) -> None:
        """End publishing in an orderly way and close when everything is sent."""
        self._connection.close()
        self._flush()
        if self._driver is not None:
            self._driver.close()

    def abort(self) -> None:
        """Close now."""
        if self._driver is not None:
            self._driver.abort()

    # Handler of TcpDriver -----------------------------------------------------------------------

    def connected(self, driver: TcpDriver) -> None:
        """TCP (and TLS) is there: begin."""
        self._driver = driver
        self.writable = True
        sock = driver.socket
        if sock is not None:
            tcpinfo.keep_queue_short(sock)
        self._connection.connect(self._url.tc_url, self._url.app)
        self._connection.publish(self._url.name)
        self._flush()

    def data_received(self, data: bytes) -> None:
        """Bytes of the server."""
        try:
            events = self._connection.receive_data(data, time.monotonic())
        except RtmpProtocolError as error:
            self._flush()
            self._fail(LinkError(f"the server broke the protocol: {error}"))
            return
        self._flush()
        self._handle(events)

    def eof_received(self) -> None:
        """The server will send no more."""
        self._handle(self._connection.receive_eof())

    def timer_fired(self) -> None:
        """A deadline of the connection."""
        self._handle(self._connection.handle_timer(time.monotonic()))
        self._flush()

    def writing_paused(self) -> None:
        """The kernel takes no more for now."""
        self.writable = False

    def writing_resumed(self) -> None:
        """Everything written so far is with the kernel."""
        self.writable = True
        self._on_writable()

    def closed(self, error: Exception | None) -> None:
        """TCP is gone."""
        self.writable = False
        reason = f"connection lost: {error}" if error else "the server closed the connection"
        self._end(LinkError(reason))

    # --------------------------------------------------------------------------------------------

    def _handle(self, events: Sequence[ClientEvent]) -> None:
        for event in events:
            match event:
                case PublishStarted():
                    if not self.started.done():
                        self.started.set_result(None)
                case ConnectRejected() | PublishRejected():
                    self._fail(_refusal(event))
                case ConnectionTimedOut():
                    self._fail(LinkError(event.reason))
                case PeerClosed():
                    self._fail(LinkError("the server closed the connection"))
                case ReconnectRequested():
                    where = event.tc_url or self._url.tc_url
                    self._fail(LinkError("the server asked to reconnect", move_to=where))

    def _fail(self, error: LinkError) -> None:
        self._end(error)
        if self._driver is not None:
            self._driver.close()

    def _end(self, error: LinkError) -> None:
        settle(self.started, self.over, error)

    def _flush(self) -> None:
        self._write(self._connection.data_to_send())
        if self._driver is not None:
            due = self._connection.next_timer()
            loop = asyncio.get_running_loop()
            # Both clocks are monotonic, but not by rule the same one.
            self._driver.set_timer(None if due is None else loop.time() + due - time.monotonic())

    def _write(self, data: bytes) -> None:
        if data and self._driver is not None:
            self._written += len(data)
            self._driver.write(data)


def _refusal(event: ConnectRejected | PublishRejected) -> LinkError:
    said = event.description.removeprefix("refused: ")
    text = f"{said} ({event.code})" if said else event.code
    if event.code == DENIED:
        return key_refused(text)
    redirect = event.redirect if isinstance(event, ConnectRejected) else None
    return LinkError(f"refused: {text}", refused=redirect is None, move_to=redirect)


async def open_link(
    url: RtmpUrl,
    writer: TagWriter,
    on_writable: Callable[[], None],
    *,
    tls: ssl.SSLContext | None = None,
) -> RtmpLink:
    """Connect and wait until the server takes media. Raises ``LinkError``."""
    link = RtmpLink(url, writer, on_writable)
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT):
            await loop.create_connection(
                # High water 0: "writable" means that the kernel has everything. Not with TLS: there
                # asyncio pauses a writer at the mark, not above it, and would do so for ever.
                lambda: TcpDriver(link, high_water=1 if tls else 0),
                url.host,
                url.port,
                ssl=tls,
            )
    except TimeoutError:
        raise LinkError(f"{url.host}:{url.port} does not answer") from None
    except ssl.SSLError as error:
        raise LinkError(tls_problem(error)) from error
    except OSError as error:
        raise LinkError(_connect_problem(url, error)) from error
    try:
        await link.started
    except BaseException:
        link.abort()
        raise
    return link


def _connect_problem(url: RtmpUrl, error: OSError) -> str:
    if isinstance(error, ConnectionRefusedError):
        return f"{url.host}:{url.port} refuses connections (is the server running?)"
    if type(error).__name__ == "gaierror":
        return f"no such host: {url.host}"
    return f"{url.host}:{url.port}: {error.strerror or error}"
