"""The screens and windows of Windows, by user32 and dwmapi through ctypes.

Source: the Win32 API reference, "winuser.h" and "dwmapi.h". Empty lists on other systems.
"""

from __future__ import annotations

import contextlib
import ctypes
import sys
from ctypes import c_int, c_long, c_ulong, c_void_p, c_wchar
from typing import Any

from gamecast.client.capture.x11.display import Screen, Window
from gamecast.client.capture.x11.wire import Geometry

PER_MONITOR_AWARE_V2 = -4
"""``DPI_AWARENESS_CONTEXT``: without it Windows tells scaled sizes, not pixels."""
PRIMARY = 1
"""``MONITORINFOF_PRIMARY``."""
EX_STYLE, TOOL_WINDOW = -20, 0x80
"""``GWL_EXSTYLE`` and ``WS_EX_TOOLWINDOW``: palettes and other things without a button."""
CLOAKED = 14
"""``DWMWA_CLOAKED``: on another virtual desktop, or a suspended app."""


class Rect(ctypes.Structure):
    """``RECT``: the right and bottom edges are outside."""

    _fields_ = (("left", c_long), ("top", c_long), ("right", c_long), ("bottom", c_long))

    @property
    def geometry(self) -> Geometry:
        """As place and size."""
        return Geometry(self.left, self.top, self.right - self.left, self.bottom - self.top)


class MonitorInfo(ctypes.Structure):
    """``MONITORINFOEXW``."""

    _fields_ = (
        ("size", c_ulong),
        ("monitor", Rect),
        ("work", Rect),
        ("flags", c_ulong),
        ("device", c_wchar * 32),
    )


def number(found: list[tuple[bool, str, Geometry]]) -> list[Screen]:
    """Screens from whether each is the primary one, its device name and its place.

    The primary one is first, as DXGI has it, whose numbers ``ddagrab`` takes.
    """
    ordered = sorted(found, key=lambda each: (not each[0], each[1]))
    return [Screen(index, device, place) for index, (_, device, place) in enumerate(ordered)]


def screens() -> list[Screen]:
    """Monitors, the primary one first."""
    if sys.platform != "win32":
        return []
    user, found = _user32(), []

    def take(monitor: Any, _context: Any, _rect: Any, _data: Any) -> int:
        info = MonitorInfo(size=ctypes.sizeof(MonitorInfo))
        if user.GetMonitorInfoW(c_void_p(monitor), ctypes.byref(info)):
            found.append((bool(info.flags & PRIMARY), info.device, info.monitor.geometry))
        return 1

    kind = ctypes.WINFUNCTYPE(c_int, c_void_p, c_void_p, ctypes.POINTER(Rect), c_void_p)
    user.EnumDisplayMonitors(None, None, kind(take), None)
    return number(found)


def windows() -> list[Window]:
    """Windows with a title that can be seen, the topmost first."""
    if sys.platform != "win32":
        return []
    user, handles = _user32(), []

    def take(handle: Any, _data: Any) -> int:
        handles.append(handle)
        return 1

    kind = ctypes.WINFUNCTYPE(c_int, c_void_p, c_void_p)
    user.EnumWindows(kind(take), None)
    found = []
    for handle in handles:
        title, place = _title(user, handle), geometry(handle)
        if title and place is not None and not _is_hidden(user, handle):
            found.append(Window(handle, title, place))
    return found


def geometry(window: int) -> Geometry | None:
    """The window's inside on the screen; ``None`` while it is minimised, and when it is gone."""
    if sys.platform != "win32":
        return None
    user, handle, rect = _user32(), c_void_p(window), Rect()
    if not user.IsWindowVisible(handle) or user.IsIconic(handle):
        return None
    corner = (c_long * 2)()
    if not user.GetClientRect(handle, ctypes.byref(rect)):
        return None
    user.ClientToScreen(handle, ctypes.byref(corner))
    inside = Geometry(corner[0], corner[1], rect.right, rect.bottom)
    return inside if inside.width > 1 and inside.height > 1 else None


def _user32() -> Any:
    if sys.platform != "win32":
        raise OSError("user32 is a part of Windows")
    user = ctypes.WinDLL("user32")
    # Says no where it has been settled before, which is as good; Windows 8 does not have it.
    with contextlib.suppress(AttributeError):
        user.SetProcessDpiAwarenessContext(c_void_p(PER_MONITOR_AWARE_V2))
    return user


def _title(user: Any, handle: int) -> str:
    buffer = ctypes.create_unicode_buffer(512)
    user.GetWindowTextW(c_void_p(handle), buffer, len(buffer))
    return buffer.value


def _is_hidden(user: Any, handle: int) -> bool:
    """Whether it is a palette, or kept from the screen by the compositor."""
    if user.GetWindowLongW(c_void_p(handle), EX_STYLE) & TOOL_WINDOW:
        return True
    if sys.platform != "win32":
        return False
    cloaked = c_ulong(0)
    composer = ctypes.WinDLL("dwmapi")
    size = ctypes.sizeof(cloaked)
    composer.DwmGetWindowAttribute(c_void_p(handle), CLOAKED, ctypes.byref(cloaked), size)
    return bool(cloaked.value)
