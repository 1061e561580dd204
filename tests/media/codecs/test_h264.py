from __future__ import annotations

from contextlib import suppress

import pytest
from av.video.frame import PictureType
from hypothesis import given, settings
from hypothesis import strategies as st

from gamecast.media.codecs import h264, nal
from gamecast.media.errors import MediaError
from tests.media.codecs.samples import Sample, clip, clip_names, config, configs, decode, mutated

SAMPLES = configs("h264")
CLIPS = clip_names("h264")


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_the_record_is_rebuilt_byte_for_byte(sample: Sample) -> None:
    parsed = h264.parse_avcc(sample.config)
    assert parsed.length_size == 4
    assert h264.build_avcc(parsed.sps, parsed.pps, parsed.sps_extensions) == sample.config


def test_the_codec_string_comes_from_the_parameter_set() -> None:
    record = bytearray(config("h264 high pyramid"))
    record[1:4] = b"\x42\x00\x0a"
    assert h264.codec_string(h264.parse_avcc(bytes(record))) == "avc1.64001e"


def test_high_profile_bytes_may_be_missing() -> None:
    record = config("h264 high pyramid")
    assert h264.parse_avcc(record[:-4]).pps == h264.parse_avcc(record).pps


def test_sps_extensions_are_kept() -> None:
    parsed = h264.parse_avcc(config("h264 high 10"))
    built = h264.build_avcc(parsed.sps, parsed.pps, [b"\x0dab", b"\x0dc"])
    assert h264.parse_avcc(built).sps_extensions == (b"\x0dab", b"\x0dc")


@pytest.mark.parametrize("lengths", [0, 1, 3])
def test_length_sizes_of_1_2_and_4_are_read(lengths: int) -> None:
    record = bytearray(config("h264 baseline"))
    record[4] = 0xFC | lengths
    assert h264.parse_avcc(bytes(record)).length_size == lengths + 1


@pytest.mark.parametrize(
    "change",
    [
        lambda record: b"",
        lambda record: record[:6],
        lambda record: b"\x00" + record[1:],
        lambda record: record[:4] + b"\xfe" + record[5:],  # 3-byte lengths
        lambda record: record[:5] + b"\xe0\x00",  # no SPS, no PPS
        lambda record: record[:5] + b"\xff" + record[6:],  # 31 SPS announced
        lambda record: record[:6] + b"\xff\xff" + record[8:],  # an SPS past the end
        lambda record: record[:6] + b"\x00\x00\x01\x00\x01\x68",  # an empty SPS
        lambda record: record[:-8],
    ],
)
def test_a_broken_record_is_refused(change: object) -> None:
    assert callable(change)
    with pytest.raises(MediaError):
        h264.parse_avcc(change(config("h264 baseline")))


def test_no_record_without_parameter_sets() -> None:
    with pytest.raises(MediaError):
        h264.build_avcc([], [b"\x68"])
    parsed = h264.parse_avcc(config("h264 baseline"))
    with pytest.raises(MediaError, match="65535"):
        h264.build_avcc(parsed.sps, [bytes(0x10000)])


def test_31_parameter_sets_are_read() -> None:
    parsed = h264.parse_avcc(config("h264 baseline"))
    many = h264.parse_avcc(h264.build_avcc(parsed.sps * 31, parsed.pps))
    assert many.sps == parsed.sps * 31


@pytest.mark.parametrize("name", CLIPS)
def test_slice_types_are_those_that_the_decoder_reports(name: str) -> None:
    made = clip(name)
    pictures = decode(made, made.frames)
    names = {
        h264.SliceType.I: PictureType.I,
        h264.SliceType.P: PictureType.P,
        h264.SliceType.B: PictureType.B,
    }
    for frame in made.frames:
        types = [h264.slice_type(unit) for unit in nal.nal_units(frame.data)]
        found = {names[kind] for kind in types if kind is not None}
        assert found == {pictures[frame.pts].pict_type}


def test_other_units_have_no_slice_type() -> None:
    assert h264.slice_type(b"") is None
    assert h264.slice_type(b"\x67\x64") is None


def test_only_idr_pictures_are_keyframes_and_recovery_points_are_told_apart() -> None:
    closed, open_gop = clip("h264").frames, clip("h264 open gop").frames
    assert [h264.is_keyframe(frame.data) for frame in closed] == [frame.key for frame in closed]
    assert sum(frame.key for frame in closed) > 1
    # libavformat counts recovery points as keyframes too
    marked = [h264.is_keyframe(f.data) or h264.has_recovery_point(f.data) for f in open_gop]
    assert marked == [frame.key for frame in open_gop]
    assert sum(h264.is_keyframe(frame.data) for frame in open_gop) == 1


def test_parameter_sets_and_sei_alone_are_no_keyframe() -> None:
    assert not h264.is_keyframe(nal.join_nal_units([b"\x67\x64", b"\x68", b"\x06\x05\x00\x80"]))
    assert not h264.is_keyframe(b"")


def test_recovery_point_behind_a_long_sei_message() -> None:
    long = b"\x05\xff\x10" + bytes(b"\xaa" * 271)
    sei = b"\x06" + long + b"\x06\x01\xc4\x80"
    assert h264.has_recovery_point(nal.join_nal_units([sei, b"\x41\x9a"]))
    assert not h264.has_recovery_point(nal.join_nal_units([b"\x06" + long + b"\x80", b"\x41\x9a"]))


@pytest.mark.parametrize("name", CLIPS)
def test_pictures_decode_the_same_without_those_that_nobody_refers_to(name: str) -> None:
    made = clip(name)
    kept = [frame for frame in made.frames if h264.is_reference(frame.data)]
    assert len(kept) < len(made.frames)
    whole, thinned = decode(made, made.frames), decode(made, kept)
    assert set(thinned) == {frame.pts for frame in kept}
    for pts, picture in thinned.items():
        assert bytes(picture.planes[0]) == bytes(whole[pts].planes[0])


@settings(max_examples=150)
@given(mutated([sample.config for sample in SAMPLES]) | st.binary(max_size=64))
def test_any_record_is_parsed_or_refused(data: bytes) -> None:
    with suppress(MediaError):
        parsed = h264.parse_avcc(data)
        assert sum(map(len, parsed.sps + parsed.pps)) <= len(data)
        assert h264.codec_string(parsed).startswith("avc1.")


@settings(max_examples=150)
@given(mutated([frame.data for frame in clip("h264 open gop").frames]) | st.binary(max_size=64))
def test_any_access_unit_is_judged_or_refused(data: bytes) -> None:
    for judge in (h264.is_keyframe, h264.is_reference, h264.has_recovery_point, h264.slice_type):
        with suppress(MediaError):
            judge(data)
