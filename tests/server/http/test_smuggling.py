"""Requests whose end two readers could see in different places (RFC 9112 sections 6 and 11.2).

A proxy in front and we must agree where each request ends, or what one viewer sends becomes
another's request. So whatever is ambiguous is answered once, by 400, and the connection ends: the
second request that hides in each form below must never be answered.
"""

from __future__ import annotations

import pytest

from tests.server.http_viewer import RawHttp
from tests.server.site import MakeSite, Site

HIDDEN = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
LENGTH = b"%d" % len(HIDDEN)


def post(*headers: bytes) -> bytes:
    """A POST's head with these headers."""
    lines = [b"POST /healthz HTTP/1.1", b"Host: x", *headers]
    return b"".join(line + b"\r\n" for line in [*lines, b""])


def chunked(body: bytes) -> bytes:
    """A POST with a chunked body as it stands."""
    return post(b"Transfer-Encoding: chunked") + body


AMBIGUOUS = {
    "a length and chunks": post(b"Content-Length: 5", b"Transfer-Encoding: chunked") + b"0\r\n\r\n",
    "chunks and a length": post(b"Transfer-Encoding: chunked", b"Content-Length: 5") + b"0\r\n\r\n",
    "two lengths": post(b"Content-Length: 0", b"Content-Length: " + LENGTH),
    "the same length twice": post(b"Content-Length: 0", b"Content-Length: 0"),
    "a list of lengths": post(b"Content-Length: 0, " + LENGTH),
    "a signed length": post(b"Content-Length: +0"),
    "a negative length": post(b"Content-Length: -1"),
    "a hexadecimal length": post(b"Content-Length: 0x0"),
    "a length above 64 bits": post(b"Content-Length: 18446744073709551616"),
    "a space before the colon": post(b"Content-Length : " + LENGTH),
    "a space before the other colon": post(b"Transfer-Encoding : chunked") + b"0\r\n\r\n",
    "an unknown coding": post(b"Transfer-Encoding: xchunked") + b"0\r\n\r\n",
    "chunked, but not last": post(b"Transfer-Encoding: chunked, identity") + b"0\r\n\r\n",
    "a coding behind a control": post(b"Transfer-Encoding: \x0bchunked") + b"0\r\n\r\n",
    "a folded coding": post(b"Transfer-Encoding:\r\n chunked") + b"0\r\n\r\n",
    "a folded header": post(b"X: a\r\n b"),
    "lines that end in LF": b"POST /healthz HTTP/1.1\nHost: x\n\n",
    "a bare CR": post(b"X: a\rContent-Length: " + LENGTH),
    "a NUL": post(b"X: a\0b"),
    "a header without a name": post(b": a"),
    "a line without a colon": post(b"Content-Length " + LENGTH),
    "a space before the first header": b"POST /healthz HTTP/1.1\r\n Host: x\r\n\r\n",
    "a chunk's negative size": chunked(b"-1\r\n"),
    "a chunk's size above 64 bits": chunked(b"10000000000000000\r\n"),
    "a chunk without its end": chunked(b"1\r\na"),
    "chunks that end in LF": chunked(b"1\na\n0\n\n"),
    "a LF in a chunk's extension": chunked(b"1;a\nb\r\na\r\n0\r\n\r\n"),
    "a length in a trailer": chunked(b"0\r\nContent-Length: 5\r\n\r\n"),
    "an unknown version": b"GET /healthz HTTP/9.9\r\nHost: x\r\n\r\n",
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "no Host": b"GET /healthz HTTP/1.1\r\n\r\n",
    "two Hosts": b"GET /healthz HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
}


@pytest.mark.parametrize("form", AMBIGUOUS.values(), ids=AMBIGUOUS.keys())
async def test_an_ambiguous_request_is_400_and_the_last_one(site: Site, form: bytes) -> None:
    async with await RawHttp.open(site.http) as http:
        http.send(form + HIDDEN)
        answers = await http.read_to_end()
    assert answers.startswith(b"HTTP/1.1 400 ")
    assert answers.count(b"HTTP/1.1 ") == 1
    assert b"gamecast_" not in answers, "the hidden request was answered"


@pytest.mark.parametrize(
    "form",
    [
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: " + LENGTH + b"\r\n\r\n" + HIDDEN,
        chunked(b"%x;name=value\r\n%s\r\n0\r\n\r\n" % (len(HIDDEN), HIDDEN)),
        post(b"Upgrade: websocket", b"Connection: Upgrade", b"Content-Length: " + LENGTH) + HIDDEN,
    ],
    ids=["a GET's body", "a chunk", "an upgrade's body"],
)
async def test_a_request_in_a_body_is_a_body(make_site: MakeSite, form: bytes) -> None:
    site = await make_site(http={"idle_timeout": 0.3})
    async with await RawHttp.open(site.http) as http:
        http.send(form)
        answers = await http.read_to_end()
    assert answers.count(b"HTTP/1.1 ") == 1
    assert b"gamecast_" not in answers


async def test_a_body_behind_an_http_1_0_header_of_chunks_ends_the_connection(site: Site) -> None:
    """RFC 9112 section 6.1: its framing is not to be trusted."""
    async with await RawHttp.open(site.http) as http:
        http.send(
            b"POST /healthz HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
            + HIDDEN
        )
        answers = await http.read_to_end()
    assert answers.count(b"HTTP/1.1 ") == 1
    assert b"gamecast_" not in answers
