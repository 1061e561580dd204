"""Publishing MPEG-TS by SRT: one connection."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Sequence

from gamecast.bench.errors import BenchError
from gamecast.bench.published import Published
from gamecast.bench.srt_url import SrtUrl, parse_srt_url
from gamecast.media.containers.mpegts import Muxer
from gamecast.media.packet import Packet
from gamecast.media.track import Track
from gamecast.net.udp import Address, UdpSocket
from gamecast.protocols.srt import PAYLOAD_SIZE, Caller, Connected, ConnectionClosed, Event

_LEAST_WAIT = 0.005


async def open_srt(url: str, tracks: Sequence[Track]) -> SrtPublisher:
    """Connect. Raises :class:`BenchError`, ``OSError``, ``ValueError``."""
    publisher = SrtPublisher(parse_srt_url(url), tracks)
    await publisher.started
    return publisher


class SrtPublisher:
    """A caller with a socket of its own."""

    def __init__(self, url: SrtUrl, tracks: Sequence[Track]) -> None:
        self._loop = asyncio.get_running_loop()
        self.started: asyncio.Future[None] = self._loop.create_future()
        self.result = Published()
        self._address = url.address
        self._muxer = Muxer(tracks)
        self._ended = ""
        self._timer: asyncio.TimerHandle | None = None
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setblocking(False)
        sock.bind(("", 0))
        self._socket = UdpSocket(sock, self._received, drained=self._flush)
        self._caller = Caller(url.settings, now=self._loop.time(), random_bytes=os.urandom)
        self._flush()

    def send(self, packets: Sequence[Packet]) -> int:
        """One picture and its sound; when it was ready. Raises :class:`BenchError`."""
        connection = self._caller.connection
        if connection is None or self._ended:
            raise BenchError(self._ended or "not connected")
        data = b"".join(map(self._muxer.write, packets))
        now = self._loop.time()
        for at in range(0, len(data), PAYLOAD_SIZE):
            connection.send(data[at : at + PAYLOAD_SIZE], now)
        self.result.frames += 1
        self.result.bytes += len(data)
        ready = time.time_ns()
        self._flush()
        self.result.backlog = max(self.result.backlog, connection.unsent * PAYLOAD_SIZE)
        return ready

    def stop(self) -> None:
        """Say goodbye and close."""
        connection = self._caller.connection
        if connection is not None and not self._ended:
            self.result.resent = connection.statistics(self._loop.time()).pkt_retrans
            connection.close(self._loop.time())
            self._flush()
        self._end("stopped")
        self._socket.close()

    def _received(self, data: bytes, address: Address) -> None:
        if address == self._address:
            self._handle(self._caller.receive_datagram(data, self._loop.time()))

    def _handle(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, Connected) and not self.started.done():
                self.started.set_result(None)
            elif isinstance(event, ConnectionClosed):
                self._end(f"the server ended publishing: {event.reason}")

    def _fire(self) -> None:
        self._timer = None
        self._handle(self._caller.handle_timer(self._loop.time()))
        self._flush()

    def _flush(self) -> None:
        datagrams = self._caller.data_to_send()
        if datagrams:
            self._socket.send_batch(datagrams, self._address)
        due = self._caller.next_timer()
        if self._timer is None and due is not None and not self._ended:
            wait = max(due - self._loop.time(), _LEAST_WAIT)
            self._timer = self._loop.call_later(wait, self._fire)

    def _end(self, reason: str) -> None:
        self._ended = self._ended or reason
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self.started.done():
            self.started.set_exception(BenchError(self._ended))
            self.started.exception()  # seen, even if nobody waits
