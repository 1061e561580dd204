"""AV1 sequence header: profile, level, size, frame rate, colour (AV1 specification section 5.5)."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from gamecast.media.codecs.bits import BitReader
from gamecast.media.errors import MediaError
from gamecast.media.track import Color

_SELECT = 2
"""SELECT_SCREEN_CONTENT_TOOLS and SELECT_INTEGER_MV: the frame decides."""
_SRGB = (1, 13, 0)
"""BT.709 primaries, sRGB transfer, identity matrix: the code points that imply 4:4:4."""


@dataclass(slots=True)
class SequenceHeader:
    """What a sequence header OBU says."""

    profile: int = 0
    reduced_still_picture: bool = False
    level: int = 0
    tier: int = 0
    width: int = 0
    height: int = 0
    fps: Fraction | None = None
    bit_depth: int = 8
    monochrome: bool = False
    subsampling_x: int = 1
    subsampling_y: int = 1
    chroma_sample_position: int = 0
    color: Color = field(default_factory=Color)


def parse_sequence_header(payload: bytes) -> SequenceHeader:
    """Parse the payload of a sequence header OBU (after its header and size)."""
    bits = BitReader(payload)
    header = SequenceHeader(profile=bits.read(3))
    if header.profile > 2:
        raise MediaError(f"AV1 profile {header.profile} does not exist")
    bits.skip(1)  # still_picture
    header.reduced_still_picture = bits.flag()
    if header.reduced_still_picture:
        header.level = bits.read(5)
    else:
        _parse_operating_points(bits, header)
    _parse_size(bits, header)
    _skip_tools(bits, header.reduced_still_picture)
    _parse_color(bits, header)
    return header


def _parse_operating_points(bits: BitReader, header: SequenceHeader) -> None:
    decoder_model, delay_length = False, 0
    if bits.flag():  # timing_info_present_flag
        header.fps = _parse_timing(bits)
        decoder_model = bits.flag()
        if decoder_model:
            delay_length = bits.read(5) + 1
            bits.skip(32 + 5 + 5)
    delay_present = bits.flag()  # initial_display_delay_present_flag
    for index in range(bits.read(5) + 1):
        bits.skip(12)  # operating_point_idc
        level = bits.read(5)
        tier = bits.read(1) if level > 7 else 0
        if decoder_model and bits.flag():
            bits.skip(2 * delay_length + 1)
        if delay_present and bits.flag():
            bits.skip(4)
        if index == 0:
            header.level, header.tier = level, tier


def _parse_timing(bits: BitReader) -> Fraction | None:
    """timing_info() of section 5.5.3; a frame rate only where pictures are equally spaced."""
    units, time_scale = bits.read(32), bits.read(32)
    if not bits.flag():  # equal_picture_interval
        return None
    ticks = _read_uvlc(bits) + 1
    return Fraction(time_scale, units * ticks) if units and time_scale else None


def _read_uvlc(bits: BitReader) -> int:
    """uvlc() of section 4.10.3: Exp-Golomb in which 32 zeros stand for the largest value."""
    zeros = 0
    while not bits.flag():
        zeros += 1
        if zeros >= 32:
            raise MediaError("AV1 variable length number is longer than 32 bits")
    return (1 << zeros) - 1 + bits.read(zeros)


def _parse_size(bits: BitReader, header: SequenceHeader) -> None:
    width_bits, height_bits = bits.read(4) + 1, bits.read(4) + 1
    header.width, header.height = bits.read(width_bits) + 1, bits.read(height_bits) + 1
    if not header.reduced_still_picture and bits.flag():  # frame_id_numbers_present_flag
        bits.skip(7)


def _skip_tools(bits: BitReader, reduced_still_picture: bool) -> None:
    bits.skip(3)  # use_128x128_superblock, enable_filter_intra, enable_intra_edge_filter
    if not reduced_still_picture:
        bits.skip(4)  # interintra, masked compound, warped motion, dual filter
        if bits.flag():  # enable_order_hint
            bits.skip(2)
            _skip_screen_content(bits)
            bits.skip(3)  # order_hint_bits_minus_1
        else:
            _skip_screen_content(bits)
    bits.skip(3)  # enable_superres, enable_cdef, enable_restoration


def _skip_screen_content(bits: BitReader) -> None:
    force_tools = _SELECT if bits.flag() else bits.read(1)
    if force_tools > 0 and not bits.flag():  # seq_choose_integer_mv
        bits.skip(1)


def _parse_color(bits: BitReader, header: SequenceHeader) -> None:
    """color_config() of section 5.5.2."""
    high_depth = bits.flag()
    if header.profile == 2 and high_depth:
        header.bit_depth = 12 if bits.flag() else 10
    else:
        header.bit_depth = 10 if high_depth else 8
    header.monochrome = header.profile != 1 and bits.flag()
    description = (bits.read(8), bits.read(8), bits.read(8)) if bits.flag() else (2, 2, 2)
    if not header.monochrome and description == _SRGB:
        header.color = Color(*description, full_range=True)
        header.subsampling_x = header.subsampling_y = 0
        return
    header.color = Color(*description, full_range=bits.flag())
    if not header.monochrome:
        _parse_subsampling(bits, header)


def _parse_subsampling(bits: BitReader, header: SequenceHeader) -> None:
    if header.profile == 1:
        header.subsampling_x = header.subsampling_y = 0
    elif header.profile == 2 and header.bit_depth == 12:
        header.subsampling_x = bits.read(1)
        header.subsampling_y = bits.read(1) if header.subsampling_x else 0
    elif header.profile == 2:
        header.subsampling_y = 0
    if header.subsampling_x and header.subsampling_y:
        header.chroma_sample_position = bits.read(2)
