"""Capturing an X screen, a region of it, or one window that moves, resizes, closes and returns."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from fractions import Fraction

from gamecast.client.capture.device import DeviceSource, Grab
from gamecast.client.capture.source import SourceError
from gamecast.client.capture.x11.display import Display, Screen, Window
from gamecast.client.capture.x11.wire import Geometry, XError

XWAYLAND = (
    "a Wayland session lets no program see the whole screen: capture a game that runs in XWayland "
    "by --window, log in to an X11 session, or publish with OBS"
)
LOOK = 0.2
"""Seconds between looks at where the window is and how big."""


def grab_area(display: str, area: Geometry, fps: Fraction, *, cursor: bool) -> Grab:
    """Grab a rectangle of the screen."""
    options = _options(fps, cursor=cursor)
    options |= {"grab_x": str(area.x), "grab_y": str(area.y)}
    options["video_size"] = f"{area.width}x{area.height}"
    return Grab("x11grab", display, options)


def grab_window(display: str, window: Window, fps: Fraction, *, cursor: bool) -> Grab:
    """Grab what a window shows, wherever it is."""
    size = window.geometry
    options = _options(fps, cursor=cursor) | {"window_id": str(window.id)}
    return Grab("x11grab", display, options | {"video_size": f"{size.width}x{size.height}"})


def _options(fps: Fraction, *, cursor: bool) -> dict[str, str]:
    # The format is known without looking at pictures, which would be half a second old then.
    known = {"probesize": "32", "analyzeduration": "0"}
    return known | {"framerate": str(fps), "draw_mouse": "1" if cursor else "0"}


def open_screen(
    number: int, fps: Fraction, *, cursor: bool = True, environ: Mapping[str, str] = os.environ
) -> DeviceSource:
    """Monitor ``number``, as ``gamecast devices`` counts them. Raises ``SourceError``."""
    try:
        with Display(environ) as display:
            screens, name = display.screens(), display.name
    except XError as error:
        raise SourceError(str(error)) from error
    if not 0 <= number < len(screens):
        raise SourceError(f"no screen {number}: there are screens 0 to {len(screens) - 1}")
    screen: Screen = screens[number]
    if screen.is_xwayland:
        raise SourceError(XWAYLAND)
    grab = grab_area(name, screen.geometry, fps, cursor=cursor)
    size = f"{screen.geometry.width}x{screen.geometry.height}"
    return DeviceSource(grab, name=f"screen {number} ({screen.name}, {size})", fps=fps)


def open_region(
    area: Geometry, fps: Fraction, *, cursor: bool = True, environ: Mapping[str, str] = os.environ
) -> DeviceSource:
    """A rectangle of the screen. Raises ``SourceError``."""
    try:
        with Display(environ) as display:
            (width, height), name = display.size, display.name
            if any(screen.is_xwayland for screen in display.screens()):
                raise SourceError(XWAYLAND)
    except XError as error:
        raise SourceError(str(error)) from error
    text = f"{area.width}x{area.height}+{area.x}+{area.y}"
    if area.x < 0 or area.y < 0 or area.x + area.width > width or area.y + area.height > height:
        raise SourceError(f"region {text} is not on the screen of {width}x{height}")
    return DeviceSource(grab_area(name, area, fps, cursor=cursor), name=f"region {text}", fps=fps)


class WindowSource(DeviceSource):
    """The first window whose title a regular expression finds.

    A resized window is grabbed anew; one that is minimised or closed leaves the last picture
    standing until it is back, or another one of such a title is there.
    """

    def __init__(
        self,
        pattern: str,
        fps: Fraction,
        *,
        cursor: bool = True,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        """Raises ``SourceError`` where there is no display, no such window, or no such pattern."""
        try:
            self._pattern = re.compile(pattern, re.IGNORECASE)
        except re.error as error:
            raise SourceError(f"--window {pattern!r} is no regular expression: {error}") from error
        self._cursor = cursor
        self._rate = fps
        self._looked_at = 0.0
        try:
            self._display = Display(environ)
        except XError as error:
            raise SourceError(str(error)) from error
        window = self._find()
        if window is None:
            titles = ", ".join(repr(each.title) for each in self._display.windows()[:8])
            self._display.close()
            raise SourceError(f"no window matches {pattern!r}; there are: {titles or 'none'}")
        self._window: Window = window
        grab = grab_window(self._display.name, window, fps, cursor=cursor)
        try:
            super().__init__(grab, name=f"window {window.title!r}", fps=fps)
        except SourceError:
            self._display.close()
            raise

    def plan(self) -> Grab | None:
        """Grab the same window if it is there, else the next of such a title."""
        try:
            window = self._same() or self._find()
        except XError as error:
            raise SourceError(str(error)) from error
        if window is None:
            return None
        self._window = window
        return grab_window(self._display.name, window, self._rate, cursor=self._cursor)

    def stale(self) -> bool:
        """Whether the window is no longer what is being grabbed."""
        now = time.monotonic()
        if now - self._looked_at < LOOK:
            return False
        self._looked_at = now
        same = self._same()
        if same is None:
            return True
        old, new = self._window.geometry, same.geometry
        return (old.width, old.height) != (new.width, new.height)

    def lost(self, error: Exception) -> None:
        """Grabbing failed between two looks: ``plan`` will find out what happened."""

    def close(self) -> None:
        """Close the grabber and the display."""
        super().close()
        self._display.close()

    def _find(self) -> Window | None:
        found = [each for each in self._display.windows() if self._pattern.search(each.title)]
        return found[0] if found else None

    def _same(self) -> Window | None:
        """The window with its present geometry; ``None`` if it is hidden or gone."""
        try:
            geometry = self._display.geometry(self._window.id)
        except XError:
            return None
        if geometry is None:
            return None
        return Window(self._window.id, self._window.title, geometry)
