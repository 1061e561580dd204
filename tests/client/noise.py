"""A source that fills any bitrate."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np

from gamecast.client.capture.source import Sink, ThreadedSource, Timeline, VideoFormat
from gamecast.client.capture.ticker import ticks


class Noise(ThreadedSource):
    """Pictures that no encoder makes small."""

    name = "noise"
    video_format = VideoFormat(320, 180, Fraction(30))

    def run(self, sink: Sink, timeline: Timeline) -> None:
        """Until stopped."""
        random = np.random.default_rng(1)
        stock = [random.integers(16, 235, (270, 320), dtype=np.uint8) for _ in range(20)]
        for index, _ in ticks(Fraction(30), now=timeline.now, wait=self.stopping.wait):
            frame = av.VideoFrame.from_ndarray(stock[index % 20], format="yuv420p")
            frame.pts, frame.time_base = index, Fraction(1, 30)
            sink.video(frame)
