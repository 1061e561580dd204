"""What every capture back end looks like from outside.

A source delivers raw frames (to be encoded) or packets (``--encoder copy``) into a ``Sink`` from a
thread of its own. All sources of one push share a ``Timeline``, whose zero is the moment the
push began: a frame's ``pts`` in its ``time_base`` is seconds on that line, so sound and pictures
of different devices line up.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

import av

from gamecast.media.errors import MediaError
from gamecast.media.packet import Packet
from gamecast.media.track import Track


class SourceError(Exception):
    """The source cannot be opened or broke; the message is one clear line for the user."""


@dataclass(slots=True, frozen=True)
class VideoFormat:
    """What pictures a source delivers."""

    width: int
    height: int
    fps: Fraction


@dataclass(slots=True, frozen=True)
class AudioFormat:
    """What sound a source delivers."""

    rate: int = 48_000
    channels: int = 2


@dataclass(slots=True, frozen=True)
class Timeline:
    """The clock that all sources of one push share.

    ``origin`` is a reading of ``time.monotonic``; time in the past of it is negative.
    """

    origin: float

    @classmethod
    def begin(cls) -> Timeline:
        """A timeline whose zero is now."""
        return cls(time.monotonic())

    def now(self) -> float:
        """Seconds since the origin."""
        return time.monotonic() - self.origin


class Sink(Protocol):
    """Where a source delivers to. Methods are called from the source's thread and do not block."""

    def video(self, frame: av.VideoFrame) -> None:
        """One picture; the sink owns it."""

    def audio(self, frame: av.AudioFrame) -> None:
        """Some samples; the sink owns them."""

    def packet(self, packet: Packet) -> None:
        """One packet of a source that delivers ``tracks``."""

    def missed(self, frames: int) -> None:
        """Pictures that were due but not captured (capture lag)."""

    def ended(self, error: str | None) -> None:
        """The source is at its end, or broke for the reason given. Its last call."""


class Source(Protocol):
    """One capture back end, opened: what it delivers is known before it starts."""

    @property
    def name(self) -> str:
        """What the user sees, for example ``screen 0 (1920x1080)``."""

    @property
    def video_format(self) -> VideoFormat | None:
        """Pictures delivered through ``Sink.video``; ``None`` for sound alone or packets."""

    @property
    def audio_format(self) -> AudioFormat | None:
        """Sound delivered through ``Sink.audio``."""

    @property
    def tracks(self) -> tuple[Track, ...]:
        """Tracks of the packets delivered through ``Sink.packet``; empty for raw frames."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know about how it is captured, a line each."""

    def start(self, sink: Sink, timeline: Timeline) -> None:
        """Begin to deliver from a thread of its own. Once."""

    def stop(self) -> None:
        """End delivery, wait for the thread, release the device. May be called twice."""


class ThreadedSource:
    """The common half of sources: a daemon thread around ``run``, and orderly stopping."""

    name = "source"
    video_format: VideoFormat | None = None
    audio_format: AudioFormat | None = None
    tracks: tuple[Track, ...] = ()
    notes: tuple[str, ...] = ()

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self.stopping = threading.Event()

    def run(self, sink: Sink, timeline: Timeline) -> None:
        """Deliver until ``stopping`` is set or the end; raise ``SourceError`` if it breaks."""
        raise NotImplementedError

    def close(self) -> None:
        """Release what ``__init__`` opened. Called once, when the thread is over."""

    def start(self, sink: Sink, timeline: Timeline) -> None:
        """See ``Source.start``."""
        self._thread = threading.Thread(
            target=self._main, args=(sink, timeline), name=f"capture {self.name}", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """See ``Source.stop``."""
        self.stopping.set()
        if self._thread is None:
            self.close()
        elif self._thread is not threading.current_thread():
            self._thread.join()

    def _main(self, sink: Sink, timeline: Timeline) -> None:
        error: str | None = None
        try:
            self.run(sink, timeline)
        except (SourceError, MediaError, av.FFmpegError, OSError) as problem:
            error = f"{self.name}: {problem}"
        finally:
            self.close()
            sink.ended(error)
