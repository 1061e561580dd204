from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
import pytest

from gamecast.client.capture import clockstrip, scene
from gamecast.client.capture.scene import Scene
from gamecast.client.capture.testscene import new_picture
from gamecast.client.encode.settings import VideoSettings
from gamecast.client.encode.video import VideoEncoder
from tests.client.pictures import luma

WALL = 1_795_000_000.0


def paint(painter: Scene, seconds: float, wall: float) -> av.VideoFrame:
    frame, picture = new_picture(painter.width, painter.height)
    painter.paint(picture, seconds, wall)
    return frame


def pulse_level(frame: av.VideoFrame) -> int:
    x = int(frame.width * scene.PULSE_CENTRE[0])
    y = int(frame.height * scene.PULSE_CENTRE[1])
    return int(luma(frame)[y, x])


@pytest.mark.parametrize("size", [(320, 180), (640, 360), (64, 64), (854, 480)])
def test_clock_can_be_read_back_at_every_size(size: tuple[int, int]) -> None:
    if size[0] < 256:
        paint(Scene(*size), 1.0, WALL)
        return
    frame = paint(Scene(*size), 3.0, WALL + 0.25)
    assert clockstrip.decode(luma(frame)) == int((WALL + 0.25) * 1000)


def test_every_picture_differs_much_from_the_one_before() -> None:
    painter = Scene(320, 180)
    frames = [luma(paint(painter, index / 30, WALL + index / 30)) for index in range(10)]
    below = slice(clockstrip.strip_height(180), None)
    for one, other in pairwise(frames):
        changed = np.abs(one[below].astype(int) - other[below]) > 10
        assert changed.mean() > 0.005


def test_pulse_is_bright_for_a_tenth_of_each_second() -> None:
    painter = Scene(320, 180)
    assert pulse_level(paint(painter, 0, WALL + 0.0)) == 235
    assert pulse_level(paint(painter, 0, WALL + 0.09)) == 235
    assert pulse_level(paint(painter, 0, WALL + 0.11)) < 60
    assert pulse_level(paint(painter, 0, WALL + 0.99)) < 60


def test_levels_stay_in_limited_range() -> None:
    planes = paint(Scene(640, 360), 12.3, WALL).to_ndarray()
    assert planes.min() >= 1
    assert planes[:360].max() <= 235


@pytest.mark.parametrize("size", [(321, 180), (320, 10), (0, 0)])
def test_impossible_sizes(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="even"):
        Scene(*size)


def test_clock_survives_the_encoder_at_a_low_bitrate() -> None:
    painter = Scene(640, 360)
    encoder = VideoEncoder(
        "libx264", VideoSettings(width=640, height=360, fps=Fraction(30), bitrate=600_000)
    )
    decoder = av.VideoCodecContext.create("h264", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    decoder.extradata = encoder.track.config
    read: list[int | None] = []
    for index in range(30):
        frame = paint(painter, index / 30, WALL + index / 30)
        frame.pts, frame.time_base = index * 3000, Fraction(1, 90_000)
        for packet in encoder.encode(frame):
            decoded = decoder.decode(av.Packet(packet.data))
            read += [clockstrip.decode(luma(picture)) for picture in decoded]
    expected = [int((WALL + index / 30) * 1000) for index in range(30)]
    assert read == expected[: len(read)]
    assert len(read) >= 28
