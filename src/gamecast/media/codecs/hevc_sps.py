"""HEVC sequence parameter sets: size, frame rate, colour, reordering (H.265 7.3.2.2, E.2)."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction

from gamecast.media.codecs.bits import BitReader, unescape
from gamecast.media.codecs.h264_sps import read_video_signal
from gamecast.media.errors import MediaError
from gamecast.media.track import Color

MAX_SIDE = 16_888
"""Luma samples along one side up to level 6.2 (section A.4.1)."""

_EXTENDED_SAR = 255
_MAX_DELTA_POCS = 16


@dataclass(slots=True)
class ProfileTierLevel:
    """The general part of profile_tier_level (section 7.3.3)."""

    profile_space: int = 0
    tier: int = 0
    profile_idc: int = 0
    compatibility: int = 0
    """The 32 general_profile_compatibility_flags, flag 0 in the top bit."""
    constraints: int = 0
    """The 48 bits from general_progressive_source_flag on."""
    level_idc: int = 0


@dataclass(slots=True)
class Sps:
    """A parsed sequence parameter set; the conformance window is applied to the size."""

    profile: ProfileTierLevel
    max_sub_layers: int = 1
    temporal_id_nesting: bool = False
    chroma_format_idc: int = 1
    bit_depth_luma: int = 8
    bit_depth_chroma: int = 8
    width: int = 0
    height: int = 0
    reorder_depth: int = 0
    """sps_max_num_reorder_pics of the highest sub-layer."""
    min_spatial_segmentation: int = 0
    color: Color | None = None
    fps: Fraction | None = None
    _delta_pocs: list[int] = field(default_factory=list)


def parse_sps(unit: bytes) -> Sps:
    """Parse a sequence parameter set NAL unit (its two header bytes included).

    What follows the picture format (reference picture sets, VUI) is taken as absent when it
    makes no sense, for the picture still decodes; anything wrong before raises ``MediaError``.
    """
    if len(unit) < 15 or unit[0] >> 1 & 0x3F != 33:
        raise MediaError("not an HEVC sequence parameter set")
    bits = BitReader(unescape(unit[2:]))
    bits.skip(4)  # sps_video_parameter_set_id
    max_sub_layers = bits.read(3) + 1
    nesting = bits.flag()
    sps = Sps(parse_profile_tier_level(bits, max_sub_layers), max_sub_layers, nesting)
    bits.ue(15)  # sps_seq_parameter_set_id
    _parse_format(bits, sps)
    log2_max_poc_lsb = bits.ue(12) + 4
    _parse_ordering(bits, sps)
    with suppress(MediaError):
        _parse_tail(bits, sps, log2_max_poc_lsb)
    return sps


def parse_profile_tier_level(bits: BitReader, max_sub_layers: int) -> ProfileTierLevel:
    """Read profile_tier_level(1, max_sub_layers - 1)."""
    profile = ProfileTierLevel(
        bits.read(2), bits.read(1), bits.read(5), bits.read(32), bits.read(48), bits.read(8)
    )
    if max_sub_layers > 1:
        present = [(bits.flag(), bits.flag()) for _ in range(8)]
        for has_profile, has_level in present[: max_sub_layers - 1]:
            bits.skip(88 * has_profile + 8 * has_level)
    return profile


def _parse_format(bits: BitReader, sps: Sps) -> None:
    sps.chroma_format_idc = bits.ue(3)
    separate_planes = sps.chroma_format_idc == 3 and bits.flag()
    sps.width, sps.height = bits.ue(MAX_SIDE), bits.ue(MAX_SIDE)
    if bits.flag():  # conformance_window_flag
        left, right, top, bottom = (bits.ue(MAX_SIDE) for _ in range(4))
        chroma = 0 if separate_planes else sps.chroma_format_idc
        sps.width -= (2 if chroma in (1, 2) else 1) * (left + right)
        sps.height -= (2 if chroma == 1 else 1) * (top + bottom)
    if sps.width <= 0 or sps.height <= 0:
        raise MediaError("sequence parameter set gives an impossible picture size")
    sps.bit_depth_luma = 8 + bits.ue(8)
    sps.bit_depth_chroma = 8 + bits.ue(8)


def _parse_ordering(bits: BitReader, sps: Sps) -> None:
    for _ in range(sps.max_sub_layers if bits.flag() else 1):
        bits.ue(15)  # sps_max_dec_pic_buffering_minus1
        sps.reorder_depth = bits.ue(15)
        bits.ue()  # sps_max_latency_increase_plus1


def _parse_tail(bits: BitReader, sps: Sps, log2_max_poc_lsb: int) -> None:
    for _ in range(6):
        bits.ue(32)  # coding block and transform sizes and depths
    if bits.flag() and bits.flag():  # scaling_list_enabled, sps_scaling_list_data_present
        _skip_scaling_lists(bits)
    bits.skip(2)  # amp_enabled_flag, sample_adaptive_offset_enabled_flag
    if bits.flag():  # pcm_enabled_flag
        bits.skip(8)
        bits.ue()
        bits.ue()
        bits.skip(1)
    for index in range(bits.ue(64)):
        _skip_reference_set(bits, sps, index)
    if bits.flag():  # long_term_ref_pics_present_flag
        bits.skip(bits.ue(32) * (log2_max_poc_lsb + 1))
    bits.skip(2)  # sps_temporal_mvp_enabled_flag, strong_intra_smoothing_enabled_flag
    if bits.flag():
        _read_vui(bits, sps)


def _skip_scaling_lists(bits: BitReader) -> None:
    """scaling_list_data() of section 7.3.4."""
    for size in range(4):
        for _ in range(0, 6, 3 if size == 3 else 1):
            if not bits.flag():
                bits.ue()  # scaling_list_pred_matrix_id_delta
                continue
            if size > 1:
                bits.se()  # scaling_list_dc_coef_minus8
            for _ in range(min(64, 1 << (4 + 2 * size))):
                bits.se()


def _skip_reference_set(bits: BitReader, sps: Sps, index: int) -> None:
    """st_ref_pic_set() of section 7.3.7; the count of deltas is all that the next set needs."""
    counts = sps._delta_pocs
    if index and bits.flag():  # inter_ref_pic_set_prediction_flag
        bits.skip(1)  # delta_rps_sign
        bits.ue()
        # use_delta_flag is read only where used_by_curr_pic_flag is 0; either keeps the picture.
        kept = sum([bits.flag() or bits.flag() for _ in range(counts[-1] + 1)])
        counts.append(min(kept, _MAX_DELTA_POCS))
        return
    total = bits.ue(_MAX_DELTA_POCS) + bits.ue(_MAX_DELTA_POCS)
    for _ in range(total):
        bits.ue()
        bits.skip(1)
    counts.append(total)


def _read_vui(bits: BitReader, sps: Sps) -> None:
    if bits.flag() and bits.read(8) == _EXTENDED_SAR:  # aspect_ratio_info_present_flag
        bits.skip(32)
    if bits.flag():  # overscan_info_present_flag
        bits.skip(1)
    sps.color = read_video_signal(bits)
    if bits.flag():  # chroma_loc_info_present_flag
        bits.ue(5)
        bits.ue(5)
    bits.skip(3)  # neutral_chroma_indication, field_seq, frame_field_info_present
    if bits.flag():  # default_display_window_flag: a hint which decoders do not crop by
        for _ in range(4):
            bits.ue()
    if bits.flag():  # vui_timing_info_present_flag
        _read_timing(bits, sps)
    if bits.flag():  # bitstream_restriction_flag
        bits.skip(3)
        sps.min_spatial_segmentation = bits.ue(4095)


def _read_timing(bits: BitReader, sps: Sps) -> None:
    units_in_tick, time_scale = bits.read(32), bits.read(32)
    if units_in_tick and time_scale:
        sps.fps = Fraction(time_scale, units_in_tick)
    if bits.flag():  # vui_poc_proportional_to_timing_flag
        bits.ue()
    if bits.flag():  # vui_hrd_parameters_present_flag
        raise MediaError("hypothetical reference decoder parameters are not read")
