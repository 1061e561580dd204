"""H.264 sequence parameter sets: size, frame rate, colour, reordering (H.264 7.3.2.1, E.1)."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction

from gamecast.media.codecs.bits import BitReader, unescape
from gamecast.media.errors import MediaError
from gamecast.media.track import Color

MAX_SIDE = 16_888
"""Luma samples along one side that any level allows (section A.3.1 h: sqrt(139264 * 8) * 16)."""
HIGH_PROFILES = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})
"""Profiles whose parameter sets carry chroma format and bit depth (section 7.3.2.1.1)."""

_INTRA_PROFILES = frozenset({44, 86, 100, 110, 122, 244})
_EXTENDED_SAR = 255
_MAX_DPB_MBS = {
    9: 396, 10: 396, 11: 900, 12: 2376, 13: 2376, 20: 2376, 21: 4752, 22: 8100, 30: 8100,
    31: 18000, 32: 20480, 40: 32768, 41: 32768, 42: 34816, 50: 110400, 51: 184320, 52: 184320,
    60: 696320, 61: 696320, 62: 696320,
}  # fmt: skip
"""MaxDpbMbs by level_idc (table A-1)."""


@dataclass(slots=True)
class Vui:
    """What we use of the video usability information (Annex E)."""

    color: Color | None = None
    fps: Fraction | None = None
    max_num_reorder_frames: int | None = None
    sample_aspect: tuple[int, int] = (1, 1)


@dataclass(slots=True)
class Sps:
    """A parsed sequence parameter set; ``width`` and ``height`` are after cropping."""

    profile_idc: int
    constraints: int
    """The byte of constraint_set flags, as ``avcC`` and the codec string carry it."""
    level_idc: int
    chroma_format_idc: int = 1
    bit_depth_luma: int = 8
    bit_depth_chroma: int = 8
    pic_order_cnt_type: int = 0
    log2_max_frame_num: int = 4
    separate_colour_plane: bool = False
    max_num_ref_frames: int = 0
    frame_mbs_only: bool = True
    coded_size: tuple[int, int] = (0, 0)
    width: int = 0
    height: int = 0
    vui: Vui = field(default_factory=Vui)

    @property
    def reorder_depth(self) -> int:
        """Frames that output may lag decoding: max_num_reorder_frames, inferred where absent.

        Section E.2.1: MaxDpbFrames unless the profile is an intra one. Baseline has no B slices
        (A.2.1) and picture order count type 2 forbids reordering (8.2.1.3), so both give 0.
        """
        if self.profile_idc == 66 or self.pic_order_cnt_type == 2:
            return 0
        if self.vui.max_num_reorder_frames is not None:
            return self.vui.max_num_reorder_frames
        if self.profile_idc in _INTRA_PROFILES and self.constraints & 0x10:
            return 0
        return self._max_dpb_frames()

    def _max_dpb_frames(self) -> int:
        macroblocks = (self.coded_size[0] // 16) * (self.coded_size[1] // 16)
        return min(_MAX_DPB_MBS.get(self.level_idc, 696320) // max(macroblocks, 1), 16)


def parse_sps(unit: bytes) -> Sps:
    """Parse a sequence parameter set NAL unit (its header byte included).

    A VUI that is cut short or makes no sense is treated as absent, for the picture still
    decodes; anything wrong before it raises ``MediaError``.
    """
    if len(unit) < 4 or unit[0] & 0x1F != 7:
        raise MediaError("not an H.264 sequence parameter set")
    bits = BitReader(unescape(unit[1:]))
    sps = Sps(profile_idc=bits.read(8), constraints=bits.read(8), level_idc=bits.read(8))
    bits.ue(31)  # seq_parameter_set_id
    if sps.profile_idc in HIGH_PROFILES:
        _parse_high_profile(bits, sps)
    sps.log2_max_frame_num = bits.ue(12) + 4
    _parse_pic_order_cnt(bits, sps)
    sps.max_num_ref_frames = bits.ue(16)
    bits.skip(1)  # gaps_in_frame_num_value_allowed_flag
    _parse_size(bits, sps)
    if bits.remaining and bits.flag():
        sps.vui = _parse_vui(bits)
    return sps


def _parse_high_profile(bits: BitReader, sps: Sps) -> None:
    sps.chroma_format_idc = bits.ue(3)
    if sps.chroma_format_idc == 3:
        sps.separate_colour_plane = bits.flag()
    sps.bit_depth_luma = 8 + bits.ue(6)
    sps.bit_depth_chroma = 8 + bits.ue(6)
    bits.skip(1)  # qpprime_y_zero_transform_bypass_flag
    if bits.flag():
        for index in range(12 if sps.chroma_format_idc == 3 else 8):
            if bits.flag():
                _skip_scaling_list(bits, 16 if index < 6 else 64)


def _skip_scaling_list(bits: BitReader, size: int) -> None:
    last_scale = 8
    for _ in range(size):
        last_scale = (last_scale + bits.se()) % 256
        if last_scale == 0:
            return


def _parse_pic_order_cnt(bits: BitReader, sps: Sps) -> None:
    sps.pic_order_cnt_type = bits.ue(2)
    if sps.pic_order_cnt_type == 0:
        bits.ue(12)  # log2_max_pic_order_cnt_lsb_minus4
    elif sps.pic_order_cnt_type == 1:
        bits.skip(1)  # delta_pic_order_always_zero_flag
        bits.se()
        bits.se()
        for _ in range(bits.ue(255)):  # num_ref_frames_in_pic_order_cnt_cycle
            bits.se()


def _parse_size(bits: BitReader, sps: Sps) -> None:
    width = (bits.ue(MAX_SIDE // 16 - 1) + 1) * 16
    map_units = bits.ue(MAX_SIDE // 16 - 1) + 1
    sps.frame_mbs_only = bits.flag()
    height = map_units * 16 * (1 if sps.frame_mbs_only else 2)
    if not sps.frame_mbs_only:
        bits.skip(1)  # mb_adaptive_frame_field_flag
    bits.skip(1)  # direct_8x8_inference_flag
    left, right, top, bottom = _parse_cropping(bits)
    chroma = 0 if sps.separate_colour_plane else sps.chroma_format_idc
    unit_x = 2 if chroma in (1, 2) else 1
    unit_y = (2 if chroma == 1 else 1) * (1 if sps.frame_mbs_only else 2)
    sps.coded_size = (width, height)
    sps.width = width - unit_x * (left + right)
    sps.height = height - unit_y * (top + bottom)
    if sps.width <= 0 or sps.height <= 0 or height > MAX_SIDE:
        raise MediaError("sequence parameter set gives an impossible picture size")


def _parse_cropping(bits: BitReader) -> tuple[int, int, int, int]:
    if not bits.flag():
        return 0, 0, 0, 0
    return bits.ue(MAX_SIDE), bits.ue(MAX_SIDE), bits.ue(MAX_SIDE), bits.ue(MAX_SIDE)


def _parse_vui(bits: BitReader) -> Vui:
    vui = Vui()
    with suppress(MediaError):
        _read_vui(bits, vui)
    return vui


def _read_vui(bits: BitReader, vui: Vui) -> None:
    if bits.flag() and bits.read(8) == _EXTENDED_SAR:  # aspect_ratio_info_present_flag
        vui.sample_aspect = (bits.read(16), bits.read(16))
    if bits.flag():  # overscan_info_present_flag
        bits.skip(1)
    vui.color = read_video_signal(bits)
    if bits.flag():  # chroma_loc_info_present_flag
        bits.ue(5)
        bits.ue(5)
    if bits.flag():  # timing_info_present_flag
        units_in_tick, time_scale = bits.read(32), bits.read(32)
        bits.skip(1)  # fixed_frame_rate_flag
        if units_in_tick and time_scale:
            vui.fps = Fraction(time_scale, 2 * units_in_tick)
    hrd_flags = [_skip_hrd(bits), _skip_hrd(bits)]  # nal, vcl
    if any(hrd_flags):
        bits.skip(1)  # low_delay_hrd_flag
    bits.skip(1)  # pic_struct_present_flag
    if bits.flag():  # bitstream_restriction_flag
        vui.max_num_reorder_frames = _read_reorder_frames(bits)


def read_video_signal(bits: BitReader) -> Color | None:
    """Read video_signal_type_present_flag and what follows it (same in H.264 and HEVC)."""
    if not bits.flag():
        return None
    bits.skip(3)  # video_format
    full_range = bits.flag()
    if not bits.flag():  # colour_description_present_flag
        return Color(full_range=full_range)
    return Color(bits.read(8), bits.read(8), bits.read(8), full_range)


def _skip_hrd(bits: BitReader) -> bool:
    if not bits.flag():
        return False
    count = bits.ue(31) + 1
    bits.skip(8)  # bit_rate_scale, cpb_size_scale
    for _ in range(count):
        bits.ue()
        bits.ue()
        bits.skip(1)
    bits.skip(20)
    return True


def _read_reorder_frames(bits: BitReader) -> int:
    bits.skip(1)  # motion_vectors_over_pic_boundaries_flag
    for _ in range(4):
        bits.ue()  # max_bytes_per_pic_denom .. log2_max_mv_length_vertical
    return bits.ue(16)
