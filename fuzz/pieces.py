"""How one input of a fuzzer stands for many messages."""

from __future__ import annotations

from collections.abc import Iterator


def pieces(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Cut into messages: a kind, a length of two bytes, so much content."""
    at = 0
    while at + 3 <= len(data):
        end = at + 3 + int.from_bytes(data[at + 1 : at + 3], "big")
        yield data[at], data[at + 3 : end]
        at = end


def piece(kind: int, content: bytes) -> bytes:
    """One message as :func:`pieces` reads it."""
    return bytes([kind]) + len(content).to_bytes(2, "big") + content
