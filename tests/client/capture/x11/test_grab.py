import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction

import av
import numpy as np
import pytest

from gamecast.client.capture.device import DeviceSource
from gamecast.client.capture.source import SourceError, Timeline
from gamecast.client.capture.x11.grab import open_region, open_screen, open_window
from gamecast.client.capture.x11.wire import Geometry
from tests.client.capture.x11.windows import Painter
from tests.client.pictures import pts
from tests.client.sinks import Recorder
from tests.support.events import wait_until

FPS = Fraction(30)
RED, GREEN, BLUE, GREY = 0xC81E28, 0x1EB43C, 0x1428D2, 0x808080


@contextmanager
def capturing(source: DeviceSource) -> Iterator[Recorder]:
    sink = Recorder()
    source.start(sink, Timeline.begin())
    try:
        yield sink
    finally:
        source.stop()
    assert sink.errors == [None]


def rgb(frame: av.VideoFrame) -> np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]:
    picture = frame.to_ndarray(format="rgb24")
    assert picture.dtype == np.uint8
    return picture.reshape(frame.height, frame.width, 3).astype(np.uint8)


def colour_at(frame: av.VideoFrame, x: int, y: int) -> int:
    red, green, blue = (int(value) for value in rgb(frame)[y, x])
    return red << 16 | green << 8 | blue


def wait_for_colour(sink: Recorder, colour: int, x: int, y: int) -> av.VideoFrame:
    """The newest picture, once it has this colour there."""

    def newest() -> av.VideoFrame | None:
        if not sink.video_frames:
            return None
        frame = sink.video_frames[-1]
        fits = frame.width > x and frame.height > y
        return frame if fits and colour_at(frame, x, y) == colour else None

    return wait_until(newest, f"colour {colour:06x}")


def test_the_screen_pixel_by_pixel(painter: Painter, screen: dict[str, str]) -> None:
    painter.create("red", x=0, y=0, width=320, height=180, colour=RED)
    painter.create("green", x=320, y=0, width=320, height=180, colour=GREEN)
    moving = painter.create("blue", x=0, y=180, width=100, height=100, colour=BLUE)
    source = open_screen(0, FPS, cursor=False, environ=screen)
    assert source.video_format is not None
    assert (source.video_format.width, source.video_format.height) == (640, 360)
    with capturing(source) as sink:
        first = wait_for_colour(sink, BLUE, 50, 230)
        assert colour_at(first, 10, 10) == RED
        assert colour_at(first, 600, 100) == GREEN
        painter.move(moving, 400, 200)
        moved = wait_for_colour(sink, BLUE, 450, 250)
        assert colour_at(moved, 50, 230) == 0
        sink.wait_for(video=len(sink.video_frames) + 10)
    times = [pts(frame) for frame in sink.video_frames]
    assert all(step >= 3000 and step % 3000 == 0 for step in np.diff(times))


def test_a_region(painter: Painter, screen: dict[str, str]) -> None:
    painter.create("red", x=100, y=50, width=64, height=64, colour=RED)
    area = Geometry(100, 50, 128, 64)
    with capturing(open_region(area, FPS, cursor=False, environ=screen)) as sink:
        frame = wait_for_colour(sink, RED, 63, 63)
        assert (frame.width, frame.height) == (128, 64)
        assert colour_at(frame, 64, 0) == 0


def test_a_window_wherever_it_goes(painter: Painter, screen: dict[str, str]) -> None:
    game = painter.create("Space Game 2", x=20, y=20, width=160, height=90, colour=RED)
    painter.create("other", x=400, y=200, width=64, height=64, colour=GREY)
    source = open_window("space game", FPS, cursor=False, environ=screen)
    with capturing(source) as sink:
        frame = wait_for_colour(sink, RED, 80, 45)
        assert (frame.width, frame.height) == (160, 90)
        painter.move(game, 300, 100)
        painter.paint(game, GREEN)
        frame = wait_for_colour(sink, GREEN, 159, 89)
        assert (frame.width, frame.height) == (160, 90)
        painter.resize(game, 200, 120)
        painter.paint(game, BLUE)
        frame = wait_for_colour(sink, BLUE, 199, 119)
        assert (frame.width, frame.height) == (200, 120)
        painter.resize(game, 80, 60)
        wait_until(lambda: sink.video_frames[-1].width == 80, "the smaller window")


def test_a_hidden_window_comes_back(painter: Painter, screen: dict[str, str]) -> None:
    game = painter.create("game", x=20, y=20, width=160, height=90, colour=RED)
    with capturing(open_window("game", FPS, cursor=False, environ=screen)) as sink:
        wait_for_colour(sink, RED, 80, 45)
        painter.hide(game)
        _wait_for_silence(sink)
        painter.paint(game, GREEN)
        painter.show(game)
        wait_for_colour(sink, GREEN, 80, 45)
    assert sink.missed_frames < 20


def test_a_closed_window_is_replaced_by_the_next_of_its_title(
    painter: Painter, screen: dict[str, str]
) -> None:
    game = painter.create("game (1)", x=20, y=20, width=160, height=90, colour=RED)
    with capturing(open_window(r"game \(\d\)", FPS, cursor=False, environ=screen)) as sink:
        wait_for_colour(sink, RED, 80, 45)
        painter.destroy(game)
        _wait_for_silence(sink)
        painter.create("game (2)", x=60, y=60, width=100, height=80, colour=BLUE)
        frame = wait_for_colour(sink, BLUE, 50, 40)
        assert (frame.width, frame.height) == (100, 80)


def _wait_for_silence(sink: Recorder) -> None:
    """Until no picture has come for a while."""
    seen, since = -1, time.monotonic()

    def silent() -> bool:
        nonlocal seen, since
        if len(sink.video_frames) != seen:
            seen, since = len(sink.video_frames), time.monotonic()
        return time.monotonic() - since > 0.3

    wait_until(silent, "no more pictures")


def test_errors_are_one_clear_line(painter: Painter, screen: dict[str, str]) -> None:
    painter.create("A Game", x=0, y=0, width=64, height=64)
    with pytest.raises(SourceError, match=r"no window matches 'chess'; there are: 'A Game'"):
        open_window("chess", FPS, environ=screen)
    with pytest.raises(SourceError, match="no regular expression"):
        open_window("(", FPS, environ=screen)
    with pytest.raises(SourceError, match=r"no screen 1; there are: 0 \(screen\)"):
        open_screen(1, FPS, environ=screen)
    with pytest.raises(SourceError, match="not on the screen, which is 640x360"):
        open_region(Geometry(600, 0, 64, 64), FPS, environ=screen)
    with pytest.raises(SourceError, match="DISPLAY is not set"):
        open_screen(0, FPS, environ={})
    with pytest.raises(SourceError, match="DISPLAY is not set"):
        open_window("x", FPS, environ={})
