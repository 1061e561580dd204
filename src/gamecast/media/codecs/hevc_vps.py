"""HEVC video parameter sets: the frame rate where the SPS has none (ITU-T H.265 7.3.2.1)."""

from __future__ import annotations

from fractions import Fraction

from gamecast.media.codecs.bits import BitReader, unescape
from gamecast.media.codecs.hevc_sps import parse_profile_tier_level
from gamecast.media.errors import MediaError


def parse_vps_fps(unit: bytes) -> Fraction | None:
    """Return the frame rate that a VPS NAL unit gives (header included), ``None`` without."""
    if len(unit) < 4 or unit[0] >> 1 & 0x3F != 32:
        raise MediaError("not an HEVC video parameter set")
    bits = BitReader(unescape(unit[2:]))
    bits.skip(4 + 2 + 6)  # id, base layer flags, vps_max_layers_minus1
    max_sub_layers = bits.read(3) + 1
    bits.skip(1 + 16)  # vps_temporal_id_nesting_flag, vps_reserved_0xffff_16bits
    parse_profile_tier_level(bits, max_sub_layers)
    for _ in range(max_sub_layers if bits.flag() else 1):
        bits.ue()
        bits.ue()
        bits.ue()
    max_layer_id = bits.read(6)
    bits.skip(bits.ue(1023) * (max_layer_id + 1))
    if not bits.flag():  # vps_timing_info_present_flag
        return None
    units_in_tick, time_scale = bits.read(32), bits.read(32)
    return Fraction(time_scale, units_in_tick) if units_in_tick and time_scale else None
