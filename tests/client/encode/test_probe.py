from fractions import Fraction

import pytest

from gamecast.client.encode.probe import Probe, candidates, choose, ffmpeg_name, probe
from gamecast.client.encode.settings import EncoderError, VideoSettings
from gamecast.media.track import Codec

SETTINGS = VideoSettings(width=1920, height=1080, fps=Fraction(60), bitrate=6_000_000)


def pretend(*working: str) -> object:
    """A prober for a machine on which these work."""

    def try_one(choice: str, codec: Codec, settings: VideoSettings) -> Probe:
        name = ffmpeg_name(choice, codec)
        return Probe(choice, name, None if choice in working else "no such device")

    return try_one


@pytest.mark.parametrize(
    ("platform", "working", "expected"),
    [
        ("linux", ("nvenc", "qsv", "x264"), "h264_nvenc"),
        ("linux", ("qsv", "amf", "x264"), "h264_amf"),
        ("win32", ("qsv", "x264"), "h264_qsv"),
        ("darwin", ("nvenc", "videotoolbox", "x264"), "h264_videotoolbox"),
        ("linux", ("x264",), "libx264"),
    ],
)
def test_auto_takes_the_best_that_works(
    platform: str, working: tuple[str, ...], expected: str
) -> None:
    name, tried = choose("auto", SETTINGS, platform=platform, try_one=pretend(*working))  # type: ignore[arg-type]
    assert name == expected
    assert tried[-1].problem is None
    assert all(each.problem == "no such device" for each in tried[:-1])


def test_a_named_encoder_that_fails_is_an_error_with_its_reason() -> None:
    with pytest.raises(EncoderError, match=r"nvenc .*no such device"):
        choose("nvenc", SETTINGS, try_one=pretend("x264"))  # type: ignore[arg-type]


def test_nothing_works() -> None:
    with pytest.raises(EncoderError, match="libx264: no such device"):
        choose("auto", SETTINGS, try_one=pretend())  # type: ignore[arg-type]


@pytest.mark.parametrize("codec", [Codec.H264, Codec.HEVC, Codec.AV1])
def test_software_really_works_here(codec: Codec) -> None:
    assert probe("x264", codec, SETTINGS).problem is None


def test_what_this_machine_lacks_has_a_short_reason() -> None:
    result = probe("vaapi", Codec.H264, SETTINGS)
    assert result.problem is not None
    assert "graphics card" in result.problem or "ffmpeg" in result.problem
    assert "x264" in candidates()
