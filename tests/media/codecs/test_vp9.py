from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gamecast.media.codecs import vp9
from gamecast.media.errors import MediaError
from gamecast.media.track import Color
from tests.media.codecs.samples import Sample, clip, config, configs, mutated
from tests.media.codecs.test_bits import pack

SAMPLES = configs("vp9")
FRAMES = clip("vp9").frames


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_the_record_is_rebuilt_byte_for_byte_with_or_without_its_box_head(sample: Sample) -> None:
    parsed = vp9.parse_vpcc(sample.config)
    assert vp9.build_vpcc(parsed) == sample.config
    assert vp9.parse_vpcc(sample.config[4:]) == parsed


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_a_keyframe_gives_the_same_configuration(sample: Sample) -> None:
    parsed, found = vp9.parse_vpcc(sample.config), vp9.config_from_keyframe(sample.frame)
    assert (found.profile, found.bit_depth) == (parsed.profile, parsed.bit_depth)
    assert found.chroma_subsampling == parsed.chroma_subsampling
    header = vp9.parse_frame_header(sample.frame)
    assert (header.width, header.height) == (sample.probe["width"], sample.probe["height"])
    assert f"Profile {header.profile}" == sample.probe["profile"]


def test_codec_strings() -> None:
    assert vp9.codec_string(vp9.parse_vpcc(config("vp9 profile 0"))) == "vp09.00.21.08"
    hdr = vp9.codec_string(vp9.parse_vpcc(config("vp9 hdr")))
    assert hdr == "vp09.02.21.10.01.09.16.09.00"
    unknown_level = vp9.VpConfig(0, 0, 8, 1, Color())
    assert vp9.codec_string(unknown_level) == "vp09.00.10.08"


def test_keyframes_are_those_of_libavformat() -> None:
    keys = [frame.key for frame in FRAMES]
    assert [vp9.is_keyframe(frame.data) for frame in FRAMES] == keys
    assert sum(keys) > 1


def test_a_shown_existing_frame_is_no_keyframe() -> None:
    assert not vp9.is_keyframe(pack("10" + "00" + "1" + "000"))


def test_rgb_keyframe() -> None:
    bits = "10" + "10" + "0" + "0" + "1" + "0" + f"{0x498342:024b}" + "111" + "0"
    header = vp9.parse_frame_header(pack(bits + f"{639:016b}{359:016b}"))
    assert (header.profile, header.width, header.height) == (1, 640, 360)
    assert (header.full_range, header.subsampling) == (True, (0, 0))


@pytest.mark.parametrize("record", [b"", b"\x01\x00\x00\x00", config("vp9 hdr")[:11],
                                    b"\x04\x0a\x82\x02\x02\x02\x00\x00",
                                    b"\x00\x0a\x92\x02\x02\x02\x00\x00",
                                    b"\x00\x0a\x8e\x02\x02\x02\x00\x00"])  # fmt: skip
def test_a_broken_record_is_refused(record: bytes) -> None:
    with pytest.raises(MediaError):
        vp9.parse_vpcc(record)


@pytest.mark.parametrize(
    "frame", [b"", b"\x00", b"\x82\x49\x83\x43" + bytes(8), FRAMES[0].data[:5]]
)
def test_a_broken_frame_is_refused(frame: bytes) -> None:
    with pytest.raises(MediaError):
        vp9.parse_frame_header(frame)


def test_no_configuration_from_a_delta_frame() -> None:
    delta = next(frame for frame in FRAMES if not frame.key)
    with pytest.raises(MediaError, match="no keyframe"):
        vp9.config_from_keyframe(delta.data)


@settings(max_examples=100)
@given(mutated([f.data for f in FRAMES] + [s.config for s in SAMPLES]) | st.binary(max_size=40))
def test_any_bytes_are_parsed_or_refused(data: bytes) -> None:
    with suppress(MediaError):
        vp9.build_vpcc(vp9.config_from_keyframe(data))
    with suppress(MediaError):
        assert vp9.codec_string(vp9.parse_vpcc(data)).startswith("vp09.0")
