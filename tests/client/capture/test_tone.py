import threading
import time

import av
import numpy as np

from gamecast.client.capture.source import Timeline
from gamecast.client.capture.tone import BLOCK, LEVEL, NOTES, RATE, Tone, bells
from tests.client.pictures import pts
from tests.client.sinks import Recorder


def test_each_bell_starts_sharply_and_fades_out() -> None:
    rows = bells()
    assert rows.shape == (len(NOTES), RATE)
    assert np.abs(rows).max() <= LEVEL
    loud = np.abs(rows) > LEVEL / 4
    assert (loud.argmax(axis=1) < RATE * 0.005).all()
    assert np.abs(rows[:, -1]).max() < 1e-3


def test_samples_follow_each_other_in_real_time_and_ring_at_full_seconds() -> None:
    tone, sink, timeline = Tone(), Recorder(), Timeline.begin()
    wall_at_zero = time.time() - timeline.now()
    tone.start(sink, timeline)
    sink.wait_for(audio=70)
    tone.stop()
    frames = sink.audio_frames
    starts = [pts(frame) for frame in frames]
    assert starts == list(range(starts[0], starts[0] + BLOCK * len(starts), BLOCK))
    samples = np.concatenate([frame.to_ndarray()[0] for frame in frames])
    onset = _first_onset(samples)
    wall = wall_at_zero + (starts[0] + onset) / RATE
    assert abs(wall - round(wall)) < 0.006
    assert sink.errors == [None]


def _first_onset(samples: np.ndarray[tuple[int], np.dtype[np.float32]]) -> int:
    """Index of the first loud sample after a quiet tenth of a second."""
    loud = np.flatnonzero(np.abs(samples) > 0.02)
    gaps = np.flatnonzero(np.diff(loud) > RATE // 10)
    first: int = loud[gaps[0] + 1] if len(gaps) else loud[0]
    return int(first)


def test_a_stopped_source_leaves_no_thread() -> None:
    tone, sink = Tone(), Recorder()
    tone.start(sink, Timeline.begin())
    sink.wait_for(audio=1)
    tone.stop()
    tone.stop()
    assert not [each for each in threading.enumerate() if each.name == "capture tone"]
    assert all(isinstance(frame, av.AudioFrame) for frame in sink.audio_frames)
