"""AV1: configuration record, OBUs, keyframes (AV1 specification; AV1 in ISOBMFF v1.3).

A packet is a temporal unit in the low-overhead format, every OBU with a size, without temporal
delimiters (``normalise`` makes it so).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from gamecast.media.codecs.av1_sequence import SequenceHeader, parse_sequence_header
from gamecast.media.errors import MediaError
from gamecast.media.track import Color

__all__ = [
    "Av1Config",
    "Obu",
    "ObuType",
    "SequenceHeader",
    "build_av1c",
    "codec_string",
    "find_sequence_header",
    "is_keyframe",
    "iter_obus",
    "normalise",
    "parse_av1c",
    "parse_sequence_header",
]

MAX_OBUS = 1024
"""OBUs in one temporal unit."""


class ObuType(IntEnum):
    """obu_type (section 6.2.2)."""

    SEQUENCE_HEADER = 1
    TEMPORAL_DELIMITER = 2
    FRAME_HEADER = 3
    TILE_GROUP = 4
    METADATA = 5
    FRAME = 6
    REDUNDANT_FRAME_HEADER = 7
    TILE_LIST = 8
    PADDING = 15


_DROPPED = frozenset({ObuType.TEMPORAL_DELIMITER, ObuType.TILE_LIST, ObuType.PADDING})
"""OBUs that a sample should not carry (AV1 in ISOBMFF section 2.4)."""


@dataclass(slots=True)
class Obu:
    """Where one OBU lies in its temporal unit: header from ``start``, payload to ``end``."""

    type: int
    start: int
    payload: int
    end: int
    has_size: bool
    extension: int | None = None
    """The extension byte: temporal_id (3 bits), spatial_id (2 bits), reserved."""


@dataclass(slots=True, frozen=True)
class Av1Config:
    """AV1CodecConfigurationRecord, the body of ``av1C`` (AV1 in ISOBMFF section 2.3.3)."""

    profile: int
    level: int
    tier: int
    bit_depth: int
    monochrome: bool
    subsampling_x: int
    subsampling_y: int
    chroma_sample_position: int
    obus: bytes
    """The sequence header OBU, and perhaps metadata; may be empty."""


def iter_obus(data: bytes) -> Iterator[Obu]:
    """Yield the OBUs of a temporal unit; one without a size reaches to the end.

    Raises ``MediaError`` when one reaches past the end or there are more than ``MAX_OBUS``.
    """
    position, size = 0, len(data)
    for _ in range(MAX_OBUS):
        if position == size:
            return
        obu = _read_obu(data, position)
        position = obu.end
        if position > size:
            raise MediaError("OBU reaches past the end of its temporal unit")
        yield obu
    if position != size:
        raise MediaError(f"temporal unit of more than {MAX_OBUS} OBUs")


def _read_obu(data: bytes, start: int) -> Obu:
    first = data[start]
    position = start + 1
    extension = None
    if first & 0x04:
        if position >= len(data):
            raise MediaError("OBU header is cut short")
        extension = data[position]
        position += 1
    has_size = first & 0x02 != 0
    end = len(data)
    if has_size:
        length, position = read_leb128(data, position)
        end = position + length
    return Obu(first >> 3 & 0x0F, start, position, end, has_size, extension)


def read_leb128(data: bytes, position: int) -> tuple[int, int]:
    """Return an unsigned LEB128 number and the position behind it (section 4.10.5)."""
    value = 0
    for index, byte in enumerate(data[position : position + 8]):
        value |= (byte & 0x7F) << (7 * index)
        if not byte & 0x80:
            return value, position + index + 1
    raise MediaError("LEB128 number is cut short or longer than 8 bytes")


def write_leb128(value: int) -> bytes:
    """Return ``value`` as the shortest LEB128 number."""
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def normalise(data: bytes) -> bytes:
    """Return a temporal unit with sizes everywhere and without delimiters, padding, tile lists.

    The same object where it is so already. This also checks the framing.
    """
    obus = list(iter_obus(data))
    if all(obu.has_size and obu.type not in _DROPPED for obu in obus):
        return data
    return b"".join([_sized(data, obu) for obu in obus if obu.type not in _DROPPED])


def _sized(data: bytes, obu: Obu) -> bytes:
    if obu.has_size:
        return data[obu.start : obu.end]
    head = bytes((data[obu.start] | 0x02,))
    if obu.extension is not None:
        head += bytes((obu.extension,))
    return head + write_leb128(obu.end - obu.payload) + data[obu.payload : obu.end]


def find_sequence_header(data: bytes) -> bytes | None:
    """Return the first sequence header OBU of a temporal unit, with a size; ``None`` without."""
    for obu in iter_obus(data):
        if obu.type == ObuType.SEQUENCE_HEADER:
            return _sized(data, obu)
    return None


def sequence_header(obus: bytes) -> SequenceHeader | None:
    """Parse the first sequence header among ``obus``; ``None`` where there is none."""
    for obu in iter_obus(obus):
        if obu.type == ObuType.SEQUENCE_HEADER:
            return parse_sequence_header(obus[obu.payload : obu.end])
    return None


def parse_av1c(data: bytes) -> Av1Config:
    """Parse an ``av1C`` body."""
    if len(data) < 4 or data[0] != 0x81:
        raise MediaError("av1C is too short or not of version 1")
    flags = data[2]
    depth = 12 if flags & 0x20 and flags & 0x40 else 10 if flags & 0x40 else 8
    return Av1Config(
        profile=data[1] >> 5,
        level=data[1] & 0x1F,
        tier=flags >> 7,
        bit_depth=depth,
        monochrome=flags & 0x10 != 0,
        subsampling_x=flags >> 3 & 1,
        subsampling_y=flags >> 2 & 1,
        chroma_sample_position=flags & 3,
        obus=data[4:],
    )


def build_av1c(obus: bytes) -> bytes:
    """Build an ``av1C`` body from a sequence header OBU (or a temporal unit that holds one)."""
    unit = find_sequence_header(obus)
    header = sequence_header(unit) if unit else None
    if unit is None or header is None:
        raise MediaError("av1C needs a sequence header")
    flags = (
        header.tier << 7
        | (header.bit_depth > 8) << 6
        | (header.bit_depth == 12) << 5
        | header.monochrome << 4
        | header.subsampling_x << 3
        | header.subsampling_y << 2
        | header.chroma_sample_position
    )
    return bytes((0x81, header.profile << 5 | header.level, flags, 0)) + unit


def codec_string(config: Av1Config, color: Color | None = None) -> str:
    """AV1 in ISOBMFF section 5: ``av01.P.LLT.DD``, with the colour part where it is not usual."""
    tier = "H" if config.tier else "M"
    head = f"av01.{config.profile}.{config.level:02d}{tier}.{config.bit_depth:02d}"
    chroma = f"{config.subsampling_x}{config.subsampling_y}{config.chroma_sample_position}"
    usual_color = color is None or (
        color.transfer in (1, 2) and color.primaries in (1, 2) and not color.full_range
    )
    if usual_color and not config.monochrome and chroma[:2] == "11":
        return head
    color = color or Color(1, 1, 1)
    points = f"{color.primaries:02d}.{color.transfer:02d}.{color.matrix:02d}"
    return f"{head}.{config.monochrome:d}.{chroma}.{points}.{color.full_range:d}"


def is_keyframe(data: bytes) -> bool:
    """Whether a temporal unit begins with a shown key frame (uncompressed_header, 5.9.2)."""
    for obu in iter_obus(data):
        if obu.type in (ObuType.FRAME, ObuType.FRAME_HEADER):
            if obu.payload >= obu.end:
                raise MediaError("frame header OBU is empty")
            # show_existing_frame = 0, frame_type = KEY_FRAME, show_frame = 1
            return data[obu.payload] & 0xF0 == 0x10
    return False
