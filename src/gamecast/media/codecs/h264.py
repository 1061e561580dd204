"""H.264: configuration record, NAL unit types, keyframes (ITU-T H.264, ISO/IEC 14496-15 5.3).

Access units here have 4-byte lengths (``gamecast.media.codecs.nal``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

from gamecast.media.codecs.bits import BitReader, unescape
from gamecast.media.codecs.h264_sps import HIGH_PROFILES, Sps, parse_sps
from gamecast.media.codecs.nal import nal_ranges
from gamecast.media.errors import MediaError

__all__ = [
    "AvcConfig",
    "NalType",
    "SliceType",
    "Sps",
    "build_avcc",
    "codec_string",
    "has_recovery_point",
    "is_keyframe",
    "is_reference",
    "is_timing_sei",
    "parse_avcc",
    "parse_sps",
    "slice_type",
]

_RECOVERY_POINT = 6
"""SEI payload type (section D.1.8)."""
_TIMING = frozenset({0, 1, 3})
"""SEI payload types: buffering_period, pic_timing, filler_payload (D.1.2 to D.1.4)."""
_SLICE_HEADER_BYTES = 16
"""first_mb_in_slice and slice_type are two ue(v) of at most 8 bytes together."""


class NalType(IntEnum):
    """nal_unit_type (table 7-1)."""

    SLICE = 1
    PARTITION_A = 2
    IDR = 5
    SEI = 6
    SPS = 7
    PPS = 8
    AUD = 9
    END_OF_SEQUENCE = 10
    END_OF_STREAM = 11
    FILLER = 12
    SPS_EXTENSION = 13


class SliceType(IntEnum):
    """slice_type modulo 5 (table 7-6)."""

    P = 0
    B = 1
    I = 2  # noqa: E741 - the name that the standard gives it
    SP = 3
    SI = 4


@dataclass(slots=True, frozen=True)
class AvcConfig:
    """AVCDecoderConfigurationRecord, the body of ``avcC`` (ISO/IEC 14496-15 section 5.3.3.1)."""

    profile_idc: int
    constraints: int
    level_idc: int
    length_size: int
    sps: tuple[bytes, ...]
    pps: tuple[bytes, ...]
    sps_extensions: tuple[bytes, ...] = ()


def parse_avcc(data: bytes) -> AvcConfig:
    """Parse an ``avcC`` body; ``MediaError`` when it is cut short or has no parameter set.

    The high-profile bytes at the end are optional, for many encoders leave them out.
    """
    if len(data) < 7 or data[0] != 1:
        raise MediaError("avcC is too short or not of version 1")
    length_size = (data[4] & 3) + 1
    if length_size == 3:
        raise MediaError("avcC asks for 3-byte NAL unit lengths, which the standard forbids")
    sps, position = _read_sets(data, 6, data[5] & 0x1F)
    if position >= len(data):
        raise MediaError("avcC ends before its picture parameter sets")
    pps, position = _read_sets(data, position + 1, data[position])
    if not sps or not pps:
        raise MediaError("avcC without a sequence or a picture parameter set")
    extensions: tuple[bytes, ...] = ()
    if data[1] in HIGH_PROFILES and len(data) >= position + 4:
        extensions, position = _read_sets(data, position + 4, data[position + 3])
    return AvcConfig(data[1], data[2], data[3], length_size, sps, pps, extensions)


def _read_sets(data: bytes, position: int, count: int) -> tuple[tuple[bytes, ...], int]:
    sets = []
    for _ in range(count):
        start = position + 2
        position = start + int.from_bytes(data[position:start], "big")
        if start > len(data) or position > len(data):
            raise MediaError("parameter set reaches past the end of avcC")
        if position > start:
            sets.append(data[start:position])
    return tuple(sets), position


def build_avcc(
    sps: Sequence[bytes], pps: Sequence[bytes], sps_extensions: Sequence[bytes] = ()
) -> bytes:
    """Build an ``avcC`` body with 4-byte lengths from NAL units; ``MediaError`` on a bad SPS."""
    if not sps or not pps or len(sps) > 31 or len(pps) > 255:
        raise MediaError("avcC takes 1 to 31 sequence and 1 to 255 picture parameter sets")
    first = parse_sps(sps[0])
    head = bytes((1, first.profile_idc, first.constraints, first.level_idc, 0xFF, 0xE0 | len(sps)))
    parts = [head, _write_sets(sps), bytes((len(pps),)), _write_sets(pps)]
    if first.profile_idc in HIGH_PROFILES:
        parts.append(_high_profile_bytes(first, len(sps_extensions)))
        parts.append(_write_sets(sps_extensions))
    return b"".join(parts)


def _high_profile_bytes(sps: Sps, extensions: int) -> bytes:
    return bytes(
        (
            0xFC | sps.chroma_format_idc,
            0xF8 | (sps.bit_depth_luma - 8),
            0xF8 | (sps.bit_depth_chroma - 8),
            extensions,
        )
    )


def _write_sets(sets: Sequence[bytes]) -> bytes:
    if any(len(unit) > 0xFFFF for unit in sets):
        raise MediaError("parameter set is longer than 65535 bytes")
    return b"".join([part for unit in sets for part in (len(unit).to_bytes(2, "big"), unit)])


def codec_string(config: AvcConfig) -> str:
    """RFC 6381 section 3.3: ``avc1.`` and profile, constraints and level in hexadecimal.

    The bytes come from the SPS, for some encoders write others into the record's head.
    """
    if len(config.sps[0]) < 4:
        raise MediaError("sequence parameter set is cut short")
    profile, constraints, level = config.sps[0][1:4]
    return f"avc1.{profile:02x}{constraints:02x}{level:02x}"


def is_keyframe(data: bytes) -> bool:
    """Whether an access unit is an IDR picture.

    A picture with a recovery point (``has_recovery_point``) is no keyframe: decoders may start
    there, but MP4 calls it no sync sample of type 1 and browsers refuse to begin with it.
    """
    for start, _ in nal_ranges(data):
        kind = data[start] & 0x1F
        if kind == NalType.IDR:
            return True
        if kind == NalType.SLICE:
            return False
    return False


def is_reference(data: bytes) -> bool:
    """Whether other pictures may refer to this one (nal_ref_idc is not 0); if not, it may go."""
    for start, _ in nal_ranges(data):
        if 1 <= data[start] & 0x1F <= NalType.IDR:
            return data[start] & 0x60 != 0
    return True


def has_recovery_point(data: bytes) -> bool:
    """Whether a recovery point SEI stands in front of the picture (open GOP, intra refresh)."""
    for start, end in nal_ranges(data):
        kind = data[start] & 0x1F
        if kind == NalType.SEI and _has_sei(unescape(data[start + 1 : end]), _RECOVERY_POINT):
            return True
        if 1 <= kind <= NalType.IDR:
            return False
    return False


def is_timing_sei(sei: bytes) -> bool:
    """Whether a SEI NAL unit, without its header, only tells a decoder's buffer when to do what.

    The payload types are those of HEVC, too.
    """
    kinds = set(_sei_kinds(unescape(sei)))
    return bool(kinds) and kinds <= _TIMING


def _has_sei(rbsp: bytes, wanted: int) -> bool:
    return wanted in _sei_kinds(rbsp)


def _sei_kinds(rbsp: bytes) -> Iterator[int]:
    """The payload type of each whole message (section 7.3.2.3.1); -1 for one that is cut off."""
    position = 0
    while position + 2 < len(rbsp):  # at least the trailing bits follow a message
        kind, position = _sei_number(rbsp, position)
        size, position = _sei_number(rbsp, position)
        position += size
        yield kind if position <= len(rbsp) else -1


def _sei_number(rbsp: bytes, position: int) -> tuple[int, int]:
    """Read a number of 0xFF bytes and a last one (section 7.3.2.3.1)."""
    value = 0
    while position < len(rbsp):
        value += rbsp[position]
        position += 1
        if rbsp[position - 1] != 0xFF:
            break
    return value, position


def slice_type(unit: bytes) -> SliceType | None:
    """Return the type of a slice NAL unit, ``None`` for a NAL unit that is no slice."""
    if not unit or unit[0] & 0x1F not in (NalType.SLICE, NalType.PARTITION_A, NalType.IDR):
        return None
    bits = BitReader(unescape(unit[1:_SLICE_HEADER_BYTES]))
    bits.ue()  # first_mb_in_slice
    return SliceType(bits.ue(9) % 5)
