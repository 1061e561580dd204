"""A WebRTC peer that reaches the server by ICE-TCP only (RFC 6544, active side)."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from typing import Any, Self

from gamecast.protocols.webrtc.candidate import Candidate
from gamecast.protocols.webrtc.framing import FrameReader, frame
from tests.server.webrtc.peer import Peer


class _Framed:
    """A datagram transport on top of a TCP connection, whatever address a datagram is for."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    def sendto(self, data: bytes, _: Any) -> None:
        """As a frame."""
        if not self._writer.is_closing():
            self._writer.write(frame(data))

    def close(self) -> None:
        """Close the connection."""
        self._writer.close()


class TcpPeer(Peer):
    """Connects to the passive TCP candidate of the answer. ``reading`` may be cleared: a viewer
    that reads no more."""

    def __init__(self, url: str, **options: Any) -> None:
        super().__init__(url, **options)
        self.reading = asyncio.Event()
        self.reading.set()
        self.pause = 0.0
        """Seconds after every 64 kB: a slow line."""
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        try:
            await self._negotiate()
        except BaseException:
            self._close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await super().__aexit__()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def reconnect(self) -> None:
        """Another connection after a ``cut``; the next check goes there."""
        await self._connect(self.candidate)
        self._wake()

    def cut(self) -> None:
        """Close the connection."""
        assert self._task is not None
        self._task.cancel()
        self._close()

    async def usable(self, candidates: list[Candidate]) -> list[Candidate]:
        """Connect to the first TCP candidate, and let the agent take it for the only one."""
        self.candidate = next(each for each in candidates if each.tcp_type == "passive")
        await self._connect(self.candidate)
        return [replace(self.candidate, transport="udp", tcp_type="")]

    async def _connect(self, candidate: Candidate) -> None:
        reader, writer = await asyncio.open_connection(
            candidate.host, candidate.port, limit=64 * 1024
        )
        transport: Any = _Framed(writer)
        self._transport = transport
        self._task = asyncio.create_task(self._read(reader, (candidate.host, candidate.port)))

    async def _read(self, reader: asyncio.StreamReader, address: tuple[str, int]) -> None:
        frames = FrameReader()
        while data := await reader.read(65536):
            for each in frames.receive_data(data):
                self.datagram_received(each, address)
            await self.reading.wait()
            await asyncio.sleep(self.pause)
        self.closed = self.closed or "the connection ended"
        self.happened.set()
