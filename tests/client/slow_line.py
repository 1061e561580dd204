"""A TCP relay whose uplink carries so many bits per second and no more."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from types import TracebackType
from typing import Self

from gamecast.net.tcp import bind

STEP = 0.02
"""Seconds for which one portion is the line's share."""
BUFFER = 16 * 1024
"""Bytes that the relay's sockets hold, like a modem's buffer and no bigger."""


class SlowLine:
    """Listens on ``port`` and relays to ``target``; ``rate`` may change at any time."""

    def __init__(self, target: int, *, rate: float = 1e9) -> None:
        """``rate`` is in bits per second; 0 is a stalled line."""
        self.rate = rate
        self._target = target
        self._socket = bind("127.0.0.1", 0)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        self._socket.listen()
        self.port: int = self._socket.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def url(self, name: str = "KEY") -> str:
        """Where to publish through this line."""
        return f"rtmp://127.0.0.1:{self.port}/live/{name}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._accepting.cancel)
        self._thread.join()
        self._socket.close()

    def _run(self) -> None:
        self._accepting = self._loop.create_task(self._accept())
        with contextlib.suppress(asyncio.CancelledError):
            self._loop.run_until_complete(self._accepting)
        for task in self._tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*self._tasks, return_exceptions=True))
        self._loop.close()

    async def _accept(self) -> None:
        while True:
            inside, _ = await self._loop.sock_accept(self._socket)
            inside.setblocking(False)
            self._tasks.add(self._loop.create_task(self._relay(inside)))

    async def _relay(self, inside: socket.socket) -> None:
        with inside, socket.socket() as outside:
            outside.setblocking(False)
            await self._loop.sock_connect(outside, ("127.0.0.1", self._target))
            up = asyncio.create_task(self._up(inside, outside))
            down = asyncio.create_task(self._down(outside, inside))
            try:
                await asyncio.wait((up, down), return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (up, down):
                    task.cancel()
                await asyncio.gather(up, down, return_exceptions=True)

    async def _up(self, inside: socket.socket, outside: socket.socket) -> None:
        due = self._loop.time()
        while True:
            rate = self.rate  # it may change while we wait for the portion
            if not rate:
                await asyncio.sleep(STEP)
                continue
            share = max(1, min(int(rate * STEP / 8), 1 << 20))
            data = await self._loop.sock_recv(inside, share)
            if not data:
                outside.shutdown(socket.SHUT_WR)
                return
            await self._loop.sock_sendall(outside, data)
            # One byte takes 8 / rate seconds, whatever the portions are.
            due = max(due, self._loop.time() - STEP) + len(data) * 8 / rate
            await asyncio.sleep(max(0.0, due - self._loop.time()))

    async def _down(self, outside: socket.socket, inside: socket.socket) -> None:
        while data := await self._loop.sock_recv(outside, 1 << 16):
            await self._loop.sock_sendall(inside, data)
