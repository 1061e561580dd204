"""Answers that lie ready: parts and segments of HLS without a task, a scope and a response object.

Half of what LL-HLS players ask for is a part that exists. Its bytes are shared, its head is the
same for everybody; so all that is left per request is to find it. What is not plain (a query, a
range, a piece that is still being made) goes the usual way, to the application.
"""

from __future__ import annotations

from collections.abc import Sequence

from gamecast.relay.directory import Directory
from gamecast.server.hls import KEY, HlsRendition
from gamecast.server.http.hls import FOREVER, MEDIA_TYPE, PIECE

Headers = Sequence[tuple[bytes, bytes]]

_PREFIX = b"/live/"
_SPECIAL = {b"range", b"connection", b"expect", b"upgrade", b"transfer-encoding", b"content-length"}
"""Headers of requests that are not answered here."""


class ReadyPieces:
    """Finds the whole answer to a GET for a piece of a stream that is on air."""

    def __init__(self, directory: Directory, headers: dict[str, str]) -> None:
        """``headers`` go into every answer (CORS)."""
        self._directory = directory
        lines = {"content-type": MEDIA_TYPE, "cache-control": FOREVER, **headers}
        self._lines = "".join(f"{name}: {value}\r\n" for name, value in lines.items()).encode()

    def find(self, url: bytes, headers: Headers, address: str) -> tuple[bytes, bytes] | None:
        """Header lines that end the head, and the body; ``None`` to ask the application."""
        if not url.startswith(_PREFIX):
            return None
        name, _, file = url[len(_PREFIX) :].decode("latin-1").partition("/")
        match = PIECE.fullmatch(file)
        stream = self._directory.get(name) if match is not None else None
        if match is None or stream is None or match["msn"] is None:
            return None
        agent = _user_agent(headers)
        rendition = stream.find_rendition(KEY)
        if agent is None or not isinstance(rendition, HlsRendition):
            return None
        if rendition.epoch != match["epoch"]:
            return None
        data = rendition.piece(int(match["msn"]), int(match["part"]) if match["part"] else None)
        if data is None:
            return None
        rendition.seen(hash((address, agent)))
        return b"content-length: %d\r\n%s\r\n" % (len(data), self._lines), data


def _user_agent(headers: Headers) -> str | None:
    """Of a plain request; ``None`` if it has anything in it that changes the answer."""
    hosts, agent = 0, ""
    for name, value in headers:
        if name in _SPECIAL:
            return None
        if name == b"host":
            hosts += 1
        elif name == b"user-agent":
            agent = value.decode("latin-1")
    return agent if hosts == 1 else None
