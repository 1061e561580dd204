"""The screens and windows of macOS, by CoreGraphics and CoreFoundation through ctypes.

Places are in points, of which a Retina screen has one for two by two pixels. Titles are told to
programs that may record the screen only. Source: Apple's "Quartz Window Services" and "Quartz
Display Services" references. Empty lists on other systems.
"""

from __future__ import annotations

import ctypes
import sys
from ctypes import byref, c_bool, c_char_p, c_double, c_int, c_long, c_uint32, c_void_p
from typing import Any

from gamecast.client.capture.x11.display import Screen, Window
from gamecast.client.capture.x11.wire import Geometry

ON_SCREEN, NO_DESKTOP = 1, 1 << 4
"""``kCGWindowListOptionOnScreenOnly`` and ``kCGWindowListExcludeDesktopElements``."""
UTF8, INT32 = 0x08000100, 3
"""``kCFStringEncodingUTF8`` and ``kCFNumberSInt32Type``."""
MAX_SCREENS = 16
FRAMEWORKS = "/System/Library/Frameworks"


class Rect(ctypes.Structure):
    """``CGRect``, flattened."""

    _fields_ = (("x", c_double), ("y", c_double), ("width", c_double), ("height", c_double))

    @property
    def geometry(self) -> Geometry:
        """In whole points."""
        return Geometry(round(self.x), round(self.y), round(self.width), round(self.height))


def title_of(owner: str, name: str) -> str:
    """What a user would call a window: many games give theirs no name of its own."""
    return f"{owner} - {name}" if name and name != owner else owner


def screens() -> list[Screen]:
    """Displays in the order in which FFmpeg numbers its ``Capture screen``."""
    if sys.platform != "darwin":
        return []
    graphics = ctypes.CDLL(f"{FRAMEWORKS}/CoreGraphics.framework/CoreGraphics")
    graphics.CGDisplayBounds.restype, graphics.CGDisplayBounds.argtypes = Rect, (c_uint32,)
    displays, count = (c_uint32 * MAX_SCREENS)(), c_uint32(0)
    graphics.CGGetActiveDisplayList(MAX_SCREENS, displays, byref(count))
    return [
        Screen(number, f"Capture screen {number}", graphics.CGDisplayBounds(each).geometry)
        for number, each in enumerate(displays[: count.value])
    ]


def windows() -> list[Window]:
    """Windows of programs, the topmost first."""
    if sys.platform != "darwin":
        return []
    lists = _WindowLists()
    return [
        each for each in lists.windows() if each.geometry.width > 1 and each.geometry.height > 1
    ]


class _WindowLists:
    """The two libraries with their functions' types."""

    def __init__(self) -> None:
        self._core = ctypes.CDLL(f"{FRAMEWORKS}/CoreFoundation.framework/CoreFoundation")
        self._graphics = ctypes.CDLL(f"{FRAMEWORKS}/CoreGraphics.framework/CoreGraphics")
        for library, name, result, arguments in (
            (self._core, "CFArrayGetCount", c_long, (c_void_p,)),
            (self._core, "CFArrayGetValueAtIndex", c_void_p, (c_void_p, c_long)),
            (self._core, "CFDictionaryGetValue", c_void_p, (c_void_p, c_void_p)),
            (self._core, "CFStringGetCString", c_bool, (c_void_p, c_char_p, c_long, c_uint32)),
            (self._core, "CFNumberGetValue", c_bool, (c_void_p, c_long, c_void_p)),
            (self._core, "CFRelease", None, (c_void_p,)),
            (self._graphics, "CGWindowListCopyWindowInfo", c_void_p, (c_uint32, c_uint32)),
            (
                self._graphics,
                "CGRectMakeWithDictionaryRepresentation",
                c_bool,
                (c_void_p, c_void_p),
            ),
        ):
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments

    def windows(self) -> list[Window]:
        """Normal windows (layer 0) that are on the screen."""
        array = self._graphics.CGWindowListCopyWindowInfo(ON_SCREEN | NO_DESKTOP, 0)
        if not array:
            return []
        try:
            count = self._core.CFArrayGetCount(array)
            items = [self._core.CFArrayGetValueAtIndex(array, index) for index in range(count)]
            return [self._window(each) for each in items if self._number(each, "Layer") == 0]
        finally:
            self._core.CFRelease(array)

    def _window(self, item: int) -> Window:
        bounds = Rect()
        place = self._value(item, "Bounds")
        if place:
            self._graphics.CGRectMakeWithDictionaryRepresentation(place, byref(bounds))
        title = title_of(self._text(item, "OwnerName"), self._text(item, "Name"))
        return Window(self._number(item, "Number"), title, bounds.geometry)

    def _value(self, item: int, key: str) -> Any:
        name = c_void_p.in_dll(self._graphics, f"kCGWindow{key}")
        return self._core.CFDictionaryGetValue(item, name)

    def _number(self, item: int, key: str) -> int:
        number, value = c_int(0), self._value(item, key)
        if value:
            self._core.CFNumberGetValue(value, INT32, byref(number))
        return number.value

    def _text(self, item: int, key: str) -> str:
        buffer, value = ctypes.create_string_buffer(1024), self._value(item, key)
        if not value or not self._core.CFStringGetCString(value, buffer, len(buffer), UTF8):
            return ""
        return buffer.value.decode("utf-8", "replace")
