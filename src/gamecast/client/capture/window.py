"""WindowSource: one window, found by its title, that moves, resizes, closes and returns.

What differs between platforms is behind ``Desktop``.
"""

from __future__ import annotations

import re
import time
from fractions import Fraction
from typing import Protocol

from gamecast.client.capture.device import DeviceSource, Grab
from gamecast.client.capture.source import SourceError
from gamecast.client.capture.x11.display import Window
from gamecast.client.capture.x11.wire import Geometry

LOOK = 0.2
"""Seconds between looks at where the window is and how big."""


class Desktop(Protocol):
    """What a platform knows of its windows. Methods raise ``SourceError``. For one thread."""

    def windows(self) -> list[Window]:
        """Every window that a user would know, the topmost first."""

    def geometry(self, window: int) -> Geometry | None:
        """Where it is on the screen; ``None`` while it is hidden, and when it is gone."""

    def grab(self, window: Window) -> Grab:
        """How to capture it."""

    def close(self) -> None:
        """Nothing more is asked."""


class WindowSource(DeviceSource):
    """The first window whose title a regular expression finds.

    A resized window is grabbed anew; one that is minimised or closed leaves the last picture
    standing until it is back, or another one of such a title is there.
    """

    def __init__(self, pattern: str, fps: Fraction, desktop: Desktop) -> None:
        """Takes the desktop over. Raises ``SourceError`` without such a window or pattern."""
        self._desktop = desktop
        self._looked_at = 0.0
        try:
            self._pattern = _compiled(pattern)
            self.window = self._first(pattern)
            grab = desktop.grab(self.window)
            super().__init__(grab, name=f"window {self.window.title!r}", fps=fps)
        except SourceError:
            desktop.close()
            raise

    def plan(self) -> Grab | None:
        """Grab the same window if it is there, else the next of such a title."""
        window = self.same() or self._find()
        if window is None:
            return None
        self.window = window
        return self._desktop.grab(window)

    def stale(self) -> bool:
        """Whether the window is no longer what is being grabbed."""
        now = time.monotonic()
        if now - self._looked_at < LOOK:
            return False
        self._looked_at = now
        same = self.same()
        return same is None or self.changed(same.geometry)

    def changed(self, geometry: Geometry) -> bool:
        """Whether a window that is now there has to be grabbed anew: it has another size."""
        old = self.window.geometry
        return (old.width, old.height) != (geometry.width, geometry.height)

    def lost(self, error: Exception) -> None:
        """Grabbing failed between two looks: ``plan`` will find out what happened."""

    def close(self) -> None:
        """Close the grabber and the desktop."""
        super().close()
        self._desktop.close()

    def same(self) -> Window | None:
        """The window with its present geometry; ``None`` if it is hidden or gone."""
        geometry = self._desktop.geometry(self.window.id)
        return None if geometry is None else Window(self.window.id, self.window.title, geometry)

    def _first(self, pattern: str) -> Window:
        window = self._find()
        if window is None:
            titles = ", ".join(repr(each.title) for each in self._desktop.windows()[:8])
            raise SourceError(f"no window matches {pattern!r}; there are: {titles or 'none'}")
        return window

    def _find(self) -> Window | None:
        found = [each for each in self._desktop.windows() if self._pattern.search(each.title)]
        return found[0] if found else None


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern, re.IGNORECASE)
    except re.error as error:
        raise SourceError(f"--window {pattern!r} is no regular expression: {error}") from error
