"""Accepting with TLS: peers that connect and never shake hands count, and go at their deadline."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from gamecast.net.accept import accept
from gamecast.net.admission import Admission
from gamecast.net.tcp import bind
from tests.server.conftest import pytest_asyncio_loop_factories as in_production
from tests.support.certificates import write_certificate
from tests.support.events import until
from tests.support.gamecast import UNVERIFIED

Address = tuple[str, int]


def pytest_asyncio_loop_factories() -> Mapping[str, Any]:
    """Python's own loop, and the one of production: they shake hands each in its own way."""
    return {"asyncio": asyncio.new_event_loop, **in_production()}


class Echo(asyncio.Protocol):
    """Enters as the listeners' protocols do, and says everything again."""

    admission: Admission
    transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport.get_extra_info("peername"), tuple)
        assert self.admission.enter("127.0.0.1")
        self.transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.admission.leave("127.0.0.1")


class Listening:
    """A TLS listener that two connections of an address fill."""

    def __init__(self, folder: Path) -> None:
        paths = write_certificate(folder, "somebody")
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*paths.values())
        self.admission = Admission(most=10, most_per_address=2)
        self.bound = bind("127.0.0.1", 0)
        self.address: Address = self.bound.getsockname()

    def make(self) -> Echo:
        echo = Echo()
        echo.admission = self.admission
        return echo

    @contextlib.asynccontextmanager
    async def run(self, handshake_timeout: float = 10.0) -> AsyncIterator[None]:
        listening = await accept(
            self.make,
            self.bound,
            admission=self.admission,
            tls=self.context,
            handshake_timeout=handshake_timeout,
        )
        try:
            yield
        finally:
            listening.close()
            await until(lambda: not self.admission.count, "the end of every handshake", within=5)


@pytest.fixture
def listening(tmp_path: Path) -> Listening:
    return Listening(tmp_path)


async def is_closed(reader: asyncio.StreamReader) -> bool:
    """Whether the peer ends the connection soon."""
    with contextlib.suppress(ConnectionResetError):
        async with asyncio.timeout(5):
            return not await reader.read()
    return True


async def assert_echoes(address: Address) -> None:
    reader, writer = await asyncio.open_connection(*address, ssl=UNVERIFIED)
    writer.write(b"hello")
    assert await reader.readexactly(5) == b"hello"
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


async def test_handshakes_that_are_not_done_fill_the_places_of_an_address(
    listening: Listening,
) -> None:
    async with listening.run():
        silent = [await asyncio.open_connection(*listening.address) for _ in range(2)]
        await until(lambda: listening.admission.count == 2, "two handshakes")
        reader, writer = await asyncio.open_connection(*listening.address)
        assert await is_closed(reader)
        assert listening.admission.refused == 1
        for _, other in [*silent, (reader, writer)]:
            other.close()
        await until(lambda: not listening.admission.count, "free places")
        for _ in range(3):  # done, each counts once: the second of two places is enough
            await assert_echoes(listening.address)
        await until(lambda: not listening.admission.count, "free places")


async def test_a_handshake_has_a_deadline(listening: Listening) -> None:
    async with listening.run(handshake_timeout=0.3):
        start = asyncio.get_running_loop().time()
        reader, writer = await asyncio.open_connection(*listening.address)
        writer.write(b"\x16\x03\x01")  # half a record's header
        assert await is_closed(reader)
        assert 0.25 < asyncio.get_running_loop().time() - start < 3
        await until(lambda: not listening.admission.count, "a free place")
        writer.close()


async def test_what_is_not_tls_ends_and_the_next_is_served(listening: Listening) -> None:
    async with listening.run():
        reader, writer = await asyncio.open_connection(*listening.address)
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        assert await is_closed(reader)
        writer.close()
        await assert_echoes(listening.address)
