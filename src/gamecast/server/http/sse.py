"""Server-sent events that many pages share: each event is rendered once (HTML, section 9.2)."""

from __future__ import annotations

import asyncio
import json
from typing import Any, cast

from starlette.types import Scope

from gamecast.server.http.connection import EXTENSION, HttpConnection
from gamecast.server.http.framing import LAST_CHUNK, http_chunk

_HIGH_WATER = 256 * 1024
_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # nginx would hold events back
    (b"transfer-encoding", b"chunked"),
]


def event(name: str, data: dict[str, Any]) -> bytes:
    """One event with JSON data."""
    return f"event: {name}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n".encode()


class Feed:
    """The pages that listen to one subject."""

    def __init__(self) -> None:
        self._pages: set[_Page] = set()

    def __len__(self) -> int:
        return len(self._pages)

    def serve(self, scope: Scope, first: bytes) -> None:
        """Answer a GET with the first event, and with every later one."""
        connection = cast(HttpConnection, scope["extensions"][EXTENSION])
        page = _Page(self)
        page.transport = connection.take_over(page, 200, _HEADERS, high_water=_HIGH_WATER)
        page.transport.write(http_chunk(b"retry: 1000\n\n" + first))
        self._pages.add(page)

    def send(self, data: bytes) -> None:
        """One event to all pages; one that does not read is dropped (it connects again)."""
        framed = http_chunk(data)
        for page in list(self._pages):
            if page.full:
                page.transport.abort()
            else:
                page.transport.write(framed)

    def close(self) -> None:
        """End all answers."""
        for page in list(self._pages):
            page.transport.write(LAST_CHUNK)
            page.transport.close()

    def drop(self, page: _Page) -> None:
        """The page is gone."""
        self._pages.discard(page)


class _Page:
    """One listening page: it only ever reads."""

    transport: asyncio.Transport

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self.full = False

    def data_received(self, data: bytes) -> None:
        """Noise."""

    def writing_paused(self) -> None:
        """It does not read."""
        self.full = True

    def writing_resumed(self) -> None:
        """It does again."""
        self.full = False

    def closed(self) -> None:
        """It is gone."""
        self._feed.drop(self)
