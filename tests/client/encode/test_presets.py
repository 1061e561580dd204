from fractions import Fraction

import pytest

from gamecast.client.encode import presets
from gamecast.client.encode.settings import Latency, VideoSettings, default_bitrate
from gamecast.media.track import Codec

ENCODERS = [
    "libx264",
    "libx265",
    "libsvtav1",
    *[f"{codec}_{kind}" for codec in ("h264", "hevc", "av1") for kind in ("nvenc", "qsv", "amf")],
    "h264_videotoolbox",
    "hevc_videotoolbox",
]


def settings(latency: Latency) -> VideoSettings:
    return VideoSettings(
        width=1280, height=720, fps=Fraction(60), bitrate=6_000_000, latency=latency
    )


@pytest.mark.parametrize("latency", list(Latency))
@pytest.mark.parametrize("encoder", ENCODERS)
def test_every_encoder_has_options_for_every_latency(encoder: str, latency: Latency) -> None:
    chosen = presets.options(encoder, settings(latency))
    assert all(isinstance(value, str) for value in chosen.values())
    if encoder != "libsvtav1":
        assert chosen["maxrate"] == "6000000"
    if latency is not Latency.QUALITY:
        assert presets.b_frames(encoder, latency) == 0


def test_rate_buffer_shrinks_with_the_delay() -> None:
    sizes = [settings(latency).buffer_bits for latency in Latency]
    assert sizes == [6_000_000, 3_000_000, 200_000]


def test_group_length_in_frames() -> None:
    assert settings(Latency.LOW).gop == 120


@pytest.mark.parametrize(
    ("size", "fps", "low", "high"),
    [
        ((1280, 720), 30, 2.5e6, 3.5e6),
        ((1280, 720), 60, 4e6, 5e6),
        ((1920, 1080), 30, 4.5e6, 6e6),
        ((1920, 1080), 60, 6e6, 9e6),
        ((2560, 1440), 60, 11e6, 14e6),
        ((320, 180), 30, 2e5, 6e5),
    ],
)
def test_default_bitrates_are_those_of_streaming_services(
    size: tuple[int, int], fps: int, low: float, high: float
) -> None:
    bitrate = default_bitrate(*size, Fraction(fps), Codec.H264)
    assert low <= bitrate <= high
    assert default_bitrate(*size, Fraction(fps), Codec.HEVC) <= bitrate
