"""VP8: keyframe test and size from the frame tag (RFC 6386 section 9.1)."""

from __future__ import annotations

from gamecast.media.errors import MediaError

_START_CODE = b"\x9d\x01\x2a"


def is_keyframe(data: bytes) -> bool:
    """Whether a frame is a key frame: the lowest bit of its tag is 0."""
    if len(data) < 3:
        raise MediaError("VP8 frame is cut short")
    return data[0] & 1 == 0


def frame_size(data: bytes) -> tuple[int, int]:
    """Return width and height of a key frame; ``MediaError`` for any other."""
    if len(data) < 10 or data[0] & 1 or data[3:6] != _START_CODE:
        raise MediaError("not a VP8 key frame")
    width = int.from_bytes(data[6:8], "little") & 0x3FFF
    height = int.from_bytes(data[8:10], "little") & 0x3FFF
    if not width or not height:
        raise MediaError("VP8 key frame without a size")
    return width, height
