from __future__ import annotations

from contextlib import suppress
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gamecast.media.codecs import hevc
from gamecast.media.codecs.hevc_vps import parse_vps_fps
from gamecast.media.errors import MediaError
from tests.media.codecs.samples import config, configs, mutated
from tests.media.codecs.test_bits import escape, golomb, pack
from tests.media.codecs.test_hevc_sps import PROFILE

ALL_VPS = [hevc.parse_hvcc(sample.config).vps[0] for sample in configs("hevc")]


def test_the_frame_rate_that_ffmpeg_puts_here() -> None:
    parsed = hevc.parse_hvcc(config("hevc vps timing"))
    assert parse_vps_fps(parsed.vps[0]) == hevc.parse_sps(parsed.sps[0]).fps == 25


def test_x265_leaves_it_to_the_sps() -> None:
    assert parse_vps_fps(hevc.parse_hvcc(config("hevc layers")).vps[0]) is None


def build(timing: str) -> bytes:
    head = "0000" + "11" + "000000" + "000" + "1" + "1" * 16
    ordering = "1" + golomb(4) + golomb(2) + golomb(0)
    layer_sets = f"{1:06b}" + golomb(2) + "11" * 2
    return b"\x40\x01" + escape(pack(head + PROFILE + ordering + layer_sets + timing + "1"))


def test_timing_behind_layer_sets() -> None:
    timing = "1" + f"{1001:032b}{30000:032b}"
    assert parse_vps_fps(build(timing)) == Fraction(30000, 1001)
    assert parse_vps_fps(build("1" + "0" * 64)) is None


@pytest.mark.parametrize("unit", [b"", b"\x42\x01\x0c\x01", ALL_VPS[0][:10]])
def test_what_is_no_whole_vps_is_refused(unit: bytes) -> None:
    with pytest.raises(MediaError):
        parse_vps_fps(unit)


@settings(max_examples=100)
@given(mutated(ALL_VPS) | st.binary(max_size=60).map(lambda tail: b"\x40\x01" + tail))
def test_any_vps_is_parsed_or_refused(unit: bytes) -> None:
    with suppress(MediaError):
        fps = parse_vps_fps(unit)
        assert fps is None or fps > 0
