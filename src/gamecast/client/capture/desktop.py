"""Which back end captures the desktop on this machine, and its cameras.

Linux: X11 by ``x11grab``, Wayland by the desktop's portal, cameras by ``v4l2``. Windows and macOS
have modules of their own, which no author of this has run.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from fractions import Fraction
from typing import Protocol

from gamecast.client.capture import linux_camera, macos, windows
from gamecast.client.capture.device import DeviceSource, Grab
from gamecast.client.capture.source import Source, SourceError
from gamecast.client.capture.x11 import grab as x11
from gamecast.client.capture.x11.display import Display
from gamecast.client.capture.x11.wire import Geometry, XError


class Cameras(Protocol):
    """A module that knows a platform's cameras."""

    def cameras(self) -> dict[str, str]:
        """Name and address of every camera."""

    def camera_grab(self, address: str, options: dict[str, str]) -> Grab:
        """How to capture one."""


_CAMERAS: dict[str, Cameras] = {"win32": windows, "darwin": macos, "linux": linux_camera}


def open_desktop_screen(
    number: int, fps: Fraction, *, cursor: bool, environ: Mapping[str, str] = os.environ
) -> Source:
    """A whole screen. Raises ``SourceError``."""
    if sys.platform == "win32":
        return windows.open_screen(number, fps, cursor=cursor)
    if sys.platform == "darwin":
        return macos.open_screen(number, fps, cursor=cursor)
    if is_wayland(environ):
        from gamecast.client.capture.wayland.source import open_portal_screen

        return open_portal_screen(number, fps, cursor=cursor, environ=environ)
    return x11.open_screen(number, fps, cursor=cursor, environ=environ)


def open_desktop_window(
    pattern: str, fps: Fraction, *, cursor: bool, environ: Mapping[str, str] = os.environ
) -> Source:
    """A window by its title, a regular expression. Raises ``SourceError``.

    Under Wayland that finds the windows of XWayland, which most games are; for any other one
    the user is asked.
    """
    if sys.platform == "win32":
        return windows.open_window(pattern, fps, cursor=cursor)
    if sys.platform == "darwin":
        return macos.open_window(pattern, fps, cursor=cursor)
    if is_wayland(environ) and not _in_xwayland(pattern, environ):
        from gamecast.client.capture.wayland.source import open_portal_window

        return open_portal_window(pattern, fps, cursor=cursor, environ=environ)
    return x11.open_window(pattern, fps, cursor=cursor, environ=environ)


def open_desktop_region(
    area: Geometry, fps: Fraction, *, cursor: bool, environ: Mapping[str, str] = os.environ
) -> Source:
    """A rectangle of the desktop. Raises ``SourceError``."""
    if sys.platform == "win32":
        return windows.open_region(area, fps, cursor=cursor)
    if sys.platform == "darwin":
        return macos.open_region(area, fps, cursor=cursor)
    if is_wayland(environ):
        from gamecast.client.capture.wayland.source import open_portal_region

        return open_portal_region(area, fps, cursor=cursor, environ=environ)
    return x11.open_region(area, fps, cursor=cursor, environ=environ)


def cameras() -> dict[str, str]:
    """Name and address of every camera."""
    return _camera_module().cameras()


def open_camera(name: str, fps: Fraction, size: tuple[int, int] | None) -> DeviceSource:
    """A camera by name; empty for the first one. Raises ``SourceError``."""
    options = {"framerate": str(fps)}
    if size is not None:
        options["video_size"] = f"{size[0]}x{size[1]}"
    found = cameras()
    if not found:
        raise SourceError("no camera found")
    address = found.get(name, name) if name else next(iter(found.values()))
    if address not in found.values():
        raise SourceError(f"no camera {name!r}; there are: {', '.join(found)}")
    shown = next(each for each, where in found.items() if where == address)
    return DeviceSource(
        _camera_module().camera_grab(address, options), name=f"camera {shown}", fps=fps
    )


def _camera_module() -> Cameras:
    return _CAMERAS.get(sys.platform, linux_camera)


def is_wayland(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether only the desktop's portal shows this session's screen: there is a Wayland display,
    and no X server but Wayland's own."""
    if not environ.get("WAYLAND_DISPLAY"):
        return False
    try:
        with Display(environ) as display:
            return any(screen.is_xwayland for screen in display.screens())
    except XError:
        return True


def _in_xwayland(pattern: str, environ: Mapping[str, str]) -> bool:
    """Whether an X window has such a title; a pattern that is none is left to be complained of."""
    try:
        with Display(environ) as display:
            titles = [window.title for window in display.windows()]
    except XError:
        return False
    try:
        return any(re.search(pattern, title, re.IGNORECASE) for title in titles)
    except re.error:
        return True
