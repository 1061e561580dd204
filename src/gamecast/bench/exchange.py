"""Offer there, answer back: the HTTP request of WHIP (RFC 9725) and WHEP, by hand.

A library would cost more than a light viewer does.
"""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

from gamecast.bench.errors import BenchError
from gamecast.bench.tls import context_for

_PATIENCE = 15.0
_MOST = 256 * 1024


async def post_offer(url: str, offer: str, *, key: str = "") -> str:
    """The answer's SDP. Raises :class:`BenchError` or ``OSError``."""
    headers = {"content-type": "application/sdp"}
    if key:
        headers["authorization"] = f"Bearer {key}"
    status, body = await request("POST", url, offer.encode(), headers)
    if status != 201:
        raise BenchError(f"{urlsplit(url).path} answered {status}: {body[:200].decode('latin-1')}")
    return body.decode("utf-8", "replace")


async def request(
    method: str, url: str, body: bytes = b"", headers: dict[str, str] | None = None
) -> tuple[int, bytes]:
    """Status and body of one request on a connection of its own."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BenchError("it needs http:// or https://")
    tls = context_for(parts.scheme)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    given = {
        "host": parts.netloc,
        "content-length": str(len(body)),
        "connection": "close",
        **(headers or {}),
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    async with asyncio.timeout(_PATIENCE):
        reader, writer = await asyncio.open_connection(
            parts.hostname, parts.port or (443 if tls else 80), ssl=tls
        )
        try:
            writer.write(f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode() + body)
            return await read_answer(reader)
        finally:
            writer.close()


async def read_answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Status and body of one answer (RFC 9112). Raises :class:`BenchError`."""
    try:
        return await _answer(reader)
    except (ValueError, IndexError, EOFError, asyncio.LimitOverrunError):
        raise BenchError("the server does not speak HTTP") from None


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.split("\r\n")
    fields = {
        name.strip().lower(): value.strip()
        for name, _, value in (li.partition(":") for li in lines)
    }
    status = int(first.split(" ")[1])
    if fields.get("transfer-encoding", "").lower() == "chunked":
        return status, await _chunks(reader)
    length = fields.get("content-length")
    if length is None:
        return status, await reader.read(_MOST)
    return status, await reader.readexactly(_bounded(int(length)))


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int((await reader.readline()).split(b";")[0], 16):
        _bounded(len(body) + _bounded(size))
        body += (await reader.readexactly(size + 2))[:-2]
    return body


def _bounded(size: int) -> int:
    if not 0 <= size <= _MOST:
        raise BenchError(f"an answer of {size} bytes")
    return size
