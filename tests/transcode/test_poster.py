"""Posters are JPEGs of the keyframe, small and of the right shape."""

from __future__ import annotations

import io
from pathlib import Path

import av
import pytest

from gamecast.media.packet import Packet
from gamecast.transcode.picture import MAX_WIDTH
from gamecast.transcode.poster import poster
from tests.transcode.scenes import flash_and_beep, load


def _keyframe(path: Path, size: str, encoder: list[str]) -> Packet:
    return load(flash_and_beep(path, seconds=0.2, video=encoder, size=size))[0]


@pytest.mark.parametrize(
    ("size", "expected"), [("320x180", (320, 180)), ("1280x720", (MAX_WIDTH, 360))]
)
@pytest.mark.parametrize("encoder", [["libx264"], ["libsvtav1", "-preset", "12"]])
def test_a_poster_of_a_keyframe(
    tmp_path: Path, size: str, expected: tuple[int, int], encoder: list[str]
) -> None:
    packet = _keyframe(tmp_path / "a.mp4", size, encoder)
    jpeg = poster(packet.track.codec.value, packet.track.config, packet.data)
    with av.open(io.BytesIO(jpeg), "r") as container:
        frame = next(container.decode(video=0))
    assert (frame.width, frame.height) == expected
    assert frame.to_ndarray(format="gray").mean() > 200  # it begins with a flash


def test_no_picture_is_a_value_error(tmp_path: Path) -> None:
    packet = _keyframe(tmp_path / "a.mp4", "320x180", ["libx264"])
    with pytest.raises(ValueError):
        poster("h264", packet.track.config, b"\x00\x00\x00\x04abcd")
