"""An SRT listener in a thread of its own, behind a line that loses packets and has a rate."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections import deque
from types import TracebackType
from typing import Self

from gamecast.net.udp import Address, UdpSocket
from gamecast.protocols.srt import Connection, Event, Listener, PayloadsReceived, Settings

_STEP = 0.005
_QUEUE = 64_000
"""Bytes that wait before the line; what comes then is lost, as in a router."""


class SrtPeer:
    """``rate`` in bits per second and ``lose`` (each so-manieth datagram) may change any time."""

    def __init__(self, *, rate: float = 1e9, lose: int = 0) -> None:
        self.rate = rate
        self.lose = lose
        self.payload_bytes = 0
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sock.setblocking(False)
        self._sock.bind(("127.0.0.1", 0))
        self.port: int = self._sock.getsockname()[1]
        self._queue: deque[tuple[bytes, Address]] = deque()
        self._queued = 0
        self._count = 0
        self._connection: Connection | None = None
        self._peer: Address = ("", 0)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def url(self) -> str:
        """Where to publish."""
        return f"srt://127.0.0.1:{self.port}?streamid=KEY&latency=120"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        self._loop.call_soon(self._start)
        self._loop.run_forever()
        self._udp.close()
        self._loop.close()

    def _start(self) -> None:
        now = self._loop.time()
        self._listener = Listener(Settings(), now=now, random_bytes=os.urandom)
        self._udp = UdpSocket(self._sock, self._arrive)
        self._room = 0.0
        self._at = now
        self._step()

    def _arrive(self, data: bytes, address: Address) -> None:
        self._count += 1
        lost = self.lose and self._count % self.lose == 0 and not data[0] & 0x80
        if not lost and self._queued + len(data) <= _QUEUE:
            self._queue.append((data, address))
            self._queued += len(data)

    def _step(self) -> None:
        now = self._loop.time()
        self._room = min(self._room + (now - self._at) * self.rate / 8, self.rate / 8 * 0.02)
        self._at = now
        while self._queue and self._room > 0:
            data, address = self._queue.popleft()
            self._queued -= len(data)
            self._room -= len(data)
            self._receive(data, address, now)
        if self._connection is not None:
            timer = self._connection.next_timer()
            if timer is not None and timer <= now:
                self._take(self._connection.handle_timer(now))
            self._udp.send_batch(self._connection.data_to_send(), self._peer)
        for datagram, to in self._listener.data_to_send():
            self._udp.send(datagram, to)
        self._loop.call_later(_STEP, self._step)

    def _receive(self, data: bytes, address: Address, now: float) -> None:
        if self._connection is not None and data[12:16] != bytes(4):
            self._take(self._connection.receive_datagram(data, now))
            return
        request = self._listener.receive_datagram(data, address, now)
        if request is not None:
            self._connection = self._listener.accept(request, passphrase="", now=now)
            self._peer = address

    def _take(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, PayloadsReceived):
                self.payload_bytes += sum(map(len, event.payloads))
