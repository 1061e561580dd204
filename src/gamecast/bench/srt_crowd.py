"""SRT viewers: whole callers, for what is repeated in time cannot be counted any cheaper."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Sequence

from gamecast.bench.crowd import scans
from gamecast.bench.errors import BenchError
from gamecast.bench.figures import Figures
from gamecast.bench.loop import new_loop
from gamecast.bench.srt_url import SrtUrl, parse_srt_url
from gamecast.bench.stamp import SIZE, find_stamps
from gamecast.net.udp import Address, UdpSocket
from gamecast.protocols.srt import Caller, Connected, ConnectionClosed, Event, PayloadsReceived

_LEAST_WAIT = 0.005


class SrtViewer:
    """A caller with a socket of its own. The delay of a frame holds SRT's latency."""

    def __init__(self, url: SrtUrl, *, scans: bool) -> None:
        self._loop = asyncio.get_running_loop()
        self.figures = Figures(scans=scans, asked_at=time.monotonic())
        self.started: asyncio.Future[None] = self._loop.create_future()
        self._address = url.address
        self._tail = bytearray()
        self._timer: asyncio.TimerHandle | None = None
        self._lost = 0
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setblocking(False)
        sock.bind(("", 0))
        self._socket = UdpSocket(sock, self._received, drained=self._flush)
        self._caller = Caller(url.settings, now=self._loop.time(), random_bytes=os.urandom)
        self._flush()

    def close(self) -> None:
        """Say goodbye and close."""
        if self._caller.connection is not None and not self.figures.closed:
            self._caller.connection.close(self._loop.time())
            self._flush()
        self.figures.closed = True
        if self._timer is not None:
            self._timer.cancel()
        self._socket.close()

    def _received(self, data: bytes, address: Address) -> None:
        if address == self._address:
            self._handle(self._caller.receive_datagram(data, self._loop.time()))

    def _handle(self, events: list[Event]) -> None:
        for event in events:
            match event:
                case Connected():
                    self.figures.connect_seconds = time.monotonic() - self.figures.asked_at
                    if not self.started.done():
                        self.started.set_result(None)
                case PayloadsReceived(payloads):
                    self._media(payloads)
                case ConnectionClosed():
                    self.figures.closed = True
                    if not self.started.done():
                        self.started.set_exception(BenchError(event.reason))

    def _media(self, payloads: list[bytes]) -> None:
        now, wall = time.monotonic(), time.time_ns()
        self.figures.arrived(sum(map(len, payloads)), now)
        if not self.figures.scans:
            return
        for payload in payloads:
            self._tail += payload
        for stamp in find_stamps(self._tail, len(self._tail)):
            self.figures.see(stamp, wall_ns=wall, now=now)
        del self._tail[: -(SIZE - 1)]

    def _flush(self) -> None:
        datagrams = self._caller.data_to_send()
        if datagrams:
            self._socket.send_batch(datagrams, self._address)
        due = self._caller.next_timer()
        if self._timer is None and due is not None and not self.figures.closed:
            wait = max(due - self._loop.time(), _LEAST_WAIT)
            self._timer = self._loop.call_later(wait, self._fire)

    def _fire(self) -> None:
        self._timer = None
        now = self._loop.time()
        self._handle(self._caller.handle_timer(now))
        connection = self._caller.connection
        if connection is not None:
            lost = connection.statistics(now).pkt_rcv_drop
            self.figures.lost += lost - self._lost
            self._lost = lost
        self._flush()


class SrtCrowd:
    """Some tens of viewers."""

    def __init__(self, urls: Sequence[str]) -> None:
        self.failed = 0
        self._urls = [parse_srt_url(url) for url in urls]
        self._loop = new_loop()
        self._viewers: list[SrtViewer] = []

    @property
    def figures(self) -> list[Figures]:
        """Of all viewers."""
        return [viewer.figures for viewer in self._viewers]

    def grow(self, to: int, *, sample: int) -> None:
        """As :class:`gamecast.bench.crowd.Crowd`; any viewer's refusal is raised."""
        self._loop.run_until_complete(self._grow(to, sample))

    def run(self, until: float) -> None:
        """Read until this time of ``time.monotonic``."""
        self._loop.run_until_complete(asyncio.sleep(until - time.monotonic()))

    def close(self) -> None:
        """Say goodbye and close all."""
        for viewer in self._viewers:
            viewer.close()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def _grow(self, to: int, sample: int) -> None:
        for number in range(len(self._viewers), to):
            url = self._urls[number % len(self._urls)]
            viewer = SrtViewer(url, scans=scans(number, to, sample))
            self._viewers.append(viewer)
            await viewer.started
