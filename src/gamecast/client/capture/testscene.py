"""The test scene as a source: pictures of ``Scene``, painted in real time."""

from __future__ import annotations

import time
from fractions import Fraction

import av
import numpy as np

from gamecast.client.capture.backdrop import Picture
from gamecast.client.capture.scene import Scene
from gamecast.client.capture.source import Sink, ThreadedSource, Timeline, VideoFormat
from gamecast.client.capture.ticker import ticks
from gamecast.media.track import VIDEO_CLOCK_RATE


class TestScene(ThreadedSource):
    """``gamecast push --test``: the scene at one size and rate."""

    __test__ = False  # pytest collects classes by this prefix

    def __init__(self, width: int = 1280, height: int = 720, fps: Fraction = Fraction(30)) -> None:
        super().__init__()
        self._scene = Scene(width, height)
        self.name = "test scene"
        self.video_format = VideoFormat(width, height, fps)
        self._fps = fps

    def run(self, sink: Sink, timeline: Timeline) -> None:
        """Paint one picture per tick; the clocks show the moment of painting."""
        time_base = Fraction(1, VIDEO_CLOCK_RATE)
        for index, missed in ticks(self._fps, now=timeline.now, wait=self.stopping.wait):
            if missed:
                sink.missed(missed)
            frame, picture = new_picture(self._scene.width, self._scene.height)
            self._scene.paint(picture, float(index / self._fps), time.time())
            frame.pts = int(index * VIDEO_CLOCK_RATE / self._fps)
            frame.time_base = time_base
            sink.video(frame)


def new_picture(width: int, height: int) -> tuple[av.VideoFrame, Picture]:
    """A yuv420p frame and writable views of its planes."""
    frame = av.VideoFrame(width, height, "yuv420p")
    planes = [
        np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)[
            :, : plane.width
        ]
        for plane in frame.planes
    ]
    return frame, Picture(*planes)
