from fractions import Fraction

import av
import numpy as np
import pytest

from gamecast.client.encode.scaling import Scaler


def picture(width: int, height: int, colour: tuple[int, int, int], form: str) -> av.VideoFrame:
    rgb = np.zeros((height, width, 3), np.uint8)
    rgb[:] = colour
    frame = av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(format=form)
    frame.pts, frame.time_base = 0, Fraction(1, 90_000)
    return frame


def shown(frame: av.VideoFrame) -> np.ndarray[tuple[int, int, int], np.dtype[np.int64]]:
    back = frame.to_ndarray(format="rgb24", src_colorspace="ITU709")
    return back.reshape(frame.height, frame.width, 3).astype(np.int64)


def test_a_picture_that_fits_is_not_touched() -> None:
    frame = picture(320, 180, (1, 2, 3), "yuv420p")
    assert Scaler(320, 180, "yuv420p").scale(frame) is frame


@pytest.mark.parametrize("form", ["bgr0", "rgb24", "bgra"])
@pytest.mark.parametrize("colour", [(200, 30, 40), (30, 180, 60), (20, 40, 210), (250, 250, 250)])
def test_screen_colours_become_bt709_within_two_levels(
    form: str, colour: tuple[int, int, int]
) -> None:
    scaled = Scaler(160, 90, "yuv420p").scale(picture(320, 180, colour, form))
    assert (scaled.width, scaled.height, scaled.format.name) == (160, 90, "yuv420p")
    assert np.abs(shown(scaled)[30:60, 40:120].mean(axis=(0, 1)) - colour).max() < 2.5


@pytest.mark.parametrize(
    ("size", "bars", "middle"),
    [((200, 200), (45, 5), (45, 80)), ((400, 90), (5, 80), (45, 80))],
)
def test_another_shape_gets_black_bars(
    size: tuple[int, int], bars: tuple[int, int], middle: tuple[int, int]
) -> None:
    scaled = Scaler(160, 90, "yuv420p").scale(picture(*size, (200, 30, 40), "bgr0"))
    assert (scaled.width, scaled.height) == (160, 90)
    assert np.abs(shown(scaled)[bars]).max() < 4
    assert np.abs(shown(scaled)[middle] - (200, 30, 40)).max() < 4


def test_the_size_may_change_at_any_time() -> None:
    scaler = Scaler(160, 90, "nv12")
    for size in ((200, 200), (320, 180), (90, 300), (200, 200), (90, 300)):
        scaled = scaler.scale(picture(*size, (10, 200, 30), "bgr0"))
        assert (scaled.width, scaled.height, scaled.format.name) == (160, 90, "nv12")
        assert np.abs(shown(scaled)[45, 80] - (10, 200, 30)).max() < 4
