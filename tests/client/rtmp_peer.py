"""A real RTMP server for the tests of our publisher, with faults on request."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from gamecast.media.containers.flv.fourcc import TagType
from gamecast.net.admission import Admission
from gamecast.net.tcp import TcpDriver, TcpServer, bind
from gamecast.protocols.rtmp.errors import RtmpProtocolError
from gamecast.protocols.rtmp.events import MessageReceived, PublishRequested, PublishStopped
from gamecast.protocols.rtmp.server import ServerConnection


@dataclass(slots=True)
class Publication:
    """What one connection published."""

    name: str
    messages: list[MessageReceived] = field(default_factory=list)
    stopped: bool = False
    """The publisher said goodbye."""
    closed: bool = False

    def of(self, kind: TagType) -> list[MessageReceived]:
        """Messages of one kind; the first of sound and pictures is the configuration."""
        return [message for message in self.messages if message.type_id == kind]

    @property
    def pictures(self) -> list[MessageReceived]:
        """Coded pictures in the legacy form of H.264."""
        return [message for message in self.of(TagType.VIDEO) if message.payload[1] == 1]

    @property
    def begins_with_keyframe(self) -> bool:
        """Whether the first picture is one."""
        return self.pictures[0].payload[0] >> 4 == 1


class RtmpPeer:
    """Listens on a port of its own in a thread of its own."""

    def __init__(self, *, refuse: str = "", port: int = 0, receive_buffer: int = 0) -> None:
        self.refuse = refuse
        """Refuse to publish with this description."""
        self.publications: list[Publication] = []
        self._socket = bind("127.0.0.1", port)
        if receive_buffer:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.port: int = self._socket.getsockname()[1]
        self.changed = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._sessions: list[_Session] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._server: TcpServer | None = None
        self._ready = threading.Event()

    def url(self, name: str = "KEY") -> str:
        """Where to publish."""
        return f"rtmp://127.0.0.1:{self.port}/live/{name}"

    def wait_for(self, what: Callable[[], bool], timeout: float = 15.0) -> None:
        """Wait until ``what`` is true; it is asked when something has come."""
        with self.changed:
            assert self.changed.wait_for(what, timeout), [
                (each.name, len(each.messages), each.stopped) for each in self.publications
            ]

    def drop_connections(self) -> None:
        """Cut every connection, without a word."""
        for session in self._sessions:
            self._loop.call_soon_threadsafe(session.driver.abort)

    def stall(self, stalled: bool = True) -> None:
        """Stop reading, or go on."""
        for session in self._sessions:
            self._loop.call_soon_threadsafe(session.stall, stalled)

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._listen())
        self._ready.set()
        self._loop.run_forever()
        self._loop.close()

    async def _listen(self) -> None:
        admission = Admission(most=100, most_per_address=100)
        self._server = TcpServer(lambda: _Session(self), admission=admission)
        await self._server.listen(self._socket)

    async def _close(self) -> None:
        assert self._server is not None
        await self._server.close()
        self._server.abort()
        await asyncio.gather(*[session.gone.wait() for session in self._sessions])

    def add(self, session: _Session) -> None:
        """A connection has come."""
        self._sessions.append(session)

    def notify(self) -> None:
        """Something has come."""
        with self.changed:
            self.changed.notify_all()


class _Session:
    """One connection."""

    def __init__(self, peer: RtmpPeer) -> None:
        self._peer = peer
        self._connection = ServerConnection(time.monotonic(), random_bytes=os.urandom)
        self._publication: Publication | None = None
        self.driver: TcpDriver
        self.gone = asyncio.Event()

    def stall(self, stalled: bool) -> None:
        transport = self.driver._transport
        if transport is not None:
            transport.pause_reading() if stalled else transport.resume_reading()

    def connected(self, driver: TcpDriver) -> None:
        self.driver = driver
        self._peer.add(self)

    def data_received(self, data: bytes) -> None:
        try:
            events = self._connection.receive_data(data, time.monotonic())
        except RtmpProtocolError as error:
            raise AssertionError(f"our own publisher broke the protocol: {error}") from error
        for event in events:
            self._handle(event)
        self._flush()
        self._peer.notify()

    def _handle(self, event: object) -> None:
        if isinstance(event, PublishRequested):
            self._publish(event)
        elif isinstance(event, MessageReceived) and self._publication is not None:
            self._publication.messages.append(event)
        elif isinstance(event, PublishStopped) and self._publication is not None:
            self._publication.stopped = True

    def _publish(self, event: PublishRequested) -> None:
        if self._peer.refuse:
            self._connection.reject_publish(
                event.stream_id, "NetStream.Publish.Denied", self._peer.refuse
            )
            self._flush()
            self.driver.close()
            return
        query = "&".join(f"{name}={value}" for name, value in event.query.items())
        self._publication = Publication(f"{event.name}?{query}" if query else event.name)
        self._peer.publications.append(self._publication)
        self._connection.accept_publish(event.stream_id)

    def _flush(self) -> None:
        data = self._connection.data_to_send()
        if data:
            self.driver.write(data)

    def eof_received(self) -> None:
        self._connection.receive_eof()

    def timer_fired(self) -> None:
        pass

    def writing_paused(self) -> None:
        pass

    def writing_resumed(self) -> None:
        pass

    def closed(self, error: Exception | None) -> None:
        if self._publication is not None:
            self._publication.closed = True
        self.gone.set()
        self._peer.notify()
