"""The least asyncio under the connections that real programs need: a relay and a client."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar

from gamecast.protocols.rtmp import (
    SERVER_CHUNK_SIZE,
    ClientConnection,
    RtmpProtocolError,
    ServerConnection,
    write_message,
)
from gamecast.protocols.rtmp.events import (
    ClientEvent,
    MessageReceived,
    PlayRequested,
    PlayStopped,
    PublishRequested,
    ServerEvent,
)
from gamecast.protocols.rtmp.messages import MEDIA_CSIDS, MessageType
from tests.support.events import until

E = TypeVar("E")


def is_header(message: MessageReceived) -> bool:
    """Metadata, or the configuration of a codec (also Enhanced RTMP's SequenceStart)."""
    if message.type_id == MessageType.DATA_AMF0:
        return True
    if message.type_id == MessageType.VIDEO and message.payload[0] & 0x80:
        return message.payload[0] & 0x0F == 0
    if message.type_id == MessageType.AUDIO and message.payload[0] >> 4 == 9:
        return message.payload[0] & 0x0F == 0
    return message.payload[1:2] == b"\x00"


def is_keyframe(message: MessageReceived) -> bool:
    """A video keyframe that carries a picture."""
    first = message.payload[0] if message.payload else 0
    return message.type_id == MessageType.VIDEO and (first & 0x70) == 0x10


class Peer(asyncio.Protocol):
    """One client of a :class:`Relay`."""

    def __init__(self, relay: Relay) -> None:
        self.relay = relay
        self.loop = asyncio.get_running_loop()
        self.connection = ServerConnection(self.loop.time(), random_bytes=os.urandom)
        self.received = bytearray()
        self.events: list[ServerEvent] = []
        self.error: RtmpProtocolError | None = None
        self.waits_for_keyframe = True
        self.playing = False

    @property
    def messages(self) -> list[MessageReceived]:
        """The media received so far."""
        return [event for event in self.events if isinstance(event, MessageReceived)]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += data
        try:
            events = self.connection.receive_data(data, self.loop.time())
        except RtmpProtocolError as error:
            self.error = error
            self.flush()
            self.transport.close()
            return
        for event in events:
            self.events.append(event)
            self.handle(event)
        self.flush()

    def handle(self, event: ServerEvent) -> None:
        if isinstance(event, MessageReceived):
            self.relay.broadcast(event)
        elif isinstance(event, PublishRequested):
            if self.relay.refusal is None:
                self.connection.accept_publish(event.stream_id)
            else:
                self.connection.reject_publish(event.stream_id, *self.relay.refusal)
        elif isinstance(event, PlayRequested):
            self.connection.accept_play(event.stream_id)
            self.flush()
            self.transport.writelines(self.relay.headers)
            self.playing = True
        elif isinstance(event, PlayStopped):
            self.playing = False

    def flush(self) -> None:
        if data := self.connection.data_to_send():
            self.transport.write(data)

    def connection_lost(self, error: Exception | None) -> None:
        self.playing = False
        self.events += self.connection.receive_eof()
        if any(isinstance(event, PublishRequested) for event in self.events):
            self.relay.end_plays()


class Relay:
    """Whatever one client publishes goes to all that play; ``peers`` are all there ever were."""

    def __init__(self) -> None:
        self.peers: list[Peer] = []
        self.headers: list[bytes] = []
        self.refusal: tuple[str, str] | None = None

    def url(self, path: str) -> str:
        return f"rtmp://127.0.0.1:{self.port}/{path}"

    def broadcast(self, message: MessageReceived) -> None:
        chunks = write_message(
            message.type_id,
            1,
            message.timestamp,
            message.payload,
            csid=MEDIA_CSIDS[MessageType(message.type_id)],
            chunk_size=SERVER_CHUNK_SIZE,
        )
        if is_header(message):
            self.headers.append(chunks)
        for peer in self.peers:
            if is_keyframe(message):
                peer.waits_for_keyframe = False
            if peer.playing and (is_header(message) or not peer.waits_for_keyframe):
                peer.transport.write(chunks)

    def end_plays(self) -> None:
        for peer in self.peers:
            if peer.playing:
                peer.connection.send_stream_eof(1)
                peer.connection.send_unpublish_notify(1)
                peer.flush()

    def _connect(self) -> Peer:
        peer = Peer(self)
        self.peers.append(peer)
        return peer

    def find(self, kind: type[E]) -> E | None:
        """The first event of a kind, of whichever client."""
        found = (event for peer in self.peers for event in peer.events if isinstance(event, kind))
        return next(found, None)

    async def event(self, kind: type[E]) -> E:
        """Wait for the first event of a kind."""
        return await until(lambda: self.find(kind), kind.__name__, within=30)

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self.server = await loop.create_server(self._connect, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.server.close()
        for peer in self.peers:
            peer.transport.abort()
        await self.server.wait_closed()


class Client(asyncio.Protocol):
    """A :class:`ClientConnection` on a socket."""

    def __init__(self, start: Callable[[ClientConnection], None]) -> None:
        self.loop = asyncio.get_running_loop()
        self.connection = ClientConnection(self.loop.time(), random_bytes=os.urandom)
        self.start = start
        self.received = bytearray()
        self.events: list[ClientEvent] = []
        self.lost = self.loop.create_future()

    @classmethod
    async def open(cls, port: int, start: Callable[[ClientConnection], None]) -> Client:
        loop = asyncio.get_running_loop()
        _, client = await loop.create_connection(lambda: cls(start), "127.0.0.1", port)
        return client

    @property
    def messages(self) -> list[MessageReceived]:
        """The media received so far."""
        return [event for event in self.events if isinstance(event, MessageReceived)]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.start(self.connection)
        self.flush()

    def data_received(self, data: bytes) -> None:
        self.received += data
        self.events += self.connection.receive_data(data, self.loop.time())
        self.flush()

    def connection_lost(self, error: Exception | None) -> None:
        self.events += self.connection.receive_eof()
        self.lost.set_result(None)

    def flush(self) -> None:
        if data := self.connection.data_to_send():
            self.transport.write(data)

    def send(self, message: MessageReceived) -> None:
        payload = message.payload
        self.transport.write(
            self.connection.send_media(message.type_id, message.timestamp, payload)
        )

    async def event(self, kind: type[E]) -> E:
        """Wait for the first event of a kind."""
        return await until(lambda: self.find(kind), kind.__name__, within=30)

    def find(self, kind: type[E]) -> E | None:
        """The first event of a kind, if there is one."""
        return next((event for event in self.events if isinstance(event, kind)), None)

    async def close(self) -> None:
        self.connection.close()
        self.flush()
        self.transport.close()
        await self.lost
