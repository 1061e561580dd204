from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import pytest

from gamecast.media.codecs import audio_track, hevc, opus, track_from_frame, video_track, vp9
from gamecast.media.errors import MediaError
from gamecast.media.track import Codec, Color, Kind, Track
from tests.media.codecs.samples import Sample, clip, config, configs

PRIMARIES = {"bt709": 1, "bt2020": 9}
TRANSFERS = {"bt709": 1, "smpte2084": 16, "iec61966-2-1": 13}
MATRICES = {"bt709": 1, "bt2020nc": 9, "gbr": 0}


def color(sample: Sample) -> Color:
    """The colour that ffprobe prints, as code points."""
    probe = sample.probe
    return Color(
        PRIMARIES.get(probe.get("color_primaries", ""), 2),
        TRANSFERS.get(probe.get("color_transfer", ""), 2),
        MATRICES.get(probe.get("color_space", ""), 2),
        probe.get("color_range") == "pc",
    )


@pytest.mark.parametrize("sample", configs("h264", "hevc", "av1", "vp9"), ids=str)
def test_a_video_track_has_everything_that_ffprobe_finds(sample: Sample) -> None:
    track = video_track(Codec(sample.codec), sample.config, id=7)
    assert (track.id, track.kind, track.codec) == (7, Kind.VIDEO, sample.codec)
    assert (track.clock_rate, track.config) == (90_000, sample.config)
    assert (track.color or Color()) == color(sample)
    assert track.reorder_depth == sample.probe["has_b_frames"]
    if sample.codec != "vp9" and len(sample.config) > 4:
        assert (track.width, track.height) == (sample.probe["width"], sample.probe["height"])
    if sample.codec in ("h264", "hevc") and "openh264" not in sample.name:
        assert track.fps == Fraction(sample.probe["r_frame_rate"])


CODEC_STRINGS = {
    "h264 baseline": "avc1.42c00d",
    "h264 high pyramid": "avc1.64001e",
    "h264 high 4:4:4": "avc1.f40020",
    "hevc main": "hvc1.1.6.L60.90",
    "hevc main 10": "hvc1.2.4.L63.90",
    "av1 svt": "av01.0.08M.08",
    "av1 rav1e": "av01.0.31M.08",
    "av1 hdr": "av01.0.01M.10.0.110.09.16.09.0",
    "vp9 profile 0": "vp09.00.21.08",
}


@pytest.mark.parametrize("name", CODEC_STRINGS)
def test_codec_strings_of_video(name: str) -> None:
    assert video_track(Codec(name.split()[0]), config(name)).codec_string == CODEC_STRINGS[name]


def test_a_size_from_outside_is_used_where_the_configuration_has_none() -> None:
    track = video_track(Codec.AV1, config("av1 rav1e"), width=640, height=360)
    assert (track.width, track.height) == (640, 360)
    track = video_track(Codec.VP8, b"", width=640, height=360)
    assert (track.codec_string, track.width, track.height) == ("vp8", 640, 360)
    track = video_track(Codec.H264, config("h264 odd crop"), width=1, height=1)
    assert (track.width, track.height) == (638, 362)


def test_vp9_configuration_is_stored_as_the_box_body() -> None:
    bare = config("vp9 hdr")[4:]
    assert video_track(Codec.VP9, bare).config == config("vp9 hdr")


def test_a_frame_rate_from_the_vps() -> None:
    """ffmpeg's filter writes it into both sets; without the one in the SPS the other counts."""
    parsed = hevc.parse_hvcc(config("hevc vps timing"))
    bare_sps = hevc.parse_hvcc(config("hevc main")).sps
    cut = bare_sps[0][:-9] + b"\x80"
    assert hevc.parse_sps(cut).fps is None
    record = hevc.build_hvcc(parsed.vps, [cut], parsed.pps)
    assert video_track(Codec.HEVC, record).fps == 25
    broken = hevc.build_hvcc([parsed.vps[0][:9]], [cut], parsed.pps)
    assert video_track(Codec.HEVC, broken).fps is None


@pytest.mark.parametrize("codec", [Codec.H264, Codec.HEVC, Codec.AV1, Codec.VP9])
def test_video_without_a_configuration_is_refused(codec: Codec) -> None:
    with pytest.raises(MediaError):
        video_track(codec, b"")


@pytest.mark.parametrize("sample", configs("aac", "flac"), ids=str)
def test_an_audio_track_has_everything_that_ffprobe_finds(sample: Sample) -> None:
    track = audio_track(Codec(sample.codec), sample.config, id=3)
    rate = int(sample.probe["sample_rate"])
    assert (track.id, track.kind, track.sample_rate, track.clock_rate) == (
        3,
        Kind.AUDIO,
        rate,
        rate,
    )
    assert (track.channels, track.config) == (sample.probe["channels"], sample.config)
    assert track.samples_per_frame == rate * Fraction(sample.frame_seconds)
    assert track.codec_string == {"aac": "mp4a.40.2", "flac": "fLaC"}[sample.codec]


