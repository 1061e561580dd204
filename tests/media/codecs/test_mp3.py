from __future__ import annotations

from contextlib import suppress
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gamecast.media.codecs import mp3
from gamecast.media.errors import MediaError
from tests.media.codecs.samples import Sample, configs


@pytest.mark.parametrize("sample", configs("mp3"), ids=str)
def test_ffprobe_agrees(sample: Sample) -> None:
    header = mp3.parse_frame_header(sample.frame)
    assert header.sample_rate == int(sample.probe["sample_rate"])
    assert (header.layer, header.channels) == (3, sample.probe["channels"])


def test_samples_are_those_of_the_standard() -> None:
    by_name = {s.name: mp3.parse_frame_header(s.frame).samples for s in configs("mp3")}
    assert by_name == {"mp3": 1152, "mp3 low": 576}
    assert configs("mp3")[0].frame_seconds == str(Fraction(1152, 44100))


@pytest.mark.parametrize(
    ("second", "rate", "samples"),
    [(0xFF, 44100, 384), (0xFD, 44100, 1152), (0xF3, 22050, 576), (0xE3, 11025, 576)],
    ids=["layer I", "layer II", "MPEG-2", "MPEG-2.5"],
)
def test_layers_and_versions(second: int, rate: int, samples: int) -> None:
    header = mp3.parse_frame_header(bytes((0xFF, second, 0x90, 0xC0)))
    assert (header.sample_rate, header.samples, header.channels) == (rate, samples, 1)


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xfb\x90", b"\xff\x1b\x90\x00", b"\xff\xeb\x90\x00", b"\xff\xf9\x90\x00",
             b"\xff\xfb\x9c\x00"],
)  # fmt: skip
def test_a_broken_header_is_refused(data: bytes) -> None:
    with pytest.raises(MediaError):
        mp3.parse_frame_header(data)


@given(st.binary(max_size=6).map(lambda tail: b"\xff" + tail))
def test_any_bytes_are_parsed_or_refused(data: bytes) -> None:
    with suppress(MediaError):
        assert 8000 <= mp3.parse_frame_header(data).sample_rate <= 48000
