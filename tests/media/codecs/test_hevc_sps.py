from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gamecast.media.codecs import hevc
from gamecast.media.codecs.hevc_sps import MAX_SIDE, parse_sps
from gamecast.media.errors import MediaError
from gamecast.media.track import Color
from tests.media.codecs.samples import Sample, config, configs, mutated
from tests.media.codecs.test_bits import escape, golomb, pack

SAMPLES = configs("hevc")
ALL_SPS = [hevc.parse_hvcc(sample.config).sps[0] for sample in SAMPLES]


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_ffprobe_agrees(sample: Sample) -> None:
    sps = parse_sps(hevc.parse_hvcc(sample.config).sps[0])
    probe = sample.probe
    assert (sps.width, sps.height) == (probe["width"], probe["height"])
    assert sps.profile.level_idc == probe["level"]
    assert {1: "Main", 2: "Main 10", 4: "Rext"}[sps.profile.profile_idc] == probe["profile"]
    assert sps.reorder_depth == probe["has_b_frames"]
    depth = 10 if "10le" in probe["pix_fmt"] else 8
    assert (sps.bit_depth_luma, sps.bit_depth_chroma) == (depth, depth)
    assert sps.fps == Fraction(probe["r_frame_rate"])


def test_colour_behind_reference_sets_and_scaling_lists() -> None:
    hdr = parse_sps(hevc.parse_hvcc(config("hevc hdr")).sps[0])
    assert hdr.color == Color(9, 16, 9, False)
    bt709 = parse_sps(hevc.parse_hvcc(config("hevc bt709 hrd")).sps[0])
    assert bt709.color == Color(1, 1, 1, False)


def test_sub_layers() -> None:
    sps = parse_sps(hevc.parse_hvcc(config("hevc layers")).sps[0])
    assert sps.max_sub_layers == 3


PROFILE = "00000001" + f"{0x60000000:032b}" + f"{0xB00000000000:048b}" + f"{93:08b}"


def build(*, layers: int = 1, crop: str = "0", tail: str = "") -> bytes:
    """An SPS by hand: 1920x1088 coded; ``tail`` is what follows the sub-layer ordering."""
    bits = f"0000{layers - 1:03b}1" + PROFILE
    if layers > 1:
        bits += "11" * (layers - 1) + "00" * (9 - layers) + "0" * 96 * (layers - 1)
    bits += golomb(0) + golomb(1) + golomb(1920) + golomb(1088) + crop
    bits += golomb(0) + golomb(0) + golomb(4)
    bits += "1" + "".join(golomb(4) + golomb(depth) + golomb(0) for depth in range(layers))
    return b"\x42\x01" + escape(pack(bits + tail + "1"))


BLOCKS = golomb(0) * 6


def reference_sets() -> str:
    """An explicit set of 2 + 1 pictures and one predicted from it."""
    explicit = golomb(2) + golomb(1) + (golomb(0) + "1") * 3
    predicted = "1" + "0" + golomb(0) + "1" + "01" + "00" + "1"
    return golomb(2) + explicit + predicted


def vui(timing: str) -> str:
    color = "1" + "101" + "1" + "1" + f"{1:08b}{13:08b}{1:08b}"
    return "1" + "0" + "0" + color + "0" + "000" + "0" + timing


def test_everything_before_the_vui_is_passed_over() -> None:
    scaling = "11" + "".join(
        "0" + golomb(0) if matrix % 2 else "1" + (golomb(1) if size > 1 else "")
        + golomb(0) * min(64, 1 << (4 + 2 * size))
        for size in range(4)
        for matrix in range(0, 6, 3 if size == 3 else 1)
    )  # fmt: skip
    pulse_code = "1" + "0" * 8 + golomb(0) + golomb(0) + "0"
    long_term = "1" + golomb(2) + ("0" * 8 + "1") * 2
    timing = "1" + f"{1001:032b}{60000:032b}" + "0" + "0"
    tail = BLOCKS + scaling + "00" + pulse_code + reference_sets() + long_term + "00"
    sps = parse_sps(build(tail=tail + vui(timing)))
    assert sps.fps == Fraction(60000, 1001)
    assert sps.color == Color(1, 13, 1, True)


def test_sub_layer_levels_are_passed_over_and_the_highest_layer_counts() -> None:
    tail = BLOCKS + "0" + "00" + "0" + golomb(0) + "0" + "00" + "0"
    sps = parse_sps(build(layers=4, tail=tail))
    assert (sps.width, sps.reorder_depth, sps.max_sub_layers) == (1920, 3, 4)


def test_a_broken_tail_keeps_what_came_before_it() -> None:
    sps = parse_sps(build(tail=BLOCKS + "0" + "00" + "0" + golomb(65)))
    assert (sps.width, sps.height, sps.fps, sps.color) == (1920, 1088, None, None)


def test_conformance_window() -> None:
    crop = "1" + golomb(0) + golomb(277) + golomb(0) + golomb(160)
    sps = parse_sps(build(crop=crop, tail=BLOCKS))
    assert (sps.width, sps.height) == (1366, 768)


@pytest.mark.parametrize(
    "unit",
    [
        b"",
        b"\x42\x01\x01",
        b"\x44" + ALL_SPS[0][1:],
        ALL_SPS[0][:20],
        b"\x42\x01" + bytes(60),
        build(crop="1" + golomb(480) + golomb(480) + golomb(0) * 2),
    ],
)
def test_an_impossible_parameter_set_is_refused(unit: bytes) -> None:
    with pytest.raises(MediaError):
        parse_sps(unit)


@settings(max_examples=300)
@given(mutated(ALL_SPS) | st.binary(max_size=80).map(lambda tail: b"\x42\x01" + tail))
def test_any_parameter_set_is_parsed_within_bounds_or_refused(unit: bytes) -> None:
    try:
        sps = parse_sps(unit)
    except MediaError:
        return
    assert 0 < sps.width <= MAX_SIDE
    assert 0 < sps.height <= MAX_SIDE
    assert 0 <= sps.reorder_depth <= 15
    assert sps.fps is None or sps.fps > 0
