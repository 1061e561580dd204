"""The listener with an application of the test's own: peers that do not read their answers."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import pytest
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from gamecast.net.admission import Admission
from gamecast.net.tcp import bind
from gamecast.server.http.answers import Ready
from gamecast.server.http.connection import HttpLimits
from gamecast.server.http.listener import HttpListener
from tests.server.http_viewer import RawHttp
from tests.server.site import Address
from tests.support.events import until

LARGE = 12_000_000
"""More than the kernel holds for a connection."""


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """``/once`` writes a large answer at once, ``/pieces`` as there is room, ``/echo`` later."""
    request = Request(scope, receive)
    if request.url.path == "/echo":
        with contextlib.suppress(ClientDisconnect):
            await Response(await request.body())(scope, receive, send)
        return
    if request.url.path == "/once":
        await Response(bytes(LARGE))(scope, receive, send)
        return

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(LARGE // 100_000):
            yield bytes(100_000)

    await StreamingResponse(pieces())(scope, receive, send)


class Listening:
    """An ``HttpListener`` with short limits."""

    def __init__(self, *, step: float = 0.8, header: float = 5, ready: Ready | None = None) -> None:
        self.admission = Admission(most=100, most_per_address=100)
        limits = HttpLimits(
            header_timeout=header,
            idle_timeout=1,
            body_timeout=step,
            linger_timeout=step,
            admission=self.admission,
        )
        self.listener = HttpListener(app, limits, ready)

    async def start(self) -> Address:
        bound = bind("127.0.0.1", 0)
        address: Address = bound.getsockname()
        await self.listener.listen(bound)
        return address


@pytest.fixture
async def listening() -> AsyncIterator[Listening]:
    made = Listening()
    yield made
    await made.listener.close(patience=0.1)


def small_reader(address: Address, path: str, headers: str = "") -> socket.socket:
    """A socket that has asked and holds little of the answer."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.connect(address)
    sock.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n{headers}\r\n".encode())
    return sock


@pytest.mark.parametrize(
    ("path", "headers"),
    [("/pieces", ""), ("/once", ""), ("/once", "Connection: close\r\n")],
)
async def test_a_client_that_does_not_read_its_answer_is_dropped(
    listening: Listening, path: str, headers: str
) -> None:
    address = await listening.start()
    with small_reader(address, path, headers):
        await until(lambda: listening.admission.count, "the connection")

        def gone() -> bool:
            listening.listener.tick()
            return listening.admission.count == 0

        await until(gone, "its end", within=6)


@pytest.fixture
async def patient() -> AsyncIterator[Listening]:
    made = Listening(step=2.5)
    yield made
    await made.listener.close(patience=1)


async def test_a_client_that_reads_slowly_gets_everything(patient: Listening) -> None:
    address = await patient.start()
    loop = asyncio.get_running_loop()
    with small_reader(address, "/once") as sock:
        sock.setblocking(False)
        received = 0
        while received < LARGE:
            data = await loop.sock_recv(sock, 1 << 20)
            assert data, f"cut after {received} bytes"
            received += len(data)
            patient.listener.tick()
            if received < LARGE / 2:  # below what its deadlines would let it have at a stretch
                await asyncio.sleep(0.003)
        assert received > LARGE


async def test_closing_gives_answers_time_and_drops_the_rest(listening: Listening) -> None:
    address = await listening.start()
    async with await RawHttp.open(address) as reads:
        reads.request("/once")
        with small_reader(address, "/once"):
            await until(lambda: listening.admission.count == 2, "both")
            reading = asyncio.create_task(reads.read_to_end())
            await listening.listener.close(patience=1)
            assert listening.admission.count == 0
            assert len(await reading) > LARGE


@pytest.mark.parametrize("framing", ["Content-Length: 100000", "Transfer-Encoding: chunked"])
async def test_a_body_that_trickles_has_one_deadline(listening: Listening, framing: str) -> None:
    loop = asyncio.get_running_loop()
    async with await RawHttp.open(await listening.start()) as http:
        http.request("/echo", framing, method="POST")
        start = loop.time()
        reading = asyncio.create_task(http.read_to_end(within=10))
        while not reading.done():
            http.send(b"1\r\nx\r\n" if "chunked" in framing else b"x")
            await asyncio.wait([reading], timeout=0.05)
        assert (await reading).startswith(b"HTTP/1.1 408 ")
    assert 0.7 < loop.time() - start < 4
    await until(lambda: listening.admission.count == 0, "the connection gone")
