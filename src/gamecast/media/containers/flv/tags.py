"""FLV file framing: the file header and tags with their back pointers.

Source: Adobe, "Video File Format Specification" version 10.1, sections E.2 to E.4.1.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from gamecast.media.containers.flv.fourcc import TagType
from gamecast.media.errors import MediaError

MAX_TAG_BODY = (8 << 20) + 32
"""Bytes in one tag: a frame of 8 MiB and its header. The format itself allows 16 MiB."""
_MAX_HEADER = 1024
_KNOWN_TYPES = frozenset(TagType)


@dataclass(slots=True)
class Tag:
    """One FLV tag, which is what one RTMP message carries."""

    type: int
    timestamp: int
    """Milliseconds, 0 to 2**32 - 1."""
    payload: bytes


def file_header(*, has_audio: bool, has_video: bool) -> bytes:
    """The nine bytes of the file header and PreviousTagSize0 (sections E.2 and E.3)."""
    flags = (0x04 if has_audio else 0) | (0x01 if has_video else 0)
    return struct.pack(">3sBBII", b"FLV", 1, flags, 9, 0)


def encode_tag(tag_type: int, timestamp: int, payload: bytes) -> bytes:
    """A tag with the PreviousTagSize behind it; ``timestamp`` in milliseconds, taken mod 2**32.

    Raises ``ValueError`` when the payload does not fit into 24 bits of length.
    """
    size = len(payload)
    if size >= 1 << 24:
        raise ValueError(f"an FLV tag cannot hold {size} bytes")
    # Section E.4.1: 24 low bits of the timestamp come first, the 8 high bits after them.
    head = struct.pack(
        ">IIBHB",
        tag_type << 24 | size,
        (timestamp & 0xFFFFFF) << 8 | timestamp >> 24 & 0xFF,
        0,
        0,
        0,
    )[:11]
    return b"".join((head, payload, (size + 11).to_bytes(4, "big")))


class FlvDemuxer:
    """Cuts the bytes of an FLV file or of an HTTP-FLV response into tags.

    Feed it with :meth:`receive_data`. Tags of unknown type are passed over, encrypted ones (the
    filter bit) refused. Raises :class:`MediaError` on bytes that are no FLV and on tags over
    ``MAX_TAG_BODY``; it is of no further use then.
    """

    __slots__ = ("_buffer", "_header_size", "has_audio", "has_video")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._header_size = 0
        self.has_audio = False
        self.has_video = False

    def receive_data(self, data: bytes) -> list[Tag]:
        """Take more bytes and return the tags that are now complete."""
        self._buffer += data
        position = 0
        if self._header_size == 0:
            position = self._read_header()
            if position == 0:
                return []
        tags, position = self._read_tags(position)
        del self._buffer[:position]
        return tags

    def _read_header(self) -> int:
        buffer = self._buffer
        if not b"FLV\x01".startswith(bytes(buffer[:4])):
            raise MediaError("not an FLV file of version 1")
        if len(buffer) < 9:
            return 0
        size = int.from_bytes(buffer[5:9], "big")
        if not 9 <= size <= _MAX_HEADER:
            raise MediaError("bad FLV file header")
        if len(buffer) < size + 4:
            return 0
        self._header_size = size
        self.has_audio, self.has_video = bool(buffer[4] & 4), bool(buffer[4] & 1)
        return size + 4

    def _read_tags(self, position: int) -> tuple[list[Tag], int]:
        buffer = self._buffer
        tags: list[Tag] = []
        while len(buffer) - position >= 11:
            kind = buffer[position] & 0x3F
            size = int.from_bytes(buffer[position + 1 : position + 4], "big")
            if size > MAX_TAG_BODY:
                raise MediaError(f"FLV tag of {size} bytes")
            if kind & 0x20:
                raise MediaError("encrypted FLV tag")
            end = position + 11 + size
            if len(buffer) < end + 4:
                break
            if kind in _KNOWN_TYPES:
                low = int.from_bytes(buffer[position + 4 : position + 7], "big")
                timestamp = buffer[position + 7] << 24 | low
                tags.append(Tag(kind, timestamp, bytes(buffer[position + 11 : end])))
            position = end + 4
        return tags, position


def read_file_tags(data: bytes) -> Iterator[Tag]:
    """Yield the complete tags of an FLV file; raises :class:`MediaError` where it is none."""
    yield from FlvDemuxer().receive_data(data)
