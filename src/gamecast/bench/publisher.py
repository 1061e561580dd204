"""RTMP publishers that send every frame at its own time, as a game's encoder does.

``ffmpeg -re -c copy`` sends in bursts, which flatters servers that gather writes.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass

from gamecast.bench.source import Source
from gamecast.media.containers.flv import TagWriter
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


class BenchError(Exception):
    """The server refused, or ended what should have gone on."""


@dataclass(slots=True, kw_only=True)
class Published:
    """What a publisher did."""

    frames: int = 0
    bytes: int = 0
    late: int = 0
    """Frames sent more than half a frame after their time: the load machine was too busy."""
    backlog: int = 0
    """The most bytes that waited for the server."""


class RtmpPublisher:
    """Handler of a ``TcpDriver``: one connection that publishes."""

    def __init__(self, url: RtmpUrl, source: Source) -> None:
        loop = asyncio.get_running_loop()
        self.started: asyncio.Future[None] = loop.create_future()
        self.result = Published()
        self._source = source
        self._url = url
        self._writer = TagWriter([source.video, source.audio])
        self._connection = ClientConnection(loop.time(), random_bytes=os.urandom)
        self._clock = loop.time
        self._driver: TcpDriver | None = None
        self._sounds = 0
        self._ended = ""

    def send_frame(self, number: int) -> None:
        """Frame ``number``, and the sound that begins before it. Raises :class:`BenchError`."""
        if self._driver is None or self._ended:
            raise BenchError(self._ended or "not connected")
        messages = []
        if not number:
            messages += self._writer.sequence_headers(0)
        packet = self._source.video_packet(number, time.time_ns())
        due = self._source.audio_due(number / self._source.settings.fps)
        for sound in range(self._sounds, due):
            messages.append(self._writer.message(self._source.audio_packet(sound)))
        self._sounds = due
        messages.append(self._writer.message(packet))
        data = b"".join(self._connection.send_media(*message) for message in messages)
        self._driver.write(data)
        self.result.frames += 1
        self.result.bytes += len(data)
        self.result.backlog = max(self.result.backlog, self._driver.backlog())

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


async def publish(urls: Sequence[str], source: Source, *, seconds: float | None) -> list[Published]:
    """Publish to all URLs, each frame at its time, for ``seconds`` or until cancelled.

    Publishers are spread evenly over the time of a frame. Raises :class:`BenchError`.
    """
    publishers = [await _connect(parse_url(url), source) for url in urls]
    frame = 1.0 / source.settings.fps
    step = frame / len(publishers)
    loop = asyncio.get_running_loop()
    begin = loop.time()
    number = 0
    try:
        while seconds is None or number * frame < seconds:
            for index, publisher in enumerate(publishers):
                due = begin + number * frame + index * step
                await _sleep_until(due, loop)
                if loop.time() - due > frame / 2:
                    publisher.result.late += 1
                publisher.send_frame(number)
            number += 1
    finally:
        for publisher in publishers:
            publisher.stop()
    await asyncio.sleep(0.1)  # the goodbyes
    return [publisher.result for publisher in publishers]


async def _connect(url: RtmpUrl, source: Source) -> RtmpPublisher:
    publisher = RtmpPublisher(url, source)
    loop = asyncio.get_running_loop()
    await loop.create_connection(lambda: TcpDriver(publisher), url.host, url.port)
    await publisher.started
    return publisher


async def _sleep_until(due: float, loop: asyncio.AbstractEventLoop) -> None:
    wait = due - loop.time()
    # Behind its time it still has to let the loop read and write.
    await asyncio.sleep(max(0.0, wait))
