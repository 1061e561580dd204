"""macOS: screens and cameras by ``avfoundation``; windows and regions are cut out of a screen.

Not run by the authors: names and options are those of FFmpeg's manual and ``avfoundation.m``. A
window that is covered by another is captured as covered.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import av.device

from gamecast.client.capture import macos_list
from gamecast.client.capture.crop import Share
from gamecast.client.capture.device import DeviceSource, Grab
from gamecast.client.capture.source import SourceError
from gamecast.client.capture.window import WindowSource
from gamecast.client.capture.x11.display import Screen, Window
from gamecast.client.capture.x11.wire import Geometry

SCREEN = "Capture screen "
"""How avfoundation's names of screens begin; a number follows."""
PIXELS = "uyvy422"
"""What it falls back to, with a warning, unless it is asked for."""
PERMISSION = "(System Settings, Privacy & Security, Screen Recording has to allow the terminal)"


def screen_grab(number: int, fps: Fraction, *, cursor: bool, crop: Share | None = None) -> Grab:
    """A display, or a part of it."""
    options = {"framerate": str(fps), "capture_cursor": str(int(cursor)), "pixel_format": PIXELS}
    return Grab("avfoundation", f"{SCREEN}{number}", options, crop)


def area_grab(
    area: Geometry, screens: Sequence[Screen], fps: Fraction, *, cursor: bool
) -> Grab | None:
    """What is inside of a rectangle, in points; ``None`` if it is on no screen.

    Of one that lies on several screens, the part on the screen that has most of it.
    """
    shares = [(Share.of(area, each.geometry), each) for each in screens]
    inside = [(share, each) for share, each in shares if share is not None]
    if not inside:
        return None
    share, screen = max(inside, key=lambda pair: _area(*pair))
    return screen_grab(screen.number, fps, cursor=cursor, crop=share)


def _area(share: Share, screen: Screen) -> float:
    return share.width * screen.geometry.width * share.height * screen.geometry.height


class MacDesktop:
    """The windows of the desktop, as ``capture.window`` asks for them."""

    def __init__(self, fps: Fraction, *, cursor: bool) -> None:
        self._fps, self._cursor = fps, cursor

    def windows(self) -> list[Window]:
        """See ``Desktop.windows``."""
        return macos_list.windows()

    def geometry(self, window: int) -> Geometry | None:
        """See ``Desktop.geometry``; one that was moved off every screen is hidden, too."""
        screens = macos_list.screens()
        for each in self.windows():
            if each.id == window and any(Share.of(each.geometry, s.geometry) for s in screens):
                return each.geometry
        return None

    def grab(self, window: Window) -> Grab:
        """See ``Desktop.grab``."""
        grab = area_grab(window.geometry, macos_list.screens(), self._fps, cursor=self._cursor)
        if grab is None:
            raise SourceError(f"window {window.title!r} is on no screen")
        return grab

    def close(self) -> None:
        """Nothing is open."""


class MacWindowSource(WindowSource):
    """Follows a window over its screen without opening the screen anew."""

    def __init__(self, pattern: str, fps: Fraction, desktop: MacDesktop) -> None:
        super().__init__(pattern, fps, desktop)
        self._mac = desktop

    def changed(self, geometry: Geometry) -> bool:
        """Whether it went to another screen; otherwise another part of this one is taken."""
        if geometry == self.window.geometry:
            return False
        before = self._mac.grab(self.window)
        self.window = Window(self.window.id, self.window.title, geometry)
        grab = self._mac.grab(self.window)
        self.crop_to(grab.crop)
        return grab.address != before.address


def open_screen(number: int, fps: Fraction, *, cursor: bool) -> DeviceSource:
    """A display by its number. Raises ``SourceError``."""
    return _open(screen_grab(number, fps, cursor=cursor), fps, name=f"screen {number}")


def open_region(area: Geometry, fps: Fraction, *, cursor: bool) -> DeviceSource:
    """A rectangle of the desktop, in points. Raises ``SourceError``."""
    text = f"region {area.width}x{area.height}+{area.x}+{area.y}"
    grab = area_grab(area, macos_list.screens(), fps, cursor=cursor)
    if grab is None:
        raise SourceError(f"{text} is on no screen")
    return _open(grab, fps, name=text)


def open_window(pattern: str, fps: Fraction, *, cursor: bool) -> WindowSource:
    """A window by its title or its program. Raises ``SourceError``."""
    try:
        return MacWindowSource(pattern, fps, MacDesktop(fps, cursor=cursor))
    except SourceError as error:
        raise SourceError(f"{error} {PERMISSION}") from error


def _open(grab: Grab, fps: Fraction, *, name: str) -> DeviceSource:
    try:
        return DeviceSource(grab, name=name, fps=fps)
    except SourceError as error:
        raise SourceError(f"{error} {PERMISSION}") from error


def cameras() -> dict[str, str]:
    """Name and address of every camera."""
    try:
        found = av.device.enumerate_input_devices("avfoundation")
    except (av.FFmpegError, ValueError):
        return {}
    return {
        each.description: each.name
        for each in found
        if "video" in each.media_types and not each.description.startswith(SCREEN)
    }


def camera_grab(address: str, options: dict[str, str]) -> Grab:
    """A camera by its number in avfoundation's list."""
    return Grab("avfoundation", address, options | {"pixel_format": PIXELS})
