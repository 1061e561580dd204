from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gamecast.media.codecs import hevc, nal
from gamecast.media.codecs.hevc_sps import ProfileTierLevel
from gamecast.media.errors import MediaError
from tests.media.codecs.samples import Sample, clip, clip_names, config, configs, decode, mutated

SAMPLES = configs("hevc")
CLIPS = clip_names("hevc")


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_the_record_is_rebuilt_byte_for_byte(sample: Sample) -> None:
    parsed = hevc.parse_hvcc(sample.config)
    assert parsed.length_size == 4
    built = hevc.build_hvcc(parsed.vps, parsed.sps, parsed.pps)
    again = hevc.parse_hvcc(built)
    assert (again.vps, again.sps, again.pps) == (parsed.vps, parsed.sps, parsed.pps)
    same = 22 if parsed.sei else len(built)  # SEI units are not written
    assert built[:same] == sample.config[:same]


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_record_and_parameter_set_agree_on_the_profile(sample: Sample) -> None:
    parsed = hevc.parse_hvcc(sample.config)
    assert hevc.parse_sps(parsed.sps[0]).profile == parsed.profile


def test_codec_strings_of_the_standard() -> None:
    # the examples of ISO/IEC 14496-15 section E.3, as every HLS guide repeats them
    main = ProfileTierLevel(0, 0, 1, 0x60000000, 0xB00000000000, 93)
    assert hevc.codec_string(main) == "hvc1.1.6.L93.B0"
    main10_high = ProfileTierLevel(0, 1, 2, 0x20000000, 0, 150)
    assert hevc.codec_string(main10_high) == "hvc1.2.4.H150"
    spaced = ProfileTierLevel(1, 0, 4, 0x08000000, 0x9D0800000000, 63)
    assert hevc.codec_string(spaced) == "hvc1.A4.10.L63.9D.8"


@pytest.mark.parametrize(
    "change",
    [
        lambda record: b"",
        lambda record: record[:22],
        lambda record: b"\x00" + record[1:],
        lambda record: record[:21] + b"\x0e" + record[22:],  # 3-byte lengths
        lambda record: record[:22] + b"\x00",  # no arrays
        lambda record: record[:23] + b"\xa0\xff\xff" + record[26:],  # 65535 units announced
        lambda record: record[:26] + b"\xff\xff" + record[28:],  # a unit past the end
        lambda record: record[:60],
    ],
)
def test_a_broken_record_is_refused(change: object) -> None:
    assert callable(change)
    with pytest.raises(MediaError):
        hevc.parse_hvcc(change(config("hevc main")))


def test_no_record_without_parameter_sets() -> None:
    with pytest.raises(MediaError):
        hevc.build_hvcc([], [], [])
    parsed = hevc.parse_hvcc(config("hevc main"))
    with pytest.raises(MediaError, match="65535"):
        hevc.build_hvcc([], parsed.sps, [bytes(0x10000)])


def test_sei_in_the_record_is_kept_apart() -> None:
    record = config("hevc main")
    sei, unknown = b"\x27\x00\x01\x00\x03\x4e\x01\x80", b"\x29\x00\x01\x00\x02\x52\x01"
    parsed = hevc.parse_hvcc(record[:22] + b"\x05" + record[23:] + sei + unknown)
    assert parsed.sei == (b"\x4e\x01\x80",)
    assert hevc.nal_type(parsed.sei[0]) == hevc.NalType.PREFIX_SEI
    assert parsed.pps == hevc.parse_hvcc(record).pps


@pytest.mark.parametrize("name", CLIPS)
def test_keyframes_are_those_of_libavformat(name: str) -> None:
    frames = clip(name).frames
    assert [hevc.is_keyframe(frame.data) for frame in frames] == [frame.key for frame in frames]
    assert sum(frame.key for frame in frames) > 1


@pytest.mark.parametrize("kind", range(41))
def test_keyframes_are_the_irap_types(kind: int) -> None:
    unit = nal.join_nal_units([b"\x46\x01\x50", bytes((kind << 1, 1, 0x80))])
    assert hevc.is_keyframe(unit) == (16 <= kind <= 23)


@pytest.mark.parametrize("name", CLIPS)
def test_pictures_decode_the_same_without_those_that_nobody_refers_to(name: str) -> None:
    made = clip(name)
    kept = [frame for frame in made.frames if hevc.is_reference(frame.data)]
    assert len(kept) < len(made.frames)
    whole, thinned = decode(made, made.frames), decode(made, kept)
    assert set(thinned) == {frame.pts for frame in kept}
    for pts, picture in thinned.items():
        assert bytes(picture.planes[0]) == bytes(whole[pts].planes[0])


def test_an_access_unit_without_a_picture_is_kept() -> None:
    assert hevc.is_reference(nal.join_nal_units([b"\x40\x01"]))
    assert not hevc.is_keyframe(nal.join_nal_units([b"\x40\x01"]))


@settings(max_examples=150)
@given(mutated([sample.config for sample in SAMPLES]) | st.binary(max_size=64))
def test_any_record_is_parsed_or_refused(data: bytes) -> None:
    with suppress(MediaError):
        parsed = hevc.parse_hvcc(data)
        assert sum(map(len, parsed.vps + parsed.sps + parsed.pps + parsed.sei)) <= len(data)
        assert hevc.codec_string(parsed.profile).startswith("hvc1.")


@settings(max_examples=100)
@given(mutated([frame.data for frame in clip("hevc open gop").frames]) | st.binary(max_size=64))
def test_any_access_unit_is_judged_or_refused(data: bytes) -> None:
    for judge in (hevc.is_keyframe, hevc.is_reference):
        with suppress(MediaError):
            judge(data)
