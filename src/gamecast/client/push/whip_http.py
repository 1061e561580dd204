"""The HTTP of WHIP: one request per connection, small bodies, redirections followed (RFC 9725)."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from urllib.parse import SplitResult, urljoin, urlsplit

import httptools

from gamecast import __version__
from gamecast.client.push.uplink import tls_problem

TIMEOUT = 10.0
"""Seconds for one exchange, TCP and TLS included."""
MAX_REDIRECTS = 5
MAX_ANSWER = 256 * 1024
"""Bytes of an answer with its headers: an SDP has a few thousand."""
_MAX_REASON = 200
_KEEPING_METHOD = (307, 308)


class HttpError(Exception):
    """No answer, or none that is HTTP; the message is one line."""


@dataclass(slots=True, frozen=True)
class Request:
    """What to ask."""

    method: str
    url: str
    token: str = field(default="", repr=False)
    """Bearer token (RFC 6750)."""
    body: bytes = b""
    content_type: str = ""


@dataclass(slots=True)
class Response:
    """What came back."""

    url: str
    """That answered, after redirections."""
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    """By lower-case name; repeated ones joined by commas."""
    body: bytes = b""
    local_host: str = ""
    """The address of ours from which the server was reached."""

    def reason(self) -> str:
        """What the server says of a failure, in one line: RFC 9457, plain text, or the status."""
        text = self.body.decode("utf-8", "replace").strip()
        if "json" in self.headers.get("content-type", ""):
            with suppress(ValueError, RecursionError):
                found = json.loads(text)
                if isinstance(found, dict):
                    text = str(found.get("detail") or found.get("title") or found.get("error", ""))
        elif not self.headers.get("content-type", "").startswith("text/plain"):
            text = ""
        line = " ".join(text.split())[:_MAX_REASON]
        return f"{line} (HTTP {self.status})" if line else f"HTTP {self.status}"


async def fetch(request: Request, *, tls: Callable[[], ssl.SSLContext]) -> Response:
    """Ask, following 307 and 308. Raises ``HttpError``.

    The token goes along to other hosts: ingest services redirect to one of their nodes, which asks
    for it, and whoever was trusted with it could have passed it on. Never from TLS to less.
    """
    for _ in range(MAX_REDIRECTS + 1):
        response = await _exchange(request, tls)
        location = response.headers.get("location")
        if response.status not in _KEEPING_METHOD or not location:
            return response
        moved = joined(request.url, location)
        if urlsplit(request.url).scheme == "https" and urlsplit(moved).scheme != "https":
            raise HttpError("the server redirects from https to something less")
        request = replace(request, url=moved)
    raise HttpError("too many redirections")


def joined(base: str, location: str) -> str:
    """A ``Location`` as a whole URL. Raises ``HttpError`` for one that is none."""
    try:
        url = urljoin(base, location)
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not url.isprintable() or not url.isascii() or " " in url:
        raise HttpError("the server names a place that is no HTTP URL")
    return url


async def _exchange(request: Request, tls: Callable[[], ssl.SSLContext]) -> Response:
    parts = urlsplit(request.url)
    where = f"{parts.hostname}:{_port(parts)}"
    try:
        async with asyncio.timeout(TIMEOUT):
            return await _converse(request, parts, tls() if parts.scheme == "https" else None)
    except TimeoutError:
        raise HttpError(f"{where} does not answer") from None
    except ssl.SSLError as error:
        raise HttpError(tls_problem(error)) from error
    except ConnectionRefusedError:
        raise HttpError(f"{where} refuses connections (is the server running?)") from None
    except OSError as error:
        if type(error).__name__ == "gaierror":
            raise HttpError(f"no such host: {parts.hostname}") from None
        raise HttpError(f"{where}: {error.strerror or error}") from error
    except httptools.HttpParserError:
        raise HttpError(f"{where} does not speak HTTP") from None


async def _converse(request: Request, parts: SplitResult, tls: ssl.SSLContext | None) -> Response:
    reader, writer = await asyncio.open_connection(parts.hostname, _port(parts), ssl=tls)
    try:
        writer.write(_head(request, parts) + request.body)
        collector = _Collector(request.url)
        collector.response.local_host = str(writer.get_extra_info("sockname")[0])
        while not collector.complete:
            data = await reader.read(65536)
            if not data and collector.ends_with_connection:
                break
            if not data:
                raise ConnectionError("the server closed the connection without an answer")
            collector.feed(data)
        return collector.response
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


def _head(request: Request, parts: SplitResult) -> bytes:
    target = parts.path or "/"
    lines = [
        f"{request.method} {target}{'?' + parts.query if parts.query else ''} HTTP/1.1",
        f"host: {parts.netloc.rpartition('@')[2]}",
        f"user-agent: Gamecast/{__version__}",
        "connection: close",
        f"content-length: {len(request.body)}",
    ]
    if request.token:
        lines.append(f"authorization: Bearer {request.token}")
    if request.content_type:
        lines.append(f"content-type: {request.content_type}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8")


def _port(parts: SplitResult) -> int:
    return parts.port or (443 if parts.scheme == "https" else 80)


class _Collector:
    """Callbacks of the parser."""

    def __init__(self, url: str) -> None:
        self.response = Response(url)
        self.complete = False
        self._size = 0
        self._parser = httptools.HttpResponseParser(self)

    @property
    def ends_with_connection(self) -> bool:
        """Whether the answer says no length (RFC 9112 section 6.3)."""
        return bool(self.response.status) and "content-length" not in self.response.headers

    def feed(self, data: bytes) -> None:
        """Some bytes. Raises ``HttpParserError``."""
        self._size += len(data)
        if self._size > MAX_ANSWER:
            raise httptools.HttpParserError("an answer that is too long")
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            raise httptools.HttpParserError("an upgrade that nobody asked for") from None

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        headers, key = self.response.headers, name.decode("latin-1").lower()
        text = value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text

    def on_headers_complete(self) -> None:
        """The status is known."""
        self.response.status = self._parser.get_status_code()

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self.response.body += body

    def on_message_complete(self) -> None:
        """It is whole."""
        self.complete = True
