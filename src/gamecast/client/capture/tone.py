"""The test sound: a soft bell at the start of every second of the wall clock.

Its attack is sharp and falls together with the pulse of the test scene; the notes climb a
pentatonic scale, so that one can tell a second from the next.
"""

from __future__ import annotations

import time
from fractions import Fraction

import av
import numpy as np
from numpy.typing import NDArray

from gamecast.client.capture.source import AudioFormat, Sink, ThreadedSource, Timeline
from gamecast.client.capture.ticker import ticks

RATE = 48_000
BLOCK = 1024
"""Samples per delivered frame: one AAC frame, 21.3 ms."""
NOTES = (523.25, 587.33, 659.25, 783.99, 880.0, 783.99, 659.25, 587.33)
"""Frequencies in Hz of successive seconds."""
LEVEL = 0.25
"""Peak amplitude; 1.0 is full scale."""


def bells() -> NDArray[np.float32]:
    """One second of every note, of shape ``(len(NOTES), RATE)``."""
    seconds = np.arange(RATE) / RATE
    envelope = np.minimum(seconds / 0.004, 1) * np.exp(-seconds * 7)
    envelope *= np.clip((1 - seconds) / 0.05, 0, 1)
    rows = [
        np.sin(2 * np.pi * note * seconds)
        + 0.35 * np.sin(2 * np.pi * note * 2 * seconds) * np.exp(-seconds * 6)
        for note in NOTES
    ]
    scaled: NDArray[np.float32] = (np.stack(rows) * envelope * LEVEL / 1.35).astype(np.float32)
    return scaled


class Tone(ThreadedSource):
    """``--audio tone``: 48 kHz stereo, float samples."""

    def __init__(self) -> None:
        super().__init__()
        self.name = "tone"
        self.audio_format = AudioFormat(RATE, 2)
        self._second = bells().reshape(-1)

    def run(self, sink: Sink, timeline: Timeline) -> None:
        """Deliver blocks at their time; a late thread catches up, for sound has no gaps."""
        offset = round((time.time() - timeline.now()) * RATE)
        delivered: int | None = None
        for index, _ in ticks(Fraction(RATE, BLOCK), now=timeline.now, wait=self.stopping.wait):
            first = index if delivered is None else delivered + 1
            for block in range(first, index + 1):
                sink.audio(self.block(block * BLOCK, offset))
            delivered = index

    def block(self, start: int, offset: int) -> av.AudioFrame:
        """The samples from ``start`` on; sample 0 is ``offset`` samples after 1970."""
        positions = (np.arange(start, start + BLOCK) + offset) % len(self._second)
        samples = np.repeat(self._second[positions][None, :], 2, axis=0)
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="stereo")
        frame.sample_rate = RATE
        frame.pts = start
        frame.time_base = Fraction(1, RATE)
        return frame
