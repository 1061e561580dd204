"""DeviceSource: pictures from one of FFmpeg's grabbing devices.

The device paces itself. Its pictures are put onto the grid of the frame rate, so that the encoder
sees steady times, and gaps in the grid are counted as capture lag.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

import av

from gamecast.client import avlog
from gamecast.client.capture.crop import Cropper, Share
from gamecast.client.capture.source import (
    Sink,
    SourceError,
    ThreadedSource,
    Timeline,
    VideoFormat,
)
from gamecast.media.track import VIDEO_CLOCK_RATE

REOPEN = 0.25
"""Seconds between attempts to open a device that is away for the moment."""
MAX_AGE = 60.0
"""Seconds for which a picture may have waited in the device since it was opened."""
EARLY = 0.75
"""Periods by which a picture may be early."""


@dataclass(slots=True, frozen=True)
class Grab:
    """What to open: names as ``ffmpeg -f FORMAT -OPTIONS -i ADDRESS`` has them."""

    format: str
    address: str
    options: Mapping[str, str]
    crop: Share | None = None
    """What part of its pictures is wanted, where the device itself cannot be told."""


class Grid:
    """Turns times of arrival into times of a steady rate that begins with the first picture."""

    def __init__(self, fps: Fraction) -> None:
        self._fps = fps
        self._origin: float | None = None
        self._last: int | None = None
        self._resting = False

    def rest(self) -> None:
        """The places up to the next picture are empty for a reason: nothing was there."""
        self._resting = True

    def place(self, seconds: float) -> tuple[int, int] | None:
        """The picture's time in 90 kHz ticks, and how many places before it stayed empty.

        A picture that comes a little early, because the one before was late, takes the next free
        place. ``None`` for one that has no place: devices that were not read for a while make up
        for it with a burst, and some have pictures from before the start.
        """
        if seconds < 0:
            return None
        if self._origin is None:
            self._origin = seconds
        position = float((seconds - self._origin) * self._fps)
        index, missed = round(position), 0
        if self._last is not None:
            index = max(index, self._last + 1)
            if index - position > EARLY:
                return None
            missed = 0 if self._resting else index - self._last - 1
        self._resting = False
        self._last = index
        begun = round(self._origin * VIDEO_CLOCK_RATE)
        return begun + int(index * VIDEO_CLOCK_RATE / self._fps), missed


class DeviceSource(ThreadedSource):
    """One device, one format. Subclasses that follow something override ``plan`` and ``stale``."""

    def __init__(self, grab: Grab, *, name: str, fps: Fraction) -> None:
        """Open the device to learn its size; raises ``SourceError``."""
        super().__init__()
        self.name = name
        self._fps = fps
        self._grab: Grab | None = grab
        self._cropper: Cropper | None = None
        self._container: av.container.InputContainer | None = self._open(grab)
        context = self._container.streams.video[0].codec_context
        size = context.width, context.height
        if grab.crop is not None:
            size = grab.crop.size(*size)
        self.video_format = VideoFormat(*size, fps)

    # What subclasses may change -----------------------------------------------------------------

    def plan(self) -> Grab | None:
        """What to grab from now on; ``None`` while there is nothing. Raises ``SourceError``."""
        return self._grab

    def stale(self) -> bool:
        """Asked after every picture: whether the device has to be opened anew."""
        return False

    def lost(self, error: Exception) -> None:
        """The device failed while it was grabbing. Raise ``SourceError`` where that is final."""
        raise SourceError(str(error)) from error

    # --------------------------------------------------------------------------------------------

    def run(self, sink: Sink, timeline: Timeline) -> None:
        """Grab until stopped."""
        grid = Grid(self._fps)
        while not self.stopping.is_set():
            if not self._ready():
                self.stopping.wait(REOPEN)
                continue
            try:
                self._grab_until_stale(sink, timeline, grid)
            except (av.FFmpegError, OSError) as error:
                self.lost(error)
            self._release()
            grid.rest()

    def close(self) -> None:
        """Close the device for good."""
        self._release()

    def _release(self) -> None:
        if self._container is not None:
            self._container.close()
            self._container = None

    def _ready(self) -> bool:
        """Open the device if it is not; ``False`` while that cannot be done."""
        if self._container is not None:
            return True
        grab = self.plan()
        if grab is None:
            return False
        try:
            self._container = self._open(grab)
        except SourceError as error:
            self.lost(error)
            return False
        return True

    def _grab_until_stale(self, sink: Sink, timeline: Timeline, grid: Grid) -> None:
        for frame in self._frames():
            if self.stopping.is_set():
                return
            place = grid.place(_captured_at(frame, timeline))
            if place is None:
                continue
            frame.pts, frame.time_base = place[0], Fraction(1, VIDEO_CLOCK_RATE)
            if place[1]:
                sink.missed(place[1])
            sink.video(frame)
            if self.stale():
                return

    def _frames(self) -> Iterator[av.VideoFrame]:
        if self._container is None:
            return
        for frame in self._container.decode(video=0):
            yield frame if self._cropper is None else self._cropper.crop(frame)

    def crop_to(self, share: Share | None) -> None:
        """Want another part of the pictures from now on; from the source's own thread."""
        self._cropper = Cropper(share) if share is not None else None

    def _open(self, grab: Grab) -> av.container.InputContainer:
        self.crop_to(grab.crop)
        with avlog.capture_errors() as lines:
            try:
                return av.open(grab.address, "r", format=grab.format, options=dict(grab.options))
            except (av.FFmpegError, OSError, ValueError) as error:
                reason = avlog.reason(error, lines)
                raise SourceError(f"{self.name} cannot be captured: {reason}") from error


def _captured_at(frame: av.VideoFrame, timeline: Timeline) -> float:
    """Seconds on the timeline at which the device took the picture.

    Devices stamp with the wall clock; one that does not is taken to have done it just now.
    """
    now = timeline.now()
    if frame.pts is None or not frame.time_base:
        return now
    age = time.time() - float(frame.pts * frame.time_base)
    return now - age if 0 <= age < MAX_AGE else now
