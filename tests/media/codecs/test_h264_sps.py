from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gamecast.media.codecs import h264
from gamecast.media.codecs.h264_sps import MAX_SIDE, Sps, parse_sps
from gamecast.media.errors import MediaError
from tests.media.codecs.samples import Sample, configs, mutated
from tests.media.codecs.test_bits import escape, golomb, pack

SAMPLES = configs("h264")
ALL_SPS = [h264.parse_avcc(sample.config).sps[0] for sample in SAMPLES]
PROFILES = {
    66: "Constrained Baseline",
    77: "Main",
    100: "High",
    110: "High 10",
    122: "High 4:2:2",
    244: "High 4:4:4 Predictive",
}


def profile_name(sps: Sps) -> str:
    name = PROFILES[sps.profile_idc]
    return f"{name} Intra" if sps.constraints & 0x10 and sps.profile_idc >= 110 else name


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_ffprobe_agrees(sample: Sample) -> None:
    sps = parse_sps(h264.parse_avcc(sample.config).sps[0])
    probe = sample.probe
    assert (sps.width, sps.height) == (probe["width"], probe["height"])
    assert (profile_name(sps), sps.level_idc) == (probe["profile"], probe["level"])
    assert sps.reorder_depth == probe["has_b_frames"]
    depth = 10 if "10le" in probe["pix_fmt"] else 8
    assert (sps.bit_depth_luma, sps.bit_depth_chroma) == (depth, depth)
    if "openh264" not in sample.name:  # that one writes no timing
        assert sps.vui.fps == Fraction(probe["r_frame_rate"])


def test_chroma_formats_and_interlacing() -> None:
    by_name = {str(s): parse_sps(h264.parse_avcc(s.config).sps[0]) for s in SAMPLES}
    formats = {name: by_name[f"h264 {name}"].chroma_format_idc
               for name in ("gray", "high 10", "high 4:2:2", "high 4:4:4")}  # fmt: skip
    assert formats == {"gray": 0, "high 10": 1, "high 4:2:2": 2, "high 4:4:4": 3}
    assert not by_name["h264 interlaced"].frame_mbs_only
    assert by_name["h264 interlaced"].coded_size == (1920, 1088)
    assert by_name["h264 anamorphic"].vui.sample_aspect == (64, 45)


def build(
    *,
    profile: int = 77,
    constraints: int = 0,
    level: int = 40,
    poc: str = golomb(0) + golomb(0),
    size: tuple[int, int] = (120, 68),
    crop: tuple[int, int, int, int] | None = None,
    vui: str = "0",
) -> bytes:
    """An SPS by hand; ``size`` in macroblocks."""
    bits = f"{profile:08b}{constraints:08b}{level:08b}" + golomb(0)
    if profile >= 100:
        bits += golomb(1) + golomb(0) + golomb(0) + "00"
    bits += golomb(0) + poc + golomb(4) + "0"
    bits += golomb(size[0] - 1) + golomb(size[1] - 1) + "1" + "1"
    bits += "0" if crop is None else "1" + "".join(golomb(side) for side in crop)
    return b"\x67" + escape(pack(bits + vui + "1"))


def test_without_vui_the_decoded_picture_buffer_bounds_the_reordering() -> None:
    sps = parse_sps(build())
    assert (sps.width, sps.height, sps.vui.fps, sps.vui.color) == (1920, 1088, None, None)
    assert sps.reorder_depth == 32768 // (120 * 68) == 4
    assert parse_sps(build(size=(20, 12))).reorder_depth == 16  # never more


def test_what_cannot_reorder_has_depth_0_without_vui() -> None:
    assert parse_sps(build(profile=66)).reorder_depth == 0
    assert parse_sps(build(poc=golomb(2))).reorder_depth == 0
    assert parse_sps(build(profile=100, constraints=0x10)).reorder_depth == 0
    assert parse_sps(build(profile=100)).reorder_depth == 4


def test_picture_order_cycle_of_255_frames() -> None:
    poc = golomb(1) + "0" + golomb(2) + golomb(1) + golomb(255) + golomb(6) * 255
    assert parse_sps(build(poc=poc)).width == 1920
    with pytest.raises(MediaError):
        parse_sps(build(poc=poc.replace(golomb(255), golomb(256), 1)))


def test_vui_timing_of_0_is_no_frame_rate() -> None:
    timing = "0000" + "1" + "0" * 64 + "1"
    assert parse_sps(build(vui="1" + timing + "000" + "0")).vui.fps is None


def test_a_vui_cut_short_keeps_what_came_before_it() -> None:
    sps = parse_sps(build(vui="1" + "1"))
    assert (sps.width, sps.vui.fps) == (1920, None)


def test_hrd_parameters_are_passed_over() -> None:
    hrd = "1" + golomb(1) + "00000000" + (golomb(70000) + golomb(9) + "0") * 2 + "0" * 20
    restriction = "1" + "1" + golomb(0) * 2 + golomb(10) * 2 + golomb(3) + golomb(4)
    sps = parse_sps(build(vui="1" + "00000" + hrd + "0" + "0" + "0" + restriction))
    assert sps.reorder_depth == 3


@pytest.mark.parametrize(
    "unit",
    [
        b"",
        b"\x67",
        b"\x67\x64\x00",
        b"\x68\x64\x00\x1e\xac",
        b"\x67\x64\x00\x1e" + bytes(40),
        build(crop=(600, 600, 0, 0)),
        build(crop=(0, 0, 272, 272)),
        build(size=(MAX_SIDE // 16 + 1, 10)),
        build(size=(0xFFFF, 0xFFFF)),
    ],
)
def test_an_impossible_parameter_set_is_refused(unit: bytes) -> None:
    with pytest.raises(MediaError):
        parse_sps(unit)


@settings(max_examples=300)
@given(mutated(ALL_SPS) | st.binary(max_size=80).map(lambda tail: b"\x67" + tail))
def test_any_parameter_set_is_parsed_within_bounds_or_refused(unit: bytes) -> None:
    try:
        sps = parse_sps(unit)
    except MediaError:
        return
    assert 0 < sps.width <= MAX_SIDE
    assert 0 < sps.height <= MAX_SIDE
    assert 0 <= sps.reorder_depth <= 16
    assert sps.vui.fps is None or sps.vui.fps > 0
