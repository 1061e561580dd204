from __future__ import annotations

from contextlib import suppress
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gamecast.media.codecs import flac
from gamecast.media.errors import MediaError
from tests.media.codecs.samples import Sample, configs, mutated

SAMPLES = configs("flac")
BLOCK = SAMPLES[0].config


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_ffprobe_agrees(sample: Sample) -> None:
    info = flac.parse_stream_info(sample.config)
    assert info.sample_rate == int(sample.probe["sample_rate"])
    assert info.channels == sample.probe["channels"]
    assert info.bits_per_sample == (24 if sample.name == "flac 96" else 16)
    assert info.samples_per_frame == info.sample_rate * Fraction(sample.frame_seconds)
    assert flac.frame_samples(sample.frame) == info.samples_per_frame


def test_the_block_is_found_bare_behind_its_header_and_in_a_file() -> None:
    framed = b"\x80\x00\x00\x22" + BLOCK
    for data in (BLOCK, framed, b"fLaC" + framed, b"fLaC\x00\x00\x00\x22" + BLOCK + b"\x84more"):
        assert flac.find_stream_info(data) == BLOCK


@pytest.mark.parametrize("data", [b"", BLOCK[:33], b"fLaC", b"fLaC\x00\x00\x00\x22" + BLOCK[:33]])
def test_a_block_cut_short_is_refused(data: bytes) -> None:
    with pytest.raises(MediaError):
        flac.find_stream_info(data)


def test_a_block_of_no_use_is_refused() -> None:
    with pytest.raises(MediaError, match="sample rate"):
        flac.parse_stream_info(bytes(34))
    with pytest.raises(MediaError, match="cut short"):
        flac.parse_stream_info(BLOCK[:20])


def test_varying_block_sizes_give_no_frame_length() -> None:
    assert flac.parse_stream_info(b"\x00\x10" + BLOCK[2:]).samples_per_frame == 0


@pytest.mark.parametrize(
    ("code", "tail", "samples"),
    [(1, "00", 192), (2, "00", 576), (5, "00", 4608), (8, "00", 256), (15, "00", 32768),
     (6, "05ef", 240), (7, "0503e7", 1000), (7, "c28003e7", 1000), (6, "fe8080808080807f", 128)],
)  # fmt: skip
def test_block_sizes_of_frame_headers(code: int, tail: str, samples: int) -> None:
    """RFC 9639 section 9.1.1 and, for the bytes behind the coded number, 9.1.5 and 9.1.6."""
    header = bytes((0xFF, 0xF8, code << 4 | 9, 0x18)) + bytes.fromhex(tail) + b"\x00\x00"
    assert flac.frame_samples(header) == samples


@pytest.mark.parametrize(
    "header",
    [b"", b"\xff\xf8\x19\x18\x00", b"\xff\xf0\x19\x18\x00\x00", b"\xff\xf8\x09\x18\x00\x00",
     b"\xff\xf8\x69\x18\xfe\x80", b"\xff\xf8\x69\x18\x80\x00", b"\xff\xf8\x69\x18\xff\x00"],
)  # fmt: skip
def test_a_broken_frame_is_refused(header: bytes) -> None:
    with pytest.raises(MediaError):
        flac.frame_samples(header)


@given(mutated([BLOCK, SAMPLES[1].frame]) | st.binary(max_size=50))
def test_any_bytes_are_parsed_or_refused(data: bytes) -> None:
    with suppress(MediaError):
        assert flac.parse_stream_info(flac.find_stream_info(data)).channels <= 8
    with suppress(MediaError):
        assert 0 < flac.frame_samples(data) <= 65536
