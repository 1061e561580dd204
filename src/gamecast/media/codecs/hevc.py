"""HEVC: configuration record, NAL unit types, keyframes (ITU-T H.265, ISO/IEC 14496-15 8.3).

Access units here have 4-byte lengths (``gamecast.media.codecs.nal``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from gamecast.media.codecs.bits import BitReader
from gamecast.media.codecs.hevc_sps import (
    ProfileTierLevel,
    Sps,
    parse_profile_tier_level,
    parse_sps,
)
from gamecast.media.codecs.nal import nal_ranges
from gamecast.media.errors import MediaError

__all__ = [
    "HevcConfig",
    "NalType",
    "Sps",
    "build_hvcc",
    "codec_string",
    "is_keyframe",
    "is_reference",
    "nal_type",
    "parse_hvcc",
    "parse_sps",
]

_MAX_ARRAYS = 16
_MAX_UNITS = 64
_LAST_SUB_LAYER_TYPE = 14
"""Even types up to this one are sub-layer non-reference pictures (section 7.4.2.2)."""


class NalType(IntEnum):
    """nal_unit_type (table 7-1), those that we name."""

    BLA_W_LP = 16
    IDR_W_RADL = 19
    IDR_N_LP = 20
    CRA = 21
    RSV_IRAP_23 = 23
    VPS = 32
    SPS = 33
    PPS = 34
    AUD = 35
    END_OF_SEQUENCE = 36
    END_OF_BITSTREAM = 37
    FILLER = 38
    PREFIX_SEI = 39
    SUFFIX_SEI = 40


@dataclass(slots=True, frozen=True)
class HevcConfig:
    """HEVCDecoderConfigurationRecord, the body of ``hvcC`` (ISO/IEC 14496-15 section 8.3.3.1)."""

    profile: ProfileTierLevel
    length_size: int
    vps: tuple[bytes, ...]
    sps: tuple[bytes, ...]
    pps: tuple[bytes, ...]
    sei: tuple[bytes, ...] = ()


def nal_type(unit: bytes) -> int:
    """Return the type of a NAL unit that is not empty."""
    return unit[0] >> 1 & 0x3F


def parse_hvcc(data: bytes) -> HevcConfig:
    """Parse an ``hvcC`` body; ``MediaError`` when it is cut short or lacks an SPS or PPS."""
    if len(data) < 23 or data[0] != 1:
        raise MediaError("hvcC is too short or not of version 1")
    length_size = (data[21] & 3) + 1
    if length_size == 3:
        raise MediaError("hvcC asks for 3-byte NAL unit lengths, which the standard forbids")
    profile = parse_profile_tier_level(BitReader(data[1:13]), 1)
    sets = _read_arrays(data)
    if not sets[NalType.SPS] or not sets[NalType.PPS]:
        raise MediaError("hvcC without a sequence or a picture parameter set")
    vps, sps, pps = (tuple(sets[kind]) for kind in (NalType.VPS, NalType.SPS, NalType.PPS))
    sei = tuple(sets[NalType.PREFIX_SEI] + sets[NalType.SUFFIX_SEI])
    return HevcConfig(profile, length_size, vps, sps, pps, sei)


def _read_arrays(data: bytes) -> dict[int, list[bytes]]:
    """Return the NAL units of every array by type; arrays of other types are passed over."""
    kinds = (NalType.VPS, NalType.SPS, NalType.PPS, NalType.PREFIX_SEI, NalType.SUFFIX_SEI)
    sets: dict[int, list[bytes]] = {kind: [] for kind in kinds}
    bits = BitReader(data[22:])
    total = 0
    for _ in range(min(bits.read(8), _MAX_ARRAYS)):
        kind = bits.read(8) & 0x3F
        count = bits.read(16)
        total += count
        if total > _MAX_UNITS:
            raise MediaError(f"hvcC of more than {_MAX_UNITS} NAL units")
        units = [bits.read_bytes(bits.read(16)) for _ in range(count)]
        sets.get(kind, []).extend([unit for unit in units if unit])
    return sets


def build_hvcc(vps: Sequence[bytes], sps: Sequence[bytes], pps: Sequence[bytes]) -> bytes:
    """Build an ``hvcC`` body with 4-byte lengths from NAL units; ``MediaError`` on a bad SPS.

    The arrays are marked complete, as the sample entry ``hvc1`` asks.
    """
    if not sps or not pps or len(vps) + len(sps) + len(pps) > _MAX_UNITS:
        raise MediaError("hvcC takes at least one SPS and PPS, and 64 parameter sets at most")
    arrays = [(NalType.VPS, vps), (NalType.SPS, sps), (NalType.PPS, pps)]
    present = [_write_array(kind, units) for kind, units in arrays if units]
    return b"".join([_record_head(parse_sps(sps[0])), bytes((len(present),)), *present])


def _record_head(sps: Sps) -> bytes:
    profile = sps.profile
    first = profile.profile_space << 6 | profile.tier << 5 | profile.profile_idc
    nesting = sps.temporal_id_nesting
    return b"".join(
        (
            bytes((1, first)),
            profile.compatibility.to_bytes(4, "big"),
            profile.constraints.to_bytes(6, "big"),
            bytes((profile.level_idc,)),
            (0xF000 | sps.min_spatial_segmentation).to_bytes(2, "big"),
            bytes((0xFC,)),  # parallelismType 0: unknown
            bytes((0xFC | sps.chroma_format_idc,)),
            bytes((0xF8 | min(sps.bit_depth_luma - 8, 7),)),
            bytes((0xF8 | min(sps.bit_depth_chroma - 8, 7),)),
            bytes((0, 0)),  # avgFrameRate 0: unspecified
            bytes((sps.max_sub_layers << 3 | nesting << 2 | 3,)),
        )
    )


def _write_array(kind: NalType, units: Sequence[bytes]) -> bytes:
    if any(len(unit) > 0xFFFF for unit in units):
        raise MediaError("parameter set is longer than 65535 bytes")
    head = bytes((0x80 | kind,)) + len(units).to_bytes(2, "big")
    return head + b"".join([len(unit).to_bytes(2, "big") + unit for unit in units])


def codec_string(profile: ProfileTierLevel) -> str:
    """ISO/IEC 14496-15 section E.3: ``hvc1.``, profile, compatibility, tier, level, constraints."""
    space = ("", "A", "B", "C")[profile.profile_space]
    compatibility = int(f"{profile.compatibility:032b}"[::-1], 2)
    constraints = profile.constraints.to_bytes(6, "big").rstrip(b"\x00")
    head = f"hvc1.{space}{profile.profile_idc}.{compatibility:X}"
    level = f"{'H' if profile.tier else 'L'}{profile.level_idc}"
    return ".".join([head, level, *[f"{byte:X}" for byte in constraints]])


def is_keyframe(data: bytes) -> bool:
    """Whether an access unit is an IRAP picture: IDR, CRA or BLA (section 3.68)."""
    for start, _ in nal_ranges(data):
        kind = data[start] >> 1 & 0x3F
        if kind < NalType.VPS:
            return NalType.BLA_W_LP <= kind <= NalType.RSV_IRAP_23
    return False


def is_reference(data: bytes) -> bool:
    """Whether other pictures of its sub-layer may refer to this one; if not, it may go.

    The type does not tell whether a higher temporal sub-layer refers to it. Encoders with
    sub-layers (x265 is tested) mark as non-reference only what nothing refers to.
    """
    for start, _ in nal_ranges(data):
        kind = data[start] >> 1 & 0x3F
        if kind < NalType.VPS:
            return kind > _LAST_SUB_LAYER_TYPE or kind % 2 == 1
    return True
