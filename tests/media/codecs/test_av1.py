from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gamecast.media.codecs import av1
from gamecast.media.errors import MediaError
from gamecast.media.track import Color
from tests.media.codecs.samples import Sample, clip, config, configs, decode, mutated

SAMPLES = configs("av1")
WITH_HEADER = [sample for sample in SAMPLES if len(sample.config) > 4]
DELIMITER = b"\x12\x00"
FRAMES = clip("av1").frames


@pytest.mark.parametrize("sample", WITH_HEADER, ids=str)
def test_the_record_is_rebuilt_byte_for_byte(sample: Sample) -> None:
    parsed = av1.parse_av1c(sample.config)
    assert av1.build_av1c(DELIMITER + parsed.obus) == sample.config


@pytest.mark.parametrize("sample", WITH_HEADER, ids=str)
def test_record_and_sequence_header_agree(sample: Sample) -> None:
    parsed = av1.parse_av1c(sample.config)
    header = av1.sequence_header(parsed.obus)
    assert header is not None
    assert (parsed.profile, parsed.level, parsed.tier) == (
        header.profile,
        header.level,
        header.tier,
    )
    assert (parsed.bit_depth, parsed.monochrome) == (header.bit_depth, header.monochrome)


@pytest.mark.parametrize("record", [b"", b"\x81\x00\x0c", b"\x01\x00\x0c\x00", b"\x82\x00\x0c\x00"])
def test_a_broken_record_is_refused(record: bytes) -> None:
    with pytest.raises(MediaError):
        av1.parse_av1c(record)


@pytest.mark.parametrize("obus", [b"", DELIMITER, b"\x0a\x00", b"\x0a\x05\x00"])
def test_no_record_without_a_sequence_header(obus: bytes) -> None:
    with pytest.raises(MediaError):
        av1.build_av1c(obus)


def test_codec_strings() -> None:
    main = av1.parse_av1c(config("av1 svt"))
    assert av1.codec_string(main) == "av01.0.08M.08"
    assert av1.codec_string(main, Color(1, 1, 1)) == "av01.0.08M.08"
    hdr = av1.parse_av1c(config("av1 hdr"))
    assert av1.codec_string(hdr, Color(9, 16, 9)) == "av01.0.01M.10.0.110.09.16.09.0"
    gray = av1.parse_av1c(config("av1 gray"))
    assert av1.codec_string(gray, Color(2, 2, 2, True)) == "av01.0.01M.08.1.110.02.02.02.1"


def test_high_tier() -> None:
    record = av1.parse_av1c(b"\x81\x0d\x80\x00")
    assert av1.codec_string(record) == "av01.0.13H.08.0.000.01.01.01.0"


def test_keyframes_are_those_of_libavformat() -> None:
    keys = [frame.key for frame in FRAMES]
    assert [av1.is_keyframe(frame.data) for frame in FRAMES] == keys
    assert sum(keys) > 1


@pytest.mark.parametrize(
    ("first", "key"),
    [(0x10, True), (0x00, False), (0x30, False), (0x50, False), (0x90, False)],
    ids=["shown key", "hidden key", "inter", "intra only", "show existing"],
)
def test_a_keyframe_is_a_key_frame_that_is_shown(first: int, key: bool) -> None:
    assert av1.is_keyframe(bytes((0x32, 2, first, 0))) is key
    assert av1.is_keyframe(bytes((0x1A, 2, first, 0))) is key


def test_units_without_a_frame_are_no_keyframe() -> None:
    assert not av1.is_keyframe(b"")
    assert not av1.is_keyframe(DELIMITER)
    with pytest.raises(MediaError, match="empty"):
        av1.is_keyframe(b"\x32\x00")


def without_sizes(data: bytes) -> bytes:
    """The last OBU of a temporal unit without its size, as ISOBMFF allows."""
    last = list(av1.iter_obus(data))[-1]
    head = bytes((data[last.start] & ~0x02,))
    return data[: last.start] + head + data[last.payload : last.end]


def test_normalise_gives_sizes_and_drops_delimiters() -> None:
    for frame in FRAMES:
        assert av1.normalise(frame.data) is frame.data
        padding = b"\x7a\x03\x00\x00\x80"
        assert av1.normalise(DELIMITER + padding + without_sizes(frame.data)) == frame.data


def test_normalise_keeps_the_extension_byte() -> None:
    assert av1.normalise(b"\x34\x28\x10\x00") == b"\x36\x28\x02\x10\x00"


def test_normalised_units_decode() -> None:
    made = clip("av1")
    frames = [
        replace(frame, data=av1.normalise(DELIMITER + without_sizes(frame.data)))
        for frame in made.frames
    ]
    assert len(decode(made, frames)) == len(made.frames)


@pytest.mark.parametrize("value", [0, 1, 127, 128, 300, 2**32 - 1])
def test_leb128(value: int) -> None:
    encoded = av1.write_leb128(value)
    assert av1.read_leb128(b"\xff" + encoded + b"\xff", 1) == (value, 1 + len(encoded))


@pytest.mark.parametrize(
    "data",
    [b"\x32", b"\x32\x02\x10", b"\x36", b"\x32\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
     DELIMITER * (av1.MAX_OBUS + 1)],
)  # fmt: skip
def test_a_broken_temporal_unit_is_refused(data: bytes) -> None:
    with pytest.raises(MediaError):
        av1.normalise(data)


def test_as_many_obus_as_are_allowed() -> None:
    assert av1.normalise(DELIMITER * av1.MAX_OBUS) == b""


@settings(max_examples=150)
@given(mutated([frame.data for frame in FRAMES]) | st.binary(max_size=64))
def test_any_temporal_unit_is_read_or_refused(data: bytes) -> None:
    for judge in (av1.is_keyframe, av1.find_sequence_header, av1.build_av1c):
        with suppress(MediaError):
            judge(data)
    with suppress(MediaError):
        assert av1.normalise(av1.normalise(data)) == av1.normalise(data)
