"""ISO base media file format boxes: building them and walking through them (14496-12, 4.2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gamecast.media.errors import MediaError

MAX_BOXES = 10_000
"""Boxes on one level that :func:`iter_boxes` yields before it gives up."""


def box(kind: bytes, *parts: bytes) -> bytes:
    """A box of type ``kind`` (four bytes) around ``parts``."""
    size = 8 + sum([len(part) for part in parts])
    return b"".join((size.to_bytes(4, "big"), kind, *parts))


def full_box(kind: bytes, version: int, flags: int, *parts: bytes) -> bytes:
    """A box that begins with a version and 24 bits of flags."""
    return box(kind, (version << 24 | flags).to_bytes(4, "big"), *parts)


@dataclass(slots=True)
class Box:
    """Where a box lies: header from ``start``, content from ``content`` to ``end``."""

    kind: bytes
    start: int
    content: int
    end: int


def iter_boxes(data: bytes, start: int = 0, end: int | None = None) -> Iterator[Box]:
    """Yield the boxes of ``data[start:end]``, one level deep.

    Raises :class:`MediaError` when a box reaches past the end or there are over ``MAX_BOXES``.
    """
    end = len(data) if end is None else end
    for _ in range(MAX_BOXES):
        if start == end:
            return
        found = _read(data, start, end)
        yield found
        start = found.end
    raise MediaError("too many boxes")


def _read(data: bytes, start: int, end: int) -> Box:
    if end - start < 8:
        raise MediaError("box header is cut short")
    size = int.from_bytes(data[start : start + 4], "big")
    content = start + 8
    if size == 1:
        content += 8
        size = int.from_bytes(data[start + 8 : content], "big")
    elif size == 0:
        size = end - start
    if size < content - start or start + size > end:
        raise MediaError("box reaches past the end")
    return Box(data[start + 4 : start + 8], start, content, start + size)


def find_boxes(data: bytes, *path: bytes) -> list[Box]:
    """Every box at ``path``, for example ``b"moov", b"trak"``; raises :class:`MediaError`."""
    spans = [(0, len(data))]
    found: list[Box] = []
    for kind in path:
        found = [inner for span in spans for inner in iter_boxes(data, *span) if inner.kind == kind]
        spans = [(inner.content, inner.end) for inner in found]
    return found