def test_he_aac_runs_on_the_clock_of_its_core() -> None:
    track = audio_track(Codec.AAC, bytes.fromhex("2b118800"))
    assert (track.clock_rate, track.sample_rate, track.samples_per_frame) == (24000, 24000, 1024)
    assert (track.channels, track.codec_string) == (2, "mp4a.40.5")


def test_opus() -> None:
    head = opus.build_opus_head(opus.OpusConfig(1, 312, 16000))
    track = audio_track(Codec.OPUS, head)
    assert (track.clock_rate, track.sample_rate, track.channels) == (48000, 48000, 1)
    assert (track.codec_string, track.config, track.samples_per_frame) == ("opus", head, 0)
    without = audio_track(Codec.OPUS, b"")
    assert opus.parse_opus_head(without.config) == opus.OpusConfig(2)


def test_flac_is_taken_out_of_its_file_head() -> None:
    block = config("flac")
    assert audio_track(Codec.FLAC, b"fLaC\x80\x00\x00\x22" + block).config == block


@pytest.mark.parametrize("sample", configs("mp3", "ac3", "eac3"), ids=str)
def test_audio_without_a_configuration_is_described_by_its_first_frame(sample: Sample) -> None:
    track = track_from_frame(Codec(sample.codec), sample.frame, id=1)
    rate, channels = int(sample.probe["sample_rate"]), sample.probe["channels"]
    assert (track.sample_rate, track.channels, track.config) == (rate, channels, b"")
    # the MP4 demuxer of libavformat assumes 1152 for MPEG-2 layer III, which has 576
    if sample.name != "mp3 low":
        assert track.samples_per_frame == rate * Fraction(sample.frame_seconds)
    names = {"mp3": "mp4a.40.34", "ac3": "ac-3", "eac3": "ec-3"}
    assert track.codec_string == names[sample.codec]
    given = audio_track(Codec(sample.codec), b"", sample_rate=rate, channels=channels)
    assert (given.codec_string, given.clock_rate) == (track.codec_string, rate)


def test_video_without_a_configuration_is_described_by_its_first_keyframe() -> None:
    track = track_from_frame(Codec.VP8, clip("vp8").frames[0].data, id=0)
    assert (track.codec_string, track.width, track.height) == ("vp8", 64, 64)
    track = track_from_frame(Codec.VP9, clip("vp9").frames[0].data, id=0)
    assert (track.codec_string, track.width, track.height) == ("vp09.00.10.08", 64, 64)
    assert vp9.parse_vpcc(track.config).bit_depth == 8
    track = track_from_frame(Codec.AV1, clip("av1").frames[0].data, id=0)
    assert (track.codec_string[:7], track.width, track.height) == ("av01.0.", 64, 64)


@pytest.mark.parametrize("name", ["vp8", "vp9", "av1"])
def test_a_delta_frame_describes_nothing(name: str) -> None:
    delta = next(frame for frame in clip(name).frames if not frame.key)
    with pytest.raises(MediaError):
        track_from_frame(Codec(name), delta.data, id=0)


@pytest.mark.parametrize(
    ("codec", "rate", "channels"),
    [(Codec.MP3, 0, 2), (Codec.AC3, 48000, 0), (Codec.EAC3, 10**7, 2)],
)
def test_audio_of_an_impossible_shape_is_refused(codec: Codec, rate: int, channels: int) -> None:
    with pytest.raises(MediaError):
        audio_track(codec, b"", sample_rate=rate, channels=channels)


@pytest.mark.parametrize("codec", [Codec.AAC, Codec.FLAC])
def test_audio_without_a_configuration_is_refused(codec: Codec) -> None:
    with pytest.raises(MediaError):
        audio_track(codec, b"")


@pytest.mark.parametrize(
    "make",
    [
        lambda: video_track(Codec.AAC, b""),
        lambda: audio_track(Codec.H264, b""),
        lambda: track_from_frame(Codec.H264, b"", id=0),
    ],
)
def test_the_wrong_kind_of_codec_is_our_own_mistake(make: Callable[[], Track]) -> None:
    with pytest.raises(ValueError) as error:
        make()
    assert error.type is ValueError  # not MediaError, which is one too


def test_a_changed_configuration_is_another_track_with_the_same_id() -> None:
    first: Track = video_track(Codec.H264, config("h264 baseline"))
    second = video_track(Codec.H264, config("h264 bt709"))
    assert first != second
    assert first.id == second.id == 0
