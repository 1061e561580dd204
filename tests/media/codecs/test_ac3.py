from __future__ import annotations

from contextlib import suppress
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gamecast.media.codecs import ac3
from gamecast.media.errors import MediaError
from tests.media.codecs.samples import Sample, configs, mutated

SAMPLES = configs("ac3", "eac3")
FRAME = SAMPLES[0].frame


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_ffprobe_agrees(sample: Sample) -> None:
    header = ac3.parse_frame_header(sample.frame)
    assert header.enhanced == (sample.codec == "eac3")
    assert header.sample_rate == int(sample.probe["sample_rate"])
    assert header.channels == sample.probe["channels"]
    assert header.samples == header.sample_rate * Fraction(sample.frame_seconds)


def test_half_rates() -> None:
    assert ac3.parse_frame_header(bytes.fromhex("0b77000014484000")).sample_rate == 24000
    enhanced = ac3.parse_frame_header(bytes.fromhex("0b770000c4800000"))
    assert (enhanced.sample_rate, enhanced.samples, enhanced.channels) == (24000, 1536, 2)


def test_one_block_per_frame() -> None:
    assert ac3.parse_frame_header(bytes.fromhex("0b77000004800000")).samples == 256


@pytest.mark.parametrize(
    "data",
    [
        b"",
        FRAME[:7],
        b"\x77\x0b" + FRAME[2:],
        FRAME[:4] + b"\xd4" + FRAME[5:],  # reserved rate
        FRAME[:5] + b"\xff" + FRAME[6:],  # bitstream 31
        bytes.fromhex("0b770000f4800000"),
    ],
)
def test_a_broken_frame_is_refused(data: bytes) -> None:
    with pytest.raises(MediaError):
        ac3.parse_frame_header(data)


@given(mutated([sample.frame for sample in SAMPLES]) | st.binary(max_size=20))
def test_any_bytes_are_parsed_or_refused(data: bytes) -> None:
    with suppress(MediaError):
        header = ac3.parse_frame_header(data)
        assert 1 <= header.channels <= 6
        assert header.samples in (256, 512, 768, 1536)
