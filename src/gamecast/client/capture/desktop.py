"""Which back end captures the desktop on this machine, and its cameras.

Linux: X11 by ``x11grab``, cameras by ``v4l2``. Windows: ``gdigrab`` and ``dshow``. macOS:
``avfoundation``. Only the Linux ones have been run by the authors; the others use FFmpeg's devices
exactly as its manual has them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

from gamecast.client.capture.device import DeviceSource, Grab
from gamecast.client.capture.source import SourceError
from gamecast.client.capture.x11.grab import WindowSource, open_region, open_screen
from gamecast.client.capture.x11.wire import Geometry

WAYLAND = (
    "a Wayland session can only be captured through its portal, which is not supported: "
    "log in to an X11 session, or publish with OBS"
)


def open_desktop_screen(
    number: int, fps: Fraction, *, cursor: bool, environ: Mapping[str, str] = os.environ
) -> DeviceSource:
    """A whole screen. Raises ``SourceError``."""
    options = {"framerate": str(fps), "draw_mouse": "1" if cursor else "0"}
    if sys.platform == "win32":
        if number:
            raise SourceError("gdigrab captures all screens as one: use --region for a part of it")
        return DeviceSource(Grab("gdigrab", "desktop", options), name="desktop", fps=fps)
    if sys.platform == "darwin":
        options = {"framerate": str(fps), "capture_cursor": "1" if cursor else "0"}
        address = f"Capture screen {number}"
        return DeviceSource(Grab("avfoundation", address, options), name=address, fps=fps)
    _need_x11(environ)
    return open_screen(number, fps, cursor=cursor, environ=environ)


def open_desktop_window(
    pattern: str, fps: Fraction, *, cursor: bool, environ: Mapping[str, str] = os.environ
) -> DeviceSource:
    """A window by its title. Raises ``SourceError``."""
    if sys.platform == "win32":
        options = {"framerate": str(fps), "draw_mouse": "1" if cursor else "0"}
        # gdigrab wants the whole title, not an expression.
        grab = Grab("gdigrab", f"title={pattern}", options)
        return DeviceSource(grab, name=f"window {pattern!r}", fps=fps)
    if sys.platform == "darwin":
        raise SourceError("windows cannot be captured on macOS yet: use --screen or --region")
    _need_x11(environ)
    return WindowSource(pattern, fps, cursor=cursor, environ=environ)


def open_desktop_region(
    area: Geometry, fps: Fraction, *, cursor: bool, environ: Mapping[str, str] = os.environ
) -> DeviceSource:
    """A rectangle of the desktop. Raises ``SourceError``."""
    text = f"{area.width}x{area.height}"
    if sys.platform == "win32":
        options = {"framerate": str(fps), "draw_mouse": "1" if cursor else "0"}
        options |= {"offset_x": str(area.x), "offset_y": str(area.y), "video_size": text}
        return DeviceSource(Grab("gdigrab", "desktop", options), name=f"region {text}", fps=fps)
    if sys.platform == "darwin":
        raise SourceError("regions cannot be captured on macOS yet: use --screen")
    _need_x11(environ)
    return open_region(area, fps, cursor=cursor, environ=environ)


def open_camera(name: str, fps: Fraction, size: tuple[int, int] | None) -> DeviceSource:
    """A camera by name; empty for the first one. Raises ``SourceError``."""
    options = {"framerate": str(fps)}
    if size is not None:
        options["video_size"] = f"{size[0]}x{size[1]}"
    if sys.platform == "win32":
        if not name:
            raise SourceError("give the camera's name, for example --camera 'Integrated Camera'")
        return DeviceSource(Grab("dshow", f"video={name}", options), name=name, fps=fps)
    if sys.platform == "darwin":
        grab = Grab("avfoundation", name or "default", options)
        return DeviceSource(grab, name=name or "camera", fps=fps)
    found = cameras()
    if not found:
        raise SourceError("no camera found (/dev/video*)")
    path = found.get(name, name) if name else next(iter(found.values()))
    if path not in found.values():
        raise SourceError(f"no camera {name!r}; there are: {', '.join(found)}")
    return DeviceSource(Grab("v4l2", path, options), name=f"camera {path}", fps=fps)


def cameras() -> dict[str, str]:
    """Name and device of every camera that Linux lists."""
    found: dict[str, str] = {}
    for device in sorted(Path("/dev").glob("video*")):
        label = Path("/sys/class/video4linux") / device.name / "name"
        try:
            name = label.read_text("utf-8").strip()
        except OSError:
            name = device.name
        found.setdefault(name, str(device))
    return found


def _need_x11(environ: Mapping[str, str]) -> None:
    if not environ.get("DISPLAY") and environ.get("WAYLAND_DISPLAY"):
        raise SourceError(WAYLAND)
