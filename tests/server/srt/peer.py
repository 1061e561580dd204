"""An SRT caller in the loop of the test."""

from __future__ import annotations

import asyncio
import os
import socket

from gamecast.media.containers.mpegts import Muxer
from gamecast.net.udp import Address, UdpSocket
from gamecast.protocols.srt import (
    PAYLOAD_SIZE,
    Caller,
    Connection,
    ConnectionClosed,
    Event,
    PayloadsReceived,
    Settings,
)
from tests.support.events import until
from tests.support.media import aac_track, av_feed, h264_track

_TICK = 0.005


class SrtPeer:
    """Dials, and publishes a made-up stream or keeps what it is sent; close it."""

    def __init__(self, address: Address, stream_id: str, **settings: object) -> None:
        wanted = Settings(stream_id=stream_id)
        for name, value in settings.items():
            setattr(wanted, name, value)
        self._loop = asyncio.get_running_loop()
        self._address = address
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setblocking(False)
        sock.bind(("127.0.0.1", 0))
        self.socket = UdpSocket(sock, self._received, drained=self.flush)
        self.caller = Caller(wanted, now=self._loop.time(), random_bytes=os.urandom)
        self.received: list[bytes] = []
        self.closed: ConnectionClosed | None = None
        self._muxer = Muxer((h264_track(), aac_track()))
        self._feed = av_feed(group=30)
        self._task = self._loop.create_task(self._tick())

    @property
    def connection(self) -> Connection:
        """Once it stands."""
        assert self.caller.connection is not None, self.closed
        return self.caller.connection

    async def settled(self) -> None:
        """Wait for the server's answer, whichever it is."""
        await until(lambda: self.caller.connection or self.closed, "an answer")

    def publish(self, seconds: float) -> None:
        """Send so much media at once."""
        now = self._loop.time()
        data = b"".join([self._muxer.write(packet) for packet in self._feed.packets(seconds)])
        for at in range(0, len(data), PAYLOAD_SIZE):
            self.connection.send(data[at : at + PAYLOAD_SIZE], now)
        self.flush()

    def flush(self) -> None:
        """Send what there is to send."""
        if datagrams := self.caller.data_to_send():
            self.socket.send_batch(datagrams, self._address)

    async def close(self) -> None:
        """Say goodbye, if there is a connection."""
        self._task.cancel()
        if self.caller.connection is not None:
            self.caller.connection.close(self._loop.time())
            self.flush()
        self.socket.close()

    def _received(self, data: bytes, address: Address) -> None:
        self._take(self.caller.receive_datagram(data, self._loop.time()))

    def _take(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, PayloadsReceived):
                self.received += event.payloads
            elif isinstance(event, ConnectionClosed):
                self.closed = event

    async def _tick(self) -> None:
        while True:
            now = self._loop.time()
            timer = self.caller.next_timer()
            if timer is not None and timer <= now:
                self._take(self.caller.handle_timer(now))
            self.flush()
            await asyncio.sleep(_TICK)
