"""Peers that dawdle, flood or send nonsense over HTTP: deadlines, caps, and nobody else notices."""

from __future__ import annotations

import asyncio
import random

import pytest

from tests.server.http_viewer import RawHttp, assert_unbroken, watch_flv
from tests.server.rtmp_peer import on_air
from tests.server.site import MakeSite, Site, turns

SHORT = {"header_timeout": 0.3, "idle_timeout": 0.3}


@pytest.fixture
async def hasty(make_site: MakeSite) -> Site:
    """A site with short deadlines."""
    return await make_site(auth={"publish": "open"}, http=SHORT)


def elapsed_since(start: float) -> float:
    return asyncio.get_running_loop().time() - start


@pytest.mark.parametrize("sent", [b"", b"GET", b"GET / HTTP/1.1\r\nHost: x\r\nX-Half"])
async def test_half_a_header_is_answered_408_at_its_deadline(hasty: Site, sent: bytes) -> None:
    start = asyncio.get_running_loop().time()
    async with await RawHttp.open(hasty.http) as http:
        http.send(sent)
        answer = await http.read_to_end()
    assert 0.25 < elapsed_since(start) < 2
    assert answer.startswith(b"HTTP/1.1 408 ")


async def test_a_header_that_trickles_has_one_deadline(hasty: Site) -> None:
    start = asyncio.get_running_loop().time()
    async with await RawHttp.open(hasty.http) as http:
        reading = asyncio.create_task(http.read_to_end())
        http.send(b"GET / HTTP/1.1\r\n")
        while not reading.done() and elapsed_since(start) < 3:
            http.send(b"X: y\r\n")
            await asyncio.wait([reading], timeout=0.05)
        await reading
    assert elapsed_since(start) < 1.5


async def test_a_kept_connection_is_closed_when_idle(hasty: Site) -> None:
    async with await RawHttp.open(hasty.http) as http:
        http.request("/healthz")
        assert await http.read_answer() == b'{"status":"ok"}'
        start = asyncio.get_running_loop().time()
        assert await http.read_to_end() == b""
        assert elapsed_since(start) < 1.5


async def test_the_second_request_has_the_headers_deadline_too(make_site: MakeSite) -> None:
    site = await make_site(http={"header_timeout": 0.3, "idle_timeout": 60})
    async with await RawHttp.open(site.http) as http:
        http.request("/healthz")
        await http.read_answer()
        http.send(b"GET /heal")
        assert (await http.read_to_end(within=3)).startswith(b"HTTP/1.1 408 ")


async def test_a_body_that_does_not_come_is_no_reason_to_wait(hasty: Site) -> None:
    async with await RawHttp.open(hasty.http) as http:
        http.request("/api/v1/streams/main", "Content-Length: 1000", method="DELETE")
        await http.read_answer()
        assert http.status == 401


async def test_a_header_above_64_kib_is_431(site: Site) -> None:
    async with await RawHttp.open(site.http) as http:
        http.send(b"GET / HTTP/1.1\r\nHost: x\r\n")
        http.send(b"X: " + b"y" * 70_000)
        assert (await http.read_to_end()).startswith(b"HTTP/1.1 431 ")
    async with await RawHttp.open(site.http) as http:
        http.send(b"GET /" + b"a" * 70_000)
        assert (await http.read_to_end()).startswith(b"HTTP/1.1 431 ")
    async with await RawHttp.open(site.http) as http:
        http.send(b"GET / HTTP/1.1\r\nX: " + b"y" * 70_000 + b"\r\n\r\n")
        assert (await http.read_to_end()).startswith(b"HTTP/1.1 431 ")


async def test_pipelined_requests_are_answered_in_order(site: Site) -> None:
    async with await RawHttp.open(site.http) as http:
        for path in ("/healthz", "/api/v1/streams", "/live/x.flv", "/healthz"):
            http.request(path)
        bodies = [(await http.read_answer(), http.status) for _ in range(4)]
    assert [status for _, status in bodies] == [200, 200, 404, 200]
    assert bodies[0][0] == bodies[3][0] == b'{"status":"ok"}'
    assert bodies[1][0] == b'{"items":[]}'


async def test_more_pipelined_requests_than_anybody_needs_end_the_connection(site: Site) -> None:
    async with await RawHttp.open(site.http) as http:
        http.send(b"GET /live/x.flv HTTP/1.1\r\nHost: x\r\n\r\n" * 3000)
        answers = await http.read_to_end()
    assert answers.count(b"HTTP/1.1 404 ") <= 64
    assert (await site.get("/healthz")).status_code == 200


async def test_a_large_body_behind_a_small_header_is_no_large_header(site: Site) -> None:
    async with await RawHttp.open(site.http) as http:
        http.request("/healthz", "Content-Length: 200000", method="POST")
        http.send(bytes(200_000))
        await http.read_answer()
        assert http.status == 405
        http.request("/healthz")
        await http.read_answer()
        assert http.status == 200


@pytest.mark.parametrize("seed", range(4))
async def test_garbage_is_400_and_the_end(site: Site, seed: int) -> None:
    noise = random.Random(seed).randbytes(5000)
    async with await RawHttp.open(site.http) as http:
        http.send(noise)
        answer = await http.read_to_end()
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400 ")
    assert (await site.get("/healthz")).status_code == 200


@pytest.mark.parametrize(
    "head",
    [
        b"GET // HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET http:// HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET * HTTP/1.1\r\nHost: x\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /%ff%fe HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET ?x HTTP/1.1\r\nHost: x\r\n\r\n",
        b"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /live/a.flv?token=\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /assets/../../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /assets/%2e%2e/%2e%2e/config.py HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /assets/a%00b HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \xff\r\n\r\n",
        b"DELETE /api/v1/streams/main HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \xff\r\n\r\n",
    ],
)
async def test_odd_requests_are_never_a_server_error(
    site: Site, head: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with await RawHttp.open(site.http) as http:
        http.send(head)
        await http.read_head()
    assert http.status < 500, head
    assert not [record for record in caplog.records if record.exc_info], caplog.text


async def test_connections_are_capped_per_address_and_the_rest_is_served(
    make_site: MakeSite,
) -> None:
    site = await make_site(
        auth={"publish": "open"}, http={"max_connections_per_address": 3, "max_connections": 5}
    )
    publisher = await on_air(site)
    async with await watch_flv(site.http) as viewer:
        taken = [await RawHttp.open(site.http) for _ in range(2)]
        async with await RawHttp.open(site.http) as refused:
            answer = await refused.read_to_end()
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"connection: close" in answer
        publisher.send(30)
        await viewer.wait_for_frame(34)
        assert_unbroken(viewer.frames)
        taken[0].request("/metrics")
        metrics = (await taken[0].read_answer()).decode()
        assert 'gamecast_connections{listener="http"} 3.0' in metrics
        for http in taken:
            await http.close()
    await until_served(site)
    publisher.stop()


async def until_served(site: Site) -> None:
    """The places of those who have gone are free again."""
    async with asyncio.timeout(5):
        while (await site.get("/healthz")).status_code != 200:
            await turns()


async def test_connections_are_capped_in_all(make_site: MakeSite) -> None:
    site = await make_site(http={"max_connections": 4})
    taken = [await RawHttp.open(site.http) for _ in range(4)]
    for http in taken:
        http.request("/healthz")
        await http.read_answer()
    async with await RawHttp.open(site.http) as refused:
        assert (await refused.read_to_end()).startswith(b"HTTP/1.1 503 ")
    for http in taken:
        await http.close()
    await until_served(site)
