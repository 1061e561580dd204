from __future__ import annotations

from contextlib import suppress
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gamecast.media.codecs import opus
from gamecast.media.errors import MediaError
from tests.media.codecs.samples import Sample, configs, mutated

SAMPLES = configs("opus")


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_boxes_and_headers_are_converted_both_ways(sample: Sample) -> None:
    config = opus.parse_dops(sample.config)
    assert config.channels == sample.probe["channels"]
    assert opus.build_dops(config) == sample.config
    head = opus.build_opus_head(config)
    assert head.startswith(b"OpusHead\x01")
    assert opus.parse_opus_head(head) == config


def test_the_header_is_little_endian() -> None:
    head = b"OpusHead\x01\x02\x38\x01\x80\xbb\x00\x00\xff\xff\x00"
    assert opus.parse_opus_head(head) == opus.OpusConfig(2, 312, 48000, -1)


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_real_packets_last_20_ms(sample: Sample) -> None:
    assert opus.packet_samples(sample.frame) == 960 == 48000 * Fraction(sample.frame_seconds)


@pytest.mark.parametrize(
    ("config", "samples"),
    # table 2 of RFC 6716, at 48 kHz: 10 20 40 60 ms, 10 20 ms, 2.5 5 10 20 ms
    list(enumerate([480, 960, 1920, 2880] * 3 + [480, 960] * 2 + [120, 240, 480, 960] * 4)),
)
def test_durations_of_all_configurations(config: int, samples: int) -> None:
    assert opus.packet_samples(bytes((config << 3,))) == samples
    if samples <= 2880:
        assert opus.packet_samples(bytes((config << 3 | 1,))) == 2 * samples
        assert opus.packet_samples(bytes((config << 3 | 2, 0))) == 2 * samples
        assert opus.packet_samples(bytes((config << 3 | 3, 0x82))) == 2 * samples


def test_48_frames_of_2_5_ms_are_the_most() -> None:
    assert opus.packet_samples(bytes((16 << 3 | 3, 48))) == opus.MAX_SAMPLES
    with pytest.raises(MediaError):
        opus.packet_samples(bytes((16 << 3 | 3, 49)))


@pytest.mark.parametrize("data", [b"", b"\x03", b"\x03\x00", b"\x1b\x03"])
def test_a_broken_packet_is_refused(data: bytes) -> None:
    with pytest.raises(MediaError):
        opus.packet_samples(data)


HEAD = opus.build_opus_head(opus.OpusConfig(2, 312))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        HEAD[:18],
        b"OpusTags" + HEAD[8:],
        HEAD[:8] + b"\x10" + HEAD[9:],  # an incompatible version
        HEAD[:9] + b"\x00" + HEAD[10:],  # no channels
        HEAD[:9] + b"\x03" + HEAD[10:],  # three channels need a mapping
        HEAD[:18] + b"\x01\x01\x01\x00",  # a mapping cut short
    ],
)
def test_a_broken_header_is_refused(data: bytes) -> None:
    with pytest.raises(MediaError):
        opus.parse_opus_head(data)


@pytest.mark.parametrize("data", [b"", SAMPLES[0].config[:10], b"\x01" + SAMPLES[0].config[1:]])
def test_a_broken_box_is_refused(data: bytes) -> None:
    with pytest.raises(MediaError):
        opus.parse_dops(data)


@given(mutated([HEAD, *[sample.config for sample in SAMPLES]]) | st.binary(max_size=40))
def test_any_bytes_are_parsed_or_refused(data: bytes) -> None:
    for parse in (opus.parse_opus_head, opus.parse_dops):
        with suppress(MediaError):
            assert opus.parse_dops(opus.build_dops(parse(data))) == parse(data)
    with suppress(MediaError):
        assert 0 < opus.packet_samples(data) <= opus.MAX_SAMPLES
