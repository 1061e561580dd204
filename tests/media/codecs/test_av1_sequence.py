from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gamecast.media.codecs import av1
from gamecast.media.codecs.av1_sequence import SequenceHeader, parse_sequence_header
from gamecast.media.errors import MediaError
from gamecast.media.track import Color
from tests.media.codecs.samples import Sample, config, configs, mutated
from tests.media.codecs.test_bits import pack

SAMPLES = [sample for sample in configs("av1") if len(sample.config) > 4]


def header_of(record: bytes) -> SequenceHeader:
    header = av1.sequence_header(av1.parse_av1c(record).obus)
    assert header is not None
    return header


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_ffprobe_agrees(sample: Sample) -> None:
    header, probe = header_of(sample.config), sample.probe
    assert (header.width, header.height) == (probe["width"], probe["height"])
    assert ("Main", "High", "Professional")[header.profile] == probe["profile"]
    assert header.level == probe["level"]
    pixels = probe["pix_fmt"]
    assert header.bit_depth == (12 if "12" in pixels else 10 if "10" in pixels else 8)
    assert header.monochrome == (pixels == "gray")
    assert header.color.full_range == (probe["color_range"] == "pc")
    planar = {"yuv444p": (0, 0), "gbrp": (0, 0), "yuv422p12le": (1, 0)}
    assert (header.subsampling_x, header.subsampling_y) == planar.get(pixels, (1, 1))


def test_colour() -> None:
    assert header_of(config("av1 hdr")).color == Color(9, 16, 9, False)
    assert header_of(config("av1 bt709")).color == Color(1, 1, 1, False)
    assert header_of(config("av1 gbr")).color == Color(1, 13, 0, True)
    assert header_of(config("av1 svt")).color == Color(2, 2, 2, False)


SIZE = "1011" + "1010" + f"{1919:012b}" + f"{1079:011b}" + "0"
TOOLS = "000" + "0000" + "1" + "00" + "1" + "1" + "110" + "011"
COLOR = "0" + "0" + "0" + "0" + "00"


def test_timing_decoder_model_and_operating_points() -> None:
    timing = "1" + f"{1001:032b}{60000:032b}" + "1" + "010" + "0"  # two ticks per picture
    model = "1" + f"{9:05b}" + "0" * 42
    points = f"{1:05b}" + ("0" * 12 + f"{13:05b}" + "1" + "1" + "0" * 21 + "1" + "0000") * 2
    bits = "000" + "0" + "0" + timing[:-1] + model + "1" + points + SIZE + TOOLS + COLOR
    header = parse_sequence_header(pack(bits))
    assert header.fps == Fraction(60000, 2002)
    assert (header.level, header.tier, header.width, header.height) == (13, 1, 1920, 1080)


def test_unequal_spacing_is_no_frame_rate() -> None:
    timing = "1" + f"{1:032b}{60:032b}" + "0" + "0"
    bits = "000" + "0" + "0" + timing + "0" + "00000" + "0" * 12 + "00100" + SIZE + TOOLS + COLOR
    header = parse_sequence_header(pack(bits))
    assert (header.fps, header.level, header.width) == (None, 4, 1920)


def test_reduced_still_picture() -> None:
    header = parse_sequence_header(pack("000" + "1" + "1" + "00101" + SIZE[:-1] + "0" * 6 + COLOR))
    assert (header.reduced_still_picture, header.level, header.width) == (True, 5, 1920)


def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(MediaError, match="profile 3"):
        parse_sequence_header(b"\x60" + bytes(20))


@settings(max_examples=200)
@given(mutated([sample.config[6:] for sample in SAMPLES]) | st.binary(max_size=48))
def test_any_sequence_header_is_parsed_or_refused(payload: bytes) -> None:
    try:
        header = parse_sequence_header(payload)
    except MediaError:
        return
    assert 0 < header.width <= 65536
    assert 0 < header.height <= 65536
    assert header.fps is None or header.fps > 0
