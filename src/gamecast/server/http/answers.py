"""Answers that a connection gives by itself: made once, the same bytes for everybody who asks.

No task, no scope and no response object per request: what the application would answer is rendered
once, by the application's own functions, and every connection writes that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from starlette.responses import Response
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

Headers = Sequence[tuple[bytes, bytes]]

_JOINED = 64 * 1024
"""Bytes of a body up to which it is copied behind its head, for one buffer less per connection."""


class Answer:
    """A whole answer to any number of GETs of HTTP/1.1 connections that stay open."""

    def __init__(self, response: Response, headers: Mapping[str, str]) -> None:
        """``headers`` are added where the response has none of that name (CORS)."""
        for name, value in headers.items():
            response.headers.setdefault(name, value)
        self._start = STATUS_LINE[response.status_code]
        self._lines = _lines(response.raw_headers)
        self._body = bytes(response.body)
        self._defaults: Headers | None = None
        self._wire: Sequence[bytes] = ()

    def wire(self, defaults: Headers) -> Sequence[bytes]:
        """The bytes, with the server's default headers (Date) in front: the same objects for all.

        ``defaults`` is not changed in place, but replaced by another list.
        """
        if defaults is not self._defaults:
            self._defaults = defaults
            head = b"".join([self._start, _lines(defaults), self._lines, b"\r\n"])
            joined = len(self._body) <= _JOINED
            self._wire = [head + self._body] if joined else [head, self._body]
        return self._wire


def _lines(headers: Headers) -> bytes:
    return b"".join([b"%s: %s\r\n" % header for header in headers])


Give = Callable[[Answer], None]


class Pending(Protocol):
    """An answer that does not exist yet."""

    def start(self, give: Give) -> None:
        """Call ``give`` once, later: when the answer exists, or never will."""

    def stop(self) -> None:
        """Nobody waits any more. Does nothing once ``give`` was called."""


class Ready(Protocol):
    """Knows the answers to some requests without asking the application."""

    def find(self, url: bytes, headers: Headers, address: str) -> Answer | Pending | None:
        """The answer to a GET of an HTTP/1.1 connection that stays open; ``None`` if unknown."""


class Parked(RequestResponseCycle):
    """Stands where uvicorn looks for the request that is being answered, while that is pending.

    So requests behind it wait for their turn. It has no scope, no body and no task.
    """

    def __init__(self, pending: Pending) -> None:
        # The base's would make all that an application needs; this is what uvicorn looks at.
        self.pending = pending
        self.response_started = self.response_complete = False
        self.keep_alive = True
        self.disconnected = False
        self.message_event = _NOBODY


_NOBODY = asyncio.Event()
"""For who waits for the body of a parked request: it has none."""
