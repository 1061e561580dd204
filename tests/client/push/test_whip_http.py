"""What a WHIP server may answer: anything."""

from __future__ import annotations

import asyncio
import contextlib
import ssl

import httptools
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gamecast.client.push import whip_http
from gamecast.client.push.whip_http import (
    MAX_ANSWER,
    HttpError,
    Request,
    Response,
    _Collector,
    fetch,
    joined,
)

BASE = "http://h:8080/whip"


@given(st.lists(st.binary(max_size=200), max_size=6))
@settings(max_examples=60)
def test_any_bytes_are_an_answer_or_a_parser_error(pieces: list[bytes]) -> None:
    collector = _Collector(BASE)
    with contextlib.suppress(httptools.HttpParserError):
        for piece in [b"HTTP/1.1 201 Created\r\n", *pieces]:
            collector.feed(piece)
    assert len(collector.response.body) <= MAX_ANSWER


@given(st.text(max_size=60))
@settings(max_examples=100)
def test_any_location_is_a_url_or_an_error(location: str) -> None:
    with contextlib.suppress(HttpError):
        url = joined(BASE, location)
        assert url.startswith(("http://", "https://"))
        assert "\n" not in url


@given(st.binary(max_size=300), st.sampled_from(["application/problem+json", "text/plain", ""]))
@settings(max_examples=60)
def test_any_reason_is_one_short_line(body: bytes, kind: str) -> None:
    reason = Response(BASE, 500, {"content-type": kind}, body).reason()
    assert "\n" not in reason
    assert len(reason) < 300
    assert "HTTP 500" in reason


async def answered(answer: bytes) -> Response:
    """What ``fetch`` makes of an answer."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        with contextlib.suppress(ConnectionError):
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        url = f"http://127.0.0.1:{port}/whip"
        return await fetch(Request("POST", url, "token"), tls=ssl.create_default_context)
    finally:
        server.close()


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (b"", "without an answer"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nshort", "without an answer"),
        (b"220 mail.example.net ESMTP\r\n", "does not speak HTTP"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + bytes(MAX_ANSWER + 1), "does not speak HTTP"),
        (b"HTTP/1.1 307 x\r\nlocation: /whip\r\n\r\n", "too many redirections"),
        (b"HTTP/1.1 307 x\r\nlocation: ftp://h/\r\n\r\n", "no HTTP URL"),
    ],
)
async def test_what_is_no_use_is_said_in_one_line(answer: bytes, problem: str) -> None:
    with pytest.raises(HttpError, match=problem):
        await answered(answer)


async def test_chunks_and_a_reason() -> None:
    head = b"HTTP/1.1 403 No\r\ncontent-type: application/problem+json\r\n"
    text = b'{"detail": "no\\n!"}'
    chunks = b"%x\r\n%b\r\n0\r\n\r\n" % (len(text), text)
    response = await answered(head + b"transfer-encoding: chunked\r\n\r\n" + chunks)
    assert response.reason() == "no ! (HTTP 403)"
    assert response.local_host == "127.0.0.1"


async def test_a_server_that_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whip_http, "TIMEOUT", 0.05)
    quiet = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await quiet.wait()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    with pytest.raises(HttpError, match="does not answer"):
        await fetch(Request("POST", url), tls=ssl.create_default_context)
    quiet.set()
    server.close()
