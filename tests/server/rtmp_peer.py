"""RTMP clients that share the server's loop: one publishes numbered frames, one counts them."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Iterable
from typing import TypeVar

from gamecast.media.containers.flv import TagWriter
from gamecast.net.tcp import TcpDriver
from gamecast.protocols.rtmp import ClientConnection, RtmpUrl
from gamecast.protocols.rtmp.events import ClientEvent, MessageReceived, PublishStarted
from tests.server.site import Address, Site
from tests.support.events import until
from tests.support.media import Feed, av_feed

E = TypeVar("E")


class RtmpPeer:
    """Handler of a ``TcpDriver``: keeps every event."""

    driver: TcpDriver

    def __init__(self, address: Address, app: str) -> None:
        loop = asyncio.get_running_loop()
        self.connection = ClientConnection(loop.time(), random_bytes=os.urandom)
        self.events: list[ClientEvent] = []
        self.gone = False
        self._url = RtmpUrl(tls=False, host=address[0], port=address[1], app=app, name="")
        self._clock = loop.time

    async def expect(self, kind: type[E], *, within: float = 5.0) -> E:
        """Wait for an event of this kind."""

        def find() -> E | None:
            return next((event for event in self.events if isinstance(event, kind)), None)

        try:
            return await until(find, kind.__name__, within=within)
        except AssertionError as error:
            raise AssertionError(f"{error}; came: {self.events[:5]}, gone: {self.gone}") from None

    async def wait_closed(self, *, within: float = 5.0) -> None:
        """Wait for the end of the connection."""
        await until(lambda: self.gone, "the end of an RTMP connection", within=within)

    @property
    def frames(self) -> list[int]:
        """The numbers of the video frames received."""
        return [
            frame
            for event in self.events
            if isinstance(event, MessageReceived) and event.type_id == 9
            for frame in frame_numbers(event.payload)
        ]

    def connected(self, driver: TcpDriver) -> None:
        self.driver = driver
        self.connection.connect(self._url.tc_url, self._url.app)
        self.flush()

    def data_received(self, data: bytes) -> None:
        self.events += self.connection.receive_data(data, self._clock())
        self.flush()

    def eof_received(self) -> None:
        self.events += self.connection.receive_eof()

    def timer_fired(self) -> None:
        pass

    def writing_paused(self) -> None:
        pass

    def writing_resumed(self) -> None:
        pass

    def closed(self, error: Exception | None) -> None:
        self.gone = True

    def flush(self) -> None:
        """Write what the connection has to say."""
        data = self.connection.data_to_send()
        if data:
            self.driver.write(data)


def frame_numbers(payload: bytes) -> Iterable[int]:
    """The number in an AVC video tag's body of ``tests.support.media``, if it is a frame."""
    if payload[1] == 1:
        yield int.from_bytes(payload[10:14], "big")


async def connect(
    address: Address, *, app: str = "live", tls: ssl.SSLContext | None = None
) -> RtmpPeer:
    """TCP (and TLS); the handshake follows by itself."""
    peer = RtmpPeer(address, app)
    loop = asyncio.get_running_loop()
    await loop.create_connection(lambda: TcpDriver(peer), *address, ssl=tls)
    return peer


async def play(address: Address, name: str, *, app: str = "live") -> RtmpPeer:
    """Ask to play."""
    peer = await connect(address, app=app)
    peer.connection.play(name)
    peer.flush()
    return peer


class Publisher:
    """Publishes numbered frames, as fast as they are asked for."""

    def __init__(self, peer: RtmpPeer, feed: Feed) -> None:
        self.peer = peer
        self.feed = feed
        self._writer = TagWriter([track for track in (feed.video, feed.audio) if track])
        self._started = False

    @property
    def next_frame(self) -> int:
        """The number of the frame that comes next."""
        return self.feed.first_frame

    def send(self, frames: int) -> None:
        """Write so many video frames, and the sound between them."""
        self.peer.driver.write(self.media(frames))

    def media(self, frames: int) -> bytes:
        """The bytes of so many frames, with the headers before the first."""
        messages = [] if self._started else self._writer.sequence_headers(0)
        self._started = True
        packets = self.feed.packets(frames / self.feed.fps)
        messages += [self._writer.message(packet) for packet in packets]
        return b"".join(self.peer.connection.send_media(*message) for message in messages)

    def stop(self) -> None:
        """Say goodbye."""
        self.peer.connection.close()
        self.peer.flush()
        self.peer.driver.close()


async def publish(
    site: Site,
    name: str = "main",
    *,
    app: str = "live",
    feed: Feed | None = None,
    address: Address | None = None,
    tls: ssl.SSLContext | None = None,
) -> Publisher:
    """Publish under what RTMP calls a name (ours, or a key), query included."""
    peer = await connect(address or site.rtmp, app=app, tls=tls)
    peer.connection.publish(name)
    peer.flush()
    await peer.expect(PublishStarted)
    return Publisher(peer, feed or av_feed(group=10))


async def on_air(site: Site, name: str = "main", *, feed: Feed | None = None) -> Publisher:
    """Publish so much that viewers can have the stream; a key stands for ``main``."""
    publisher = await publish(site, name, feed=feed)
    publisher.send(5)
    channel = "main" if name == site.key else name
    await until(lambda: site.server.directory.get(channel), f"{channel} on air", within=5)
    return publisher
