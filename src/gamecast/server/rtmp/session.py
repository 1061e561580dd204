"""One RTMP peer on the server: a publisher, a player, or nobody yet."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from functools import singledispatchmethod

import structlog

from gamecast.media.errors import MediaError
from gamecast.net.tcp import TcpDriver
from gamecast.protocols.rtmp import RtmpProtocolError, ServerConnection, events
from gamecast.relay.directory import Busy
from gamecast.server.auth_answers import Reason, Refusal
from gamecast.server.context import Context
from gamecast.server.needs import NOTHING, rtmp_needs
from gamecast.server.rtmp.names import requested
from gamecast.server.rtmp.player import RtmpPlayer
from gamecast.server.rtmp.publisher import RtmpPublisher

log = structlog.get_logger(__name__)

_GIVE_UP_SECONDS = 1.0
"""How long a refused peer may take to read why, before its connection is closed."""

_PUBLISH_CODES = {
    Reason.INVALID_NAME: "NetStream.Publish.BadName",
    Reason.UNAVAILABLE: "NetStream.Publish.Failed",
}


class RtmpSession:
    """Feeds a sans-I/O connection with what the driver hears, and acts on its events."""

    def __init__(self, connection: ServerConnection, context: Context) -> None:
        self._connection = connection
        self._context = context
        self._loop = asyncio.get_running_loop()
        self._driver: TcpDriver | None = None
        self._needs = NOTHING
        self._software = ""
        self._publishers: dict[int, RtmpPublisher] = {}
        self._players: dict[int, RtmpPlayer] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    # net.tcp.Handler ----------------------------------------------------------------------------

    def connected(self, driver: TcpDriver) -> None:
        """The connection is there."""
        self._driver = driver
        self._log = log.bind(peer=f"{driver.address}:{driver.port}")
        self._rearm()

    def data_received(self, data: bytes) -> None:
        """Bytes from the peer: media goes straight to the stream, in this call."""
        try:
            for event in self._connection.receive_data(data, self._loop.time()):
                self._handle(event)
        except (RtmpProtocolError, MediaError) as error:
            self._fail(str(error))
            return
        self._flush()

    def eof_received(self) -> None:
        """The peer has sent its last byte."""
        for event in self._connection.receive_eof():
            self._handle(event)

    def timer_fired(self) -> None:
        """A deadline of the connection."""
        for event in self._connection.handle_timer(self._loop.time()):
            self._handle(event)
        self._flush()

    def writing_paused(self) -> None:
        """Above the high water mark."""
        for player in self._players.values():
            player.set_full(True)

    def writing_resumed(self) -> None:
        """Below the low water mark."""
        for player in self._players.values():
            player.set_full(False)

    def closed(self, error: Exception | None) -> None:
        """The connection is gone."""
        self._driver = None
        for task in self._tasks:
            task.cancel()
        reason = "connection lost" if error is None else f"connection lost: {error}"
        for publisher in self._publishers.values():
            publisher.lost(reason)
        for player in self._players.values():
            player.leave()
        self._publishers.clear()
        self._players.clear()

    # Events -------------------------------------------------------------------------------------

    @singledispatchmethod
    def _on(self, event: object) -> None:
        """Events that need no action."""

    def _handle(self, event: events.ServerEvent) -> None:
        if isinstance(event, events.MessageReceived):
            publisher = self._publishers.get(event.stream_id)
            if publisher is not None:
                publisher.receive(event.type_id, event.timestamp, event.payload)
        else:
            self._on(event)

    @_on.register
    def _(self, event: events.ConnectReceived) -> None:
        self._software = event.flash_ver
        self._needs = rtmp_needs(event.decodes)

    @_on.register
    def _(self, event: events.PublishRequested) -> None:
        self._spawn(self._publish(event))

    @_on.register
    def _(self, event: events.PlayRequested) -> None:
        self._spawn(self._play(event))

    @_on.register
    def _(self, event: events.PublishStopped) -> None:
        publisher = self._publishers.pop(event.stream_id, None)
        if publisher is not None:
            publisher.stopped()

    @_on.register
    def _(self, event: events.PlayStopped) -> None:
        player = self._players.pop(event.stream_id, None)
        if player is not None:
            player.leave()

    @_on.register
    def _(self, event: events.PlayPaused) -> None:
        player = self._players.get(event.stream_id)
        if player is not None:
            player.leave()

    @_on.register
    def _(self, event: events.PlayResumed) -> None:
        player = self._players.get(event.stream_id)
        if player is not None:
            self._spawn(player.resume())

    @_on.register
    def _(self, event: events.ConnectionTimedOut) -> None:
        self._fail(event.reason)

    # Publish and play ---------------------------------------------------------------------------

    async def _publish(self, request: events.PublishRequested) -> None:
        name, key = requested(request.app, request.name, request.query)
        answer = await self._context.authenticator.authorize_publish(
            name=name, key=key, address=self._address
        )
        if self._driver is None:
            return
        if isinstance(answer, Refusal):
            code = _PUBLISH_CODES.get(answer.reason, "NetStream.Publish.Denied")
            self._reject_publish(request.stream_id, code, f"refused: {answer.reason}")
            return
        publisher = RtmpPublisher(
            self,
            software=self._software,
            address=self._address,
            grant=answer,
        )
        try:
            publisher.ingest = self._context.directory.publish(
                answer.channel, title=answer.title, publisher=publisher
            )
        except Busy:
            self._reject_publish(
                request.stream_id, "NetStream.Publish.BadName", "another publisher is on air"
            )
            return
        self._publishers[request.stream_id] = publisher
        if self._connection.accept_publish(request.stream_id):
            self._log.info("rtmp.publish", channel=answer.channel, software=self._software)
        else:
            self._publishers.pop(request.stream_id).stopped()
        self.data_received(b"")  # media that came while we asked

    async def _play(self, request: events.PlayRequested) -> None:
        name, key = requested(request.app, request.name, request.query, names_only=True)
        answer = await self._context.authenticator.authorize_play(
            name=name or "", credential=key, address=self._address
        )
        if self._driver is None:
            return
        stream = self._context.directory.get(name or "")
        if isinstance(answer, Refusal) or stream is None:
            denied = isinstance(answer, Refusal)
            self._reject_play(request.stream_id, "Not allowed." if denied else "Not on air.")
            return
        player = RtmpPlayer(
            self._driver,
            self._connection,
            request.stream_id,
            stream,
            self._context.pace,
            needs=self._needs,
            convert=self._context.convert,
        )
        async with player.awaited() as rendition:
            if rendition is None:
                self._reject_play(request.stream_id, "Not ready yet.")
            elif self._connection.accept_play(request.stream_id):
                self._flush()
                self._players[request.stream_id] = player
                player.join(rendition)
                self._log.info("rtmp.play", channel=stream.name, software=self._software)

    def _reject_play(self, stream_id: int, description: str) -> None:
        self._connection.reject_play(stream_id, description=description)
        self._flush()
        self._close_soon()

    def _reject_publish(self, stream_id: int, code: str, description: str) -> None:
        self._log.info("rtmp.publish_refused", reason=description)
        self._connection.reject_publish(stream_id, code, description)
        self._flush()
        self._close_soon()

    # Inside -------------------------------------------------------------------------------------

    def end_publish(self, publisher: RtmpPublisher, reason: str) -> None:
        """The hub ends a publisher: tell the encoder in its own words, then close."""
        for stream_id, known in list(self._publishers.items()):
            if known is publisher:
                del self._publishers[stream_id]
                self._log.info("rtmp.publish_ended", reason=reason)
                self._connection.reject_publish(
                    stream_id, "NetStream.Publish.BadName", f"ended: {reason}"
                )
        self._flush()
        self._close_soon()

    @property
    def _address(self) -> str:
        return self._driver.address if self._driver is not None else ""

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _flush(self) -> None:
        data = self._connection.data_to_send()
        if self._driver is not None:
            if data:
                self._driver.write(data)
            self._rearm()

    def _rearm(self) -> None:
        if self._driver is not None:
            self._driver.set_timer(self._connection.next_timer())

    def _fail(self, reason: str) -> None:
        self._log.info("rtmp.closed", reason=reason)
        for publisher in self._publishers.values():
            publisher.lost(reason)
        self._publishers.clear()
        self._flush()
        if self._driver is not None:
            self._driver.close()

    def _close_soon(self) -> None:
        driver = self._driver
        if driver is not None:
            self._loop.call_later(_GIVE_UP_SECONDS, driver.close)
