"""Mixer: several sources of sound as one, each with its gain and mute.

It mixes by the clock and not by arrival: what an input has not delivered in time is silence, so a
microphone that is unplugged never holds up the game's sound.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np
from av.audio.resampler import AudioResampler
from numpy.typing import NDArray

from gamecast.client.capture.sound.denoise import DELAY, Denoiser
from gamecast.client.capture.source import AudioFormat, Sink, Source, ThreadedSource, Timeline
from gamecast.client.capture.ticker import ticks
from gamecast.client.encode.soundclock import SoundClock
from gamecast.media.packet import Packet

RATE = 48_000
BLOCK = 960
"""Samples mixed at once: 20 ms."""
LATENCY = 2880
"""Samples by which mixing runs behind the clock: the time that inputs have to deliver."""
RING = 1 << 16
"""Samples remembered of each input: 1.4 s."""
CEILING = 0.98
"""Peak that the limiter lets through; 1.0 is full scale."""
RELEASE = 0.1
"""Share of the way back to full gain that the limiter goes per block."""

Samples = NDArray[np.float32]


@dataclass(slots=True)
class Channel:
    """What the user sets for one input; read by the mixer at every block."""

    name: str
    gain: float = 1.0
    """A factor, not decibels."""
    muted: bool = False
    denoise: bool = False
    """Whether steady noise is taken out; settled before the mixer is made."""
    level: float = 0.0
    """Peak of the last blocks before gain and mute, 0 to 1."""


class Input:
    """The sink of one source: remembers its sound by the time at which it was recorded."""

    def __init__(self, source: Source, channel: Channel) -> None:
        self.source = source
        self.channel = channel
        self.ended_with: str | None = None
        self._resampler = AudioResampler("fltp", "stereo", RATE)
        self._clock = SoundClock(RATE)
        self._ring = np.zeros((2, RING), np.float32)
        self._lock = threading.Lock()
        self._denoiser = Denoiser() if channel.denoise else None

    @property
    def delay(self) -> int:
        """Samples by which filtering delays this input."""
        return DELAY if self._denoiser is not None else 0

    def audio(self, frame: av.AudioFrame) -> None:
        """Samples of the source."""
        if frame.pts is None or not frame.time_base:
            return
        start = round(frame.pts * frame.time_base * RATE)
        for block in self._resampler.resample(frame):
            samples = block.to_ndarray().astype(np.float32, copy=False)
            placed = self._clock.place(start, samples.shape[1])
            start += samples.shape[1]
            if placed is None:
                continue
            if self._denoiser is None:
                self._write(placed.start, samples)
            else:
                for at, cleaned in self._denoiser.clean(samples, placed.start):
                    self._write(at, cleaned)

    def take(self, start: int) -> Samples:
        """The block that begins at ``start``; its place is silence afterwards."""
        places = np.arange(start, start + BLOCK) % RING
        with self._lock:
            block: Samples = self._ring[:, places]
            self._ring[:, places] = 0
        peak = float(np.abs(block).max())
        self.channel.level = max(peak, self.channel.level * 0.9)
        return block

    def _write(self, start: int, samples: Samples) -> None:
        places = np.arange(start, start + samples.shape[1]) % RING
        with self._lock:
            self._ring[:, places] = samples

    def video(self, frame: av.VideoFrame) -> None:
        """Sources of sound deliver none."""

    def packet(self, packet: Packet) -> None:
        """Nor packets."""

    def missed(self, frames: int) -> None:
        """Nor miss any."""

    def ended(self, error: str | None) -> None:
        """The source is over; it is silent from now on."""
        self.ended_with = error


class Limiter:
    """Keeps the sum of the inputs below full scale without distorting it."""

    def __init__(self) -> None:
        self._gain = 1.0

    def limit(self, block: Samples) -> Samples:
        """The block at a gain that follows peaks down at once and comes back slowly."""
        peak = float(np.abs(block).max())
        target = min(1.0, CEILING / peak) if peak > 0 else 1.0
        before = self._gain
        self._gain = min(target, before + (1.0 - before) * RELEASE)
        ramp = np.linspace(min(before, target), self._gain, block.shape[1], dtype=np.float32)
        return block * ramp


class Mixer(ThreadedSource):
    """Mixes to 48 kHz stereo."""

    def __init__(self, inputs: Sequence[tuple[Source, Channel]]) -> None:
        super().__init__()
        self.inputs = [Input(source, channel) for source, channel in inputs]
        self.name = " + ".join(source.name for source, _ in inputs)
        self.audio_format = AudioFormat(RATE, 2)
        self._limiter = Limiter()
        self._latency = LATENCY + max((each.delay for each in self.inputs), default=0)
        self.on_stem: Callable[[int, av.AudioFrame], None] | None = None
        """Gets every input by itself, by its number: with its gain and mute, before mixing."""

    @property
    def channels(self) -> list[Channel]:
        """What can be set while it runs."""
        return [each.channel for each in self.inputs]

    def run(self, sink: Sink, timeline: Timeline) -> None:
        """Start the inputs and mix until stopped."""
        for each in self.inputs:
            each.source.start(each, timeline)
        last: int | None = None
        for index, _ in ticks(Fraction(RATE, BLOCK), now=timeline.now, wait=self.stopping.wait):
            for number in range(index if last is None else last + 1, index + 1):
                start = number * BLOCK - self._latency
                if start >= 0:
                    sink.audio(_frame(self.mix(start), start))
            last = index

    def mix(self, start: int) -> Samples:
        """The block that begins at sample ``start`` of the timeline."""
        total = np.zeros((2, BLOCK), np.float32)
        for number, each in enumerate(self.inputs):
            block = each.take(start) * np.float32(each.channel.gain)
            if each.channel.muted:
                block[:] = 0
            total += block
            if self.on_stem is not None:
                self.on_stem(number, _frame(np.ascontiguousarray(block.clip(-1.0, 1.0)), start))
        return self._limiter.limit(total)

    def close(self) -> None:
        """Stop the inputs."""
        for each in self.inputs:
            each.source.stop()


def _frame(samples: Samples, start: int) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="stereo")
    frame.sample_rate = RATE
    frame.pts, frame.time_base = start, Fraction(1, RATE)
    return frame
