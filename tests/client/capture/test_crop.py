from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gamecast.client.capture.crop import Share
from gamecast.client.capture.device import DeviceSource, Grab
from gamecast.client.capture.source import Timeline
from gamecast.client.capture.x11.wire import Geometry
from tests.client.sinks import Recorder

SCREEN = Geometry(1440, 0, 1280, 720)
SIDE = st.integers(1, 4000)
PLACE = st.integers(-4000, 4000)


def test_a_window_on_a_screen_with_two_pixels_to_a_point() -> None:
    share = Share.of(Geometry(1440 + 320, 180, 640, 360), SCREEN)
    assert share is not None
    assert share.rectangle(2560, 1440) == (640, 360, 1280, 720)


def test_what_hangs_over_the_edge_is_cut_off() -> None:
    share = Share.of(Geometry(1440 - 100, 620, 300, 300), SCREEN)
    assert share is not None
    assert share.rectangle(1280, 720) == (0, 620, 200, 100)
    assert Share.of(Geometry(0, 0, 1440, 900), SCREEN) is None


@settings(deadline=None)
@given(PLACE, PLACE, SIDE, SIDE, st.integers(2, 4000), st.integers(2, 4000))
def test_it_is_even_and_inside(
    x: int, y: int, width: int, height: int, wide: int, high: int
) -> None:
    share = Share.of(Geometry(x, y, width, height), SCREEN)
    if share is None:
        return
    left, top, cut_wide, cut_high = share.rectangle(wide, high)
    assert min(left, top) >= 0
    assert min(cut_wide, cut_high) >= 2
    assert left + cut_wide <= wide
    assert top + cut_high <= high
    assert not (left | top | cut_wide | cut_high) & 1


def test_a_device_delivers_the_part_alone() -> None:
    """The left half of FFmpeg's colour bars lacks what the right half has."""
    share = Share.of(Geometry(1440, 180, 640, 540), SCREEN)
    grab = Grab("lavfi", "color=red:size=64x48:rate=30,drawbox=x=32:color=blue:t=fill,realtime", {})
    cropped = Grab(grab.format, grab.address, grab.options, share)
    whole, part = Recorder(), Recorder()
    for each, sink in ((grab, whole), (cropped, part)):
        source = DeviceSource(each, name="screen", fps=Fraction(30))
        source.start(sink, Timeline.begin())
        sink.wait_for(video=2)
        source.stop()
        assert source.video_format is not None
        assert source.video_format.width == sink.video_frames[0].width
    before, after = whole.video_frames[0], part.video_frames[0]
    assert (after.width, after.height) == (32, 36)
    wanted = before.to_ndarray(format="rgb24")[12:48, :32]
    assert (after.to_ndarray(format="rgb24") == wanted).all()
    assert part.video_frames[1].pts == pytest.approx((after.pts or 0) + 3000, abs=3000)
