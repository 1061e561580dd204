"""Framings that all viewers of a lane share: HTTP/1.1 chunks and WebSocket messages.

Server-to-client WebSocket frames are not masked (RFC 6455 section 5.1), so one frame serves all.
"""

from __future__ import annotations

LAST_CHUNK = b"0\r\n\r\n"
"""Ends a chunked body (RFC 9112 section 7.1)."""


def http_chunk(data: bytes) -> bytes:
    """One chunk of a chunked body (RFC 9112 section 7.1)."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def websocket_binary(data: bytes) -> bytes:
    """One unfragmented binary message (RFC 6455 section 5.2)."""
    size = len(data)
    if size < 126:
        return b"\x82" + size.to_bytes(1, "big") + data
    if size < 65_536:
        return b"\x82\x7e" + size.to_bytes(2, "big") + data
    return b"\x82\x7f" + size.to_bytes(8, "big") + data
