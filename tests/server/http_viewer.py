"""Viewers over plain sockets: what came, byte for byte, and which frames were in it."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from typing import Self

from gamecast.media.containers.flv import FlvDemuxer, Tag
from tests.server.rtmp_peer import frame_numbers
from tests.server.site import Address
from tests.support.events import until


class RawHttp:
    """One HTTP connection, spoken by hand."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.status = 0
        self.headers: dict[str, str] = {}

    @classmethod
    async def open(cls, address: Address, *, tls: ssl.SSLContext | None = None) -> Self:
        """Connect."""
        return cls(*await asyncio.open_connection(*address, ssl=tls))

    def send(self, data: bytes) -> None:
        """Write bytes as they are."""
        self.writer.write(data)

    def request(self, path: str, *headers: str, method: str = "GET", version: str = "1.1") -> None:
        """Write a request without a body."""
        lines = [f"{method} {path} HTTP/{version}", "Host: test", *headers]
        self.send("\r\n".join([*lines, "", ""]).encode())

    async def read_head(self, *, within: float = 5.0) -> int:
        """Read up to the empty line; returns the status."""
        async with asyncio.timeout(within):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head[:-4].split("\r\n")
        self.status = int(first.split()[1])
        self.headers = {
            name.lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines)
        }
        return self.status

    async def read_answer(self, *, within: float = 5.0) -> bytes:
        """Read a whole answer that has a length; returns its body."""
        await self.read_head(within=within)
        async with asyncio.timeout(within):
            return await self.reader.readexactly(int(self.headers["content-length"]))

    async def read_chunk(self) -> bytes:
        """One chunk of a chunked body, empty at its end."""
        size = int(await self.reader.readline(), 16)
        data = await self.reader.readexactly(size + 2)
        return data[:-2]

    async def read_to_end(self, *, within: float = 5.0) -> bytes:
        """All until the server closes, a reset included."""
        data = bytearray()
        async with asyncio.timeout(within):
            with contextlib.suppress(ConnectionError):
                while piece := await self.reader.read(65_536):
                    data += piece
        return bytes(data)

    async def close(self) -> None:
        """Close, whatever is unread."""
        self.writer.close()
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            await self.writer.wait_closed()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


class FlvViewer:
    """Reads an HTTP-FLV body in a task of its own."""

    def __init__(self, http: RawHttp) -> None:
        self.http = http
        self.tags: list[Tag] = []
        self.ended = False
        """The body ended properly, with the last chunk."""
        self.over = False
        """Nothing more will come, for whatever reason."""
        self._demuxer = FlvDemuxer()
        self._reading = asyncio.create_task(self._read())

    @property
    def frames(self) -> list[int]:
        """The numbers of the video frames received."""
        return [frame for tag in self.tags if tag.type == 9 for frame in frame_numbers(tag.payload)]

    @property
    def wire(self) -> list[tuple[int, int, bytes]]:
        """All tags as values."""
        return [(tag.type, tag.timestamp, tag.payload) for tag in self.tags]

    async def wait_for_frame(self, number: int, *, within: float = 5.0) -> None:
        """Wait until this frame has come."""
        await until(
            lambda: self.over or (self.frames and self.frames[-1] >= number),
            f"frame {number}",
            within=within,
        )
        frames = self.frames
        assert frames, "no frame came"
        assert frames[-1] >= number, frames[-1]

    async def wait_end(self, *, within: float = 5.0) -> None:
        """Wait for the end of the body."""
        await asyncio.wait_for(asyncio.shield(self._reading), within)

    async def _read(self) -> None:
        try:
            while chunk := await self.http.read_chunk():
                self.tags += self._demuxer.receive_data(chunk)
            self.ended = True
        except (asyncio.IncompleteReadError, ConnectionError, ValueError):
            pass
        finally:
            self.over = True

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._reading
        await self.http.close()


async def watch_flv(
    address: Address, name: str = "main", *, tls: ssl.SSLContext | None = None
) -> FlvViewer:
    """Start to watch; the answer must be 200."""
    http = await RawHttp.open(address, tls=tls)
    http.request(f"/live/{name}.flv")
    status = await http.read_head()
    assert status == 200, status
    return FlvViewer(http)


def assert_unbroken(frames: list[int]) -> None:
    """No frame is missing and none came twice."""
    assert frames == list(range(frames[0], frames[0] + len(frames)))
