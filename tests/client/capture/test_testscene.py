import time
from fractions import Fraction

import numpy as np

from gamecast.client.capture import clockstrip
from gamecast.client.capture.source import Timeline
from gamecast.client.capture.testscene import TestScene
from tests.client.pictures import luma, pts
from tests.client.sinks import Recorder


def test_pictures_come_at_their_time_and_show_it() -> None:
    source, sink = TestScene(320, 180, Fraction(30)), Recorder()
    before = time.time()
    source.start(sink, Timeline.begin())
    sink.wait_for(video=20)
    source.stop()
    after = time.time()
    frames = sink.video_frames
    steps = set(np.diff([pts(frame) for frame in frames]))
    assert all(step % 3000 == 0 for step in steps)
    assert 3000 in steps
    clocks = [clockstrip.decode(luma(frame)) for frame in frames]
    assert all(clock is not None for clock in clocks)
    shown = [clock / 1000 for clock in clocks if clock is not None]
    assert before - 0.001 <= shown[0] <= shown[-1] <= after
    assert sink.errors == [None]
