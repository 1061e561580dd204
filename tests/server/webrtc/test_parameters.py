"""Parameters of real streams, as their payload formats name them."""

from __future__ import annotations

from pathlib import Path

import pytest

from gamecast.media.codecs import video_track
from gamecast.media.track import Codec, Kind, Track
from gamecast.server.webrtc.parameters import video_parameters
from tests.support.media import h264_track
from tests.transcode.scenes import flash_and_beep, load

X265 = ["libx265", "-preset", "ultrafast", "-x265-params", "log-level=none"]
SVT = ["libsvtav1", "-preset", "12"]
VPX = ["libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8"]


@pytest.mark.parametrize(
    ("encoder", "pixels", "expected"),
    [
        (X265, "yuv420p", {"profile-id": "1", "tier-flag": "0", "level-id": "60"}),
        (X265, "yuv420p10le", {"profile-id": "2", "tier-flag": "0", "level-id": "60"}),
        (SVT, "yuv420p", {"profile": "0", "level-idx": "0", "tier": "0"}),
        (VPX, "yuv420p", {"profile-id": "0"}),
        (VPX, "yuv444p", {"profile-id": "1"}),
    ],
    ids=["HEVC Main", "HEVC Main 10", "AV1", "VP9", "VP9 4:4:4"],
)
def test_what_the_configuration_says(
    tmp_path: Path, encoder: list[str], pixels: str, expected: dict[str, str]
) -> None:
    path = flash_and_beep(tmp_path / "a.mp4", seconds=0.2, video=encoder, pixels=pixels)
    assert video_parameters(load(path)[0].track) == expected


def test_h264_has_the_three_bytes_of_its_configuration() -> None:
    assert video_parameters(h264_track()) == {"profile-level-id": "64000d"}


def test_what_says_nothing_has_the_defaults() -> None:
    assert video_parameters(video_track(Codec.VP8, b"", width=320, height=180)) == {}
    broken = Track(id=0, kind=Kind.VIDEO, codec=Codec.HEVC, clock_rate=90_000, config=b"\x01")
    assert video_parameters(broken) == {}
