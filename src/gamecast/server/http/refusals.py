"""What the connection refuses by itself: requests whose header no application should see.

RFC 9112 section 3.2 (one Host) and RFC 6585 section 5 (431). Every refusal ends its connection.
"""

from __future__ import annotations

from typing import Any

from starlette.responses import PlainTextResponse
from uvicorn._types import HTTPScope
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

HEADER_TOO_LARGE = b"request header too large"
_refuse_header: Any = PlainTextResponse(HEADER_TOO_LARGE, 431, {"connection": "close"})
_refuse_host: Any = PlainTextResponse("one Host header, please", 400, {"connection": "close"})


def application_for(scope: HTTPScope, app: Any, *, max_header_bytes: int) -> Any:
    """``app``, or the one that refuses this request."""
    if _header_size(scope) > max_header_bytes:
        return _refuse_header
    return app if _names_one_host(scope) else _refuse_host


def refusal(status: int, reason: bytes, *lines: bytes) -> bytes:
    """A whole answer in plain text; ``lines`` are header lines without their CRLF."""
    head = [
        STATUS_LINE[status].removesuffix(b"\r\n"),
        b"content-type: text/plain",
        b"content-length: %d" % len(reason),
        b"connection: close",
        *lines,
    ]
    return b"%s\r\n\r\n%s" % (b"\r\n".join(head), reason)


def _header_size(scope: HTTPScope) -> int:
    fields = sum(len(name) + len(value) + 4 for name, value in scope["headers"])
    return fields + len(scope["raw_path"]) + len(scope["query_string"])


def _names_one_host(scope: HTTPScope) -> bool:
    """RFC 9112 section 3.2: none or several are 400, as a proxy might choose another than we."""
    hosts = sum(name == b"host" for name, _ in scope["headers"])
    return hosts == 1 or (hosts == 0 and scope["http_version"] == "1.0")
