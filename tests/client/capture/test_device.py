from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gamecast.client.capture.device import DeviceSource, Grab, Grid
from gamecast.client.capture.source import SourceError, Timeline
from tests.client.sinks import Recorder


def place(grid: Grid, *times: float) -> list[tuple[int, int] | None]:
    """Places in frames of 30 per second."""
    found = [grid.place(time) for time in times]
    return [each and (each[0] // 3000, each[1]) for each in found]


def test_jitter_is_smoothed() -> None:
    assert place(Grid(Fraction(30)), 0.001, 0.045, 0.06, 0.112, 0.13) == [
        (0, 0),
        (1, 0),
        (2, 0),
        (3, 0),
        (4, 0),
    ]


def test_empty_places_are_counted_unless_there_was_nothing() -> None:
    grid = Grid(Fraction(30))
    assert place(grid, 0.0, 0.2) == [(0, 0), (6, 5)]
    grid.rest()
    assert place(grid, 1.0, 1.034) == [(30, 0), (31, 0)]


def test_a_burst_and_the_past_have_no_place() -> None:
    assert place(Grid(Fraction(30)), -0.5, 0.0, 0.001, 0.002, 0.003, 0.034) == [
        None,
        (0, 0),
        None,
        None,
        None,
        (1, 0),
    ]


@settings(deadline=None)
@given(st.lists(st.floats(0, 0.2), max_size=60))
def test_times_rise_and_stay_near_the_truth(steps: list[float]) -> None:
    grid, now, last = Grid(Fraction(60)), 0.0, -1
    for step in steps:
        now += step
        found = grid.place(now)
        if found is None:
            continue
        assert found[0] > last
        assert abs(found[0] / 90_000 - now) < 0.75 / 60 + 1e-3
        last = found[0]


def test_an_ffmpeg_device_in_real_time() -> None:
    """FFmpeg's own test picture stands for a camera."""
    grab = Grab("lavfi", "testsrc=size=64x48:rate=30,realtime", {})
    source, sink = DeviceSource(grab, name="camera", fps=Fraction(30)), Recorder()
    assert source.video_format is not None
    assert source.video_format.width == 64
    source.start(sink, Timeline.begin())
    sink.wait_for(video=10)
    source.stop()
    assert sink.errors == [None]


def test_a_device_that_is_not_there() -> None:
    with pytest.raises(SourceError, match="camera cannot be captured: "):
        DeviceSource(Grab("v4l2", "/dev/no-such-camera", {}), name="camera", fps=Fraction(30))


def test_a_failure_is_not_blamed_on_the_one_before() -> None:
    for _ in range(3):
        with pytest.raises(SourceError, match="No such filter: 'nothing'"):
            DeviceSource(Grab("lavfi", "nothing", {}), name="camera", fps=Fraction(30))
    with pytest.raises(SourceError, match="No such filter: 'other'"):
        DeviceSource(Grab("lavfi", "other", {}), name="camera", fps=Fraction(30))
