"""PortalSource: the pictures of a screen or window that the user has shared.

They come when something changes, at most at the asked rate; the encoder repeats the last one
meanwhile. A shared window may change its size: pictures of the new size follow, which the encoder
fits into its own.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from fractions import Fraction

from gamecast.client.capture.device import Grid
from gamecast.client.capture.source import (
    Sink,
    SourceError,
    ThreadedSource,
    Timeline,
    VideoFormat,
)
from gamecast.client.capture.wayland.grant import Grant
from gamecast.client.capture.wayland.gstreamer import Crop, Pictures, pads
from gamecast.client.capture.wayland.screencast import Kind
from gamecast.client.capture.x11.wire import Geometry
from gamecast.media.track import VIDEO_CLOCK_RATE

FIRST_PICTURE = 15.0
"""Seconds for the first picture; some compositors wait for something to move."""
LOOK = 0.25
"""Seconds between looks at whether it is to stop, when nothing changes."""
FAREWELL = 1.0
"""Seconds between the end of the stream and the desktop's word that it was meant."""
REOPENS = 5
"""Times that a pipeline which broke is started anew."""
ENDED = "the sharing was ended on the desktop"


class PortalSource(ThreadedSource):
    """What one ``Grant`` shows."""

    def __init__(
        self,
        grant: Grant,
        fps: Fraction,
        *,
        label: str,
        area: Geometry | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        """Wait for the first picture; ``area`` is the part of it that is wanted.

        The grant is closed with the source, also where this raises ``SourceError``.
        """
        super().__init__()
        self.name = label
        self._grant, self._fps, self._environ = grant, fps, environ
        self._crop: Crop | None = None
        self._pictures: Pictures | None = None
        self._reopens = REOPENS
        try:
            self._padded = pads(environ)
            width, height = self._open()
            if area is not None:
                self._crop = _crop(area, width, height)
                self._release()
                width, height = self._open()
        except BaseException:
            self.close()
            raise
        self.name = f"{label} ({width}x{height})"
        self.video_format = VideoFormat(width, height, fps)

    def run(self, sink: Sink, timeline: Timeline) -> None:
        """Deliver until stopped, or until the sharing is ended."""
        grid = Grid(self._fps)
        started = False
        while not self.stopping.is_set():
            pictures = self._running()
            frame, missed = pictures.take(LOOK)
            if frame is None:
                continue
            grid.rest()  # nothing came because nothing changed
            place = grid.place(timeline.now())
            if place is None:  # too early, but nothing may follow it
                pictures.put_back(frame)
                self.stopping.wait(float(1 / self._fps) / 4)
                continue
            if missed and started:  # before the start nobody wanted them
                sink.missed(missed)
            started = True
            frame.pts, frame.time_base = place[0], Fraction(1, VIDEO_CLOCK_RATE)
            sink.video(frame)

    def close(self) -> None:
        """End the pipeline and give the share back."""
        self._release()
        self._grant.close()

    def _running(self) -> Pictures:
        """The pipeline, started anew if it broke or lost its way. Raises ``SourceError``."""
        pictures = self._pictures
        over = pictures is None or pictures.over
        if self._grant.ended.wait(FAREWELL if over else 0):
            raise SourceError(ENDED)
        if pictures is None or over:
            reason = pictures.problem() if pictures is not None else ""
            self._reopens -= 1
            if self._reopens < 0 or (pictures is not None and not pictures.count):
                raise SourceError(reason)
            self._release()
            pictures = self._start()
        elif pictures.stale:
            self._release()
            pictures = self._start()
        return pictures

    def _start(self) -> Pictures:
        self._pictures = Pictures(
            self._grant.open_remote(),
            self._grant.node,
            self._fps,
            padded=self._padded,
            crop=self._crop,
            environ=self._environ,
        )
        return self._pictures

    def _open(self) -> tuple[int, int]:
        """Start and learn the size of the pictures."""
        pictures = self._start()
        end = time.monotonic() + FIRST_PICTURE
        while (frame := pictures.peek(LOOK)) is None:
            if self._grant.ended.is_set():
                raise SourceError(ENDED)
            if pictures.over:
                raise SourceError(pictures.problem())
            if time.monotonic() > end:
                raise SourceError(
                    f"the desktop sent no picture in {FIRST_PICTURE:g} s: does anything move there?"
                )
        return frame.width, frame.height

    def _release(self) -> None:
        if self._pictures is not None:
            self._pictures.close()
            self._pictures = None


def open_portal_screen(
    number: int, fps: Fraction, *, cursor: bool, environ: Mapping[str, str] = os.environ
) -> PortalSource:
    """The screen that the user chooses in the desktop's dialog, or chose for this number before.

    Raises ``SourceError``.
    """
    grant = Grant(Kind.SCREEN, f"screen {number}", cursor=cursor, environ=environ)
    return PortalSource(grant, fps, label=f"screen {number} of Wayland's portal", environ=environ)


def open_portal_window(
    title: str, fps: Fraction, *, cursor: bool, environ: Mapping[str, str] = os.environ
) -> PortalSource:
    """The window that the user chooses in the desktop's dialog: Wayland knows no way to ask for a
    title, which only names the choice here. Raises ``SourceError``."""
    grant = Grant(Kind.WINDOW, f"window {title}", cursor=cursor, environ=environ)
    label = "window chosen in the desktop's dialog (Wayland finds none by title)"
    return PortalSource(grant, fps, label=label, environ=environ)


def open_portal_region(
    area: Geometry, fps: Fraction, *, cursor: bool, environ: Mapping[str, str] = os.environ
) -> PortalSource:
    """A rectangle of the screen that the user chooses. Raises ``SourceError``."""
    grant = Grant(Kind.SCREEN, "screen 0", cursor=cursor, environ=environ)
    text = f"region +{area.x}+{area.y} of Wayland's portal"
    return PortalSource(grant, fps, label=text, area=area, environ=environ)


def _crop(area: Geometry, width: int, height: int) -> Crop:
    right, bottom = width - area.x - area.width, height - area.y - area.height
    if min(area.x, area.y, right, bottom) < 0 or min(area.width, area.height) <= 0:
        text = f"{area.width}x{area.height}+{area.x}+{area.y}"
        raise SourceError(f"region {text} is not on the screen of {width}x{height}")
    return Crop(area.x, area.y, right, bottom)
