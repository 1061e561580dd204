"""Capturing an X screen, a region of it, or one window that moves, resizes, closes and returns."""

from __future__ import annotations

import os
from collections.abc import Mapping
from fractions import Fraction

from gamecast.client.capture.device import DeviceSource, Grab
from gamecast.client.capture.source import SourceError
from gamecast.client.capture.window import WindowSource
from gamecast.client.capture.x11.display import Display, Screen, Window
from gamecast.client.capture.x11.wire import Geometry, XError

XWAYLAND = (
    "this X server is Wayland's and shows no program the whole screen: run gamecast where "
    "WAYLAND_DISPLAY is set, or capture a game that runs in XWayland by --window"
)


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
        there = ", ".join(f"{each.number} ({each.name})" for each in screens)
        raise SourceError(f"no screen {number}; there are: {there}")
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
        raise SourceError(f"region {text} is not on the screen, which is {width}x{height}+0+0")
    return DeviceSource(grab_area(name, area, fps, cursor=cursor), name=f"region {text}", fps=fps)


class XDesktop:
    """The windows of an X display, as ``capture.window`` asks for them."""

    def __init__(
        self, fps: Fraction, *, cursor: bool, environ: Mapping[str, str] = os.environ
    ) -> None:
        """Raises ``SourceError`` where there is no display."""
        self._fps, self._cursor = fps, cursor
        try:
            self._display = Display(environ)
        except XError as error:
            raise SourceError(str(error)) from error

    def windows(self) -> list[Window]:
        """See ``Desktop.windows``."""
        try:
            return self._display.windows()
        except XError as error:
            raise SourceError(str(error)) from error

    def geometry(self, window: int) -> Geometry | None:
        """See ``Desktop.geometry``."""
        try:
            return self._display.geometry(window)
        except XError:
            return None

    def grab(self, window: Window) -> Grab:
        """See ``Desktop.grab``."""
        return grab_window(self._display.name, window, self._fps, cursor=self._cursor)

    def close(self) -> None:
        """See ``Desktop.close``."""
        self._display.close()


def open_window(
    pattern: str,
    fps: Fraction,
    *,
    cursor: bool = True,
    environ: Mapping[str, str] = os.environ,
) -> WindowSource:
    """A window by its title. Raises ``SourceError``."""
    return WindowSource(pattern, fps, XDesktop(fps, cursor=cursor, environ=environ))
