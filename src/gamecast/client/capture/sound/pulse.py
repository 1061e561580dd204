"""Recording from PulseAudio or PipeWire: what is heard, or a microphone."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np

from gamecast.client.capture.sound import libpulse
from gamecast.client.capture.sound.libpulse import PulseError, PulseSource, Recorder
from gamecast.client.capture.source import (
    AudioFormat,
    Sink,
    SourceError,
    ThreadedSource,
    Timeline,
)

RATE = 48_000
CHANNELS = 2
BLOCK = 480
"""Frames read at once: 10 ms."""
USUAL_LATENCY = 0.03
SETTLE = 4.0
"""Seconds after opening in which sound that seems older than ``USUAL_LATENCY`` is left out.

The server hands over what it had buffered for a lazier listener, and guesses its age badly.
"""
RETRY = 1.0
"""Seconds between attempts to return to a device that has gone."""


class PulseCapture(ThreadedSource):
    """One source of the sound server; the server converts to 48 kHz stereo.

    When the server or the device goes away it is tried again; the encoder fills the time with
    silence.
    """

    def __init__(self, source: str, *, shown: str) -> None:
        """``source`` is the server's name for it. Raises ``SourceError``."""
        super().__init__()
        self.name = f"sound {shown}"
        self.audio_format = AudioFormat(RATE, CHANNELS)
        self._source = source
        try:
            self._recorder: Recorder | None = self._open()
        except PulseError as error:
            raise SourceError(f"sound {shown} cannot be recorded: {error}") from error

    def run(self, sink: Sink, timeline: Timeline) -> None:
        """Record until stopped."""
        while not self.stopping.is_set():
            try:
                if self._recorder is None:
                    self._recorder = self._open()
                self._record(self._recorder, sink, timeline)
            except PulseError:
                self.close()
                self.stopping.wait(RETRY)

    def close(self) -> None:
        """Close the stream."""
        if self._recorder is not None:
            self._recorder.close()
            self._recorder = None

    def _open(self) -> Recorder:
        return Recorder(self._source, rate=RATE, channels=CHANNELS, fragment=BLOCK)

    def _record(self, recorder: Recorder, sink: Sink, timeline: Timeline) -> None:
        opened = timeline.now()
        settled = False
        while not self.stopping.is_set():
            data = recorder.read(BLOCK)
            now, latency = timeline.now(), recorder.latency()
            settled = settled or latency < USUAL_LATENCY or now - opened > SETTLE
            # The next frame to be read was recorded ``latency`` ago, this block before it.
            start = now - latency - BLOCK / RATE
            if settled and start >= 0:
                sink.audio(_frame(data, round(start * RATE)))


def _frame(data: bytes, pts: int) -> av.AudioFrame:
    samples = np.frombuffer(data, np.float32).reshape(1, -1)
    frame = av.AudioFrame.from_ndarray(samples, format="flt", layout="stereo")
    frame.sample_rate = RATE
    frame.pts, frame.time_base = pts, Fraction(1, RATE)
    return frame


def open_system_sound() -> PulseCapture:
    """What the player hears. Raises ``SourceError``."""
    return PulseCapture(libpulse.MONITOR_OF_DEFAULT, shown="output")


def open_sound_device(name: str) -> PulseCapture:
    """A source by its name or a part of its description. Raises ``SourceError``."""
    if name in ("mic", "default-mic"):
        return PulseCapture(libpulse.DEFAULT_SOURCE, shown="microphone")
    try:
        found = libpulse.sources()
    except PulseError as error:
        raise SourceError(f"no sound server: {error}") from error
    matches = _matches(name, found)
    if not matches:
        names = ", ".join(source.name for source in found)
        raise SourceError(f"no sound source {name!r}; there are: {names or 'none'}")
    return PulseCapture(matches[0].name, shown=matches[0].description)


def _matches(name: str, found: list[PulseSource]) -> list[PulseSource]:
    exact = [source for source in found if source.name == name]
    if exact:
        return exact
    wanted = name.casefold()
    return [
        source
        for source in found
        if wanted in source.description.casefold() or wanted in source.name.casefold()
    ]
