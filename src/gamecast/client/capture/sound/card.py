"""Recording on Windows (WASAPI) and macOS (CoreAudio) through ``soundcard``.

Only its PulseAudio back end, which has the same interface, has been run by the authors. What it
raises is not documented, so ``FAILURES`` is what its source raises: broken assertions among them.
"""

from __future__ import annotations

import contextlib
import importlib
import queue
import threading
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from gamecast.client.capture.source import (
    AudioFormat,
    Sink,
    SourceError,
    ThreadedSource,
    Timeline,
)

RATE = 48_000
BLOCK = 480
"""Frames that the device's buffer is asked to hold: 10 ms."""
QUIET = 2.0
"""Seconds without a block, which come even in silence, after which the device is opened anew."""
WAKING = 5.0
"""The same for the first block: a device that slept takes its time."""
RETRY = 1.0
"""Seconds between attempts to return to a device that has gone."""
FAILURES = (AssertionError, IndexError, OSError, RuntimeError, TypeError, ValueError)
VIRTUAL = ("blackhole", "loopback audio", "soundflower", "vb-cable")
"""Drivers that give macOS what it has not: a device that hears what is played."""
NO_LOOPBACK = (
    "macOS lets no program hear what is played: install a driver such as BlackHole "
    "(and make it an output), or use --audio none"
)
Samples = NDArray[np.float32]


@dataclass(slots=True, frozen=True)
class CardSound:
    """Something to record from."""

    id: str
    """The system's name for it, as text."""
    name: str
    hears_output: bool
    """Whether it is what is played, not a microphone."""
    channels: int


def library() -> Any:
    """The ``soundcard`` module. Raises ``SourceError`` where it or the sound system is absent."""
    # It warns of every gap in a recording, on standard error, amid the live panel.
    warnings.filterwarnings("ignore", module="soundcard")
    try:
        return importlib.import_module("soundcard")
    except ImportError as error:
        raise SourceError("the package 'soundcard' is not installed") from error
    except FAILURES as error:
        raise SourceError(f"no sound system: {error or 'it cannot be reached'}") from error


def sounds() -> list[CardSound]:
    """Everything that can be recorded. Raises ``SourceError``."""
    try:
        return [_described(each) for each in _microphones(library())]
    except FAILURES as error:
        raise SourceError(f"no sound system: {error}") from error


def open_system_sound() -> CardCapture:
    """What the player hears. Raises ``SourceError``."""
    try:
        speaker = str(library().default_speaker().id)
    except FAILURES as error:
        raise SourceError(f"there is no speaker to listen to: {error}") from error
    return CardCapture(heard(sounds(), speaker), shown="output")


def open_sound_device(name: str) -> CardCapture:
    """A device by its id or a part of its name. Raises ``SourceError``."""
    found = sounds()
    if name in ("mic", "default-mic"):
        try:
            standard = str(library().default_microphone().id)
        except FAILURES as error:
            raise SourceError(f"there is no microphone: {error}") from error
        return CardCapture(named(found, standard), shown="microphone")
    device = named(found, name)
    return CardCapture(device, shown=device.name)


def heard(found: Sequence[CardSound], speaker: str) -> CardSound:
    """What hears this speaker. Raises ``SourceError``."""
    for each in found:
        # WASAPI listens to the speaker itself, PulseAudio has a "monitor" called after it.
        if each.hears_output and each.id in (speaker, f"{speaker}.monitor"):
            return each
    for each in found:
        if each.hears_output or any(driver in each.name.casefold() for driver in VIRTUAL):
            return each
    raise SourceError(NO_LOOPBACK)


def named(found: Sequence[CardSound], name: str) -> CardSound:
    """A device by its id, else by a part of its name; microphones first. ``SourceError``."""
    ordered = sorted(found, key=lambda each: each.hears_output)
    wanted = name.casefold()
    for each in ordered:
        if each.id == name:
            return each
    for each in ordered:
        if wanted in each.name.casefold():
            return each
    names = ", ".join(repr(each.name) for each in ordered)
    raise SourceError(f"no sound source {name!r}; there are: {names or 'none'}")


def _microphones(cards: Any) -> list[Any]:
    with warnings.catch_warnings():
        # macOS has no loopback, and the library says so at every call.
        warnings.simplefilter("ignore")
        return list(cards.all_microphones(include_loopback=True))


def _described(microphone: Any) -> CardSound:
    return CardSound(
        id=str(microphone.id),
        name=str(microphone.name),
        hears_output=bool(microphone.isloopback),
        channels=int(microphone.channels),
    )


class Feed:
    """One open recording: a thread of its own, because a device that has gone never answers."""

    def __init__(self, device: CardSound, timeline: Timeline) -> None:
        self._device, self._timeline = device, timeline
        self._blocks: queue.Queue[tuple[float, Samples] | Exception] = queue.Queue(maxsize=200)
        self._ending = threading.Event()
        self._patience = WAKING
        self._thread = threading.Thread(target=self._main, name="sound card", daemon=True)
        self._thread.start()

    def next(self) -> tuple[float, Samples] | None:
        """When a block ended and its frames; ``None``: the device has gone."""
        try:
            block = self._blocks.get(timeout=self._patience)
        except queue.Empty:
            return None
        self._patience = QUIET
        return None if isinstance(block, Exception) else block

    def end(self) -> None:
        """Record no more; a thread that the device holds is left behind."""
        self._ending.set()
        self._thread.join(timeout=QUIET)

    def _main(self) -> None:
        try:
            self._record()
        except FAILURES as error:
            self._put(error)

    def _record(self) -> None:
        found = [each for each in _microphones(library()) if _described(each) == self._device]
        if not found:
            return
        microphone, channels = found[0], min(2, self._device.channels)
        with microphone.recorder(RATE, channels=channels, blocksize=BLOCK) as recorder:
            while not self._ending.is_set():
                samples = recorder.record(None)
                if len(samples):
                    self._put((self._timeline.now(), samples))

    def _put(self, block: tuple[float, Samples] | Exception) -> None:
        with contextlib.suppress(queue.Full):  # nobody listens any more
            self._blocks.put_nowait(block)


class CardCapture(ThreadedSource):
    """One device, at 48 kHz, in mono or stereo.

    Blocks are placed by when they came; the mixer smooths that, and fills with silence what a
    device leaves out. One that has gone is tried again.
    """

    def __init__(self, device: CardSound, *, shown: str) -> None:
        super().__init__()
        self.name = f"sound {shown}"
        self.audio_format = AudioFormat(RATE, min(2, device.channels))
        self._device = device

    def run(self, sink: Sink, timeline: Timeline) -> None:
        """Record until stopped."""
        while not self.stopping.is_set():
            feed = Feed(self._device, timeline)
            try:
                self._pass_on(feed, sink)
            finally:
                feed.end()
            self.stopping.wait(RETRY)

    def _pass_on(self, feed: Feed, sink: Sink) -> None:
        while not self.stopping.is_set():
            block = feed.next()
            if block is None:
                return
            ended, samples = block
            start = ended - len(samples) / RATE
            if start >= 0:
                sink.audio(_frame(samples, round(start * RATE)))


def _frame(samples: Samples, pts: int) -> av.AudioFrame:
    layout = "mono" if samples.shape[1] == 1 else "stereo"
    interleaved = np.ascontiguousarray(samples, np.float32).reshape(1, -1)
    frame = av.AudioFrame.from_ndarray(interleaved, format="flt", layout=layout)
    frame.sample_rate = RATE
    frame.pts, frame.time_base = pts, Fraction(1, RATE)
    return frame
