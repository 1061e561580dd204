"""Windows: which of FFmpeg's grabbers is asked for what, and in which order.

``ddagrab`` (desktop duplication) and ``gfxcapture`` (Windows.Graphics.Capture) see games and keep
their pictures on the GPU until ``hwdownload``; ``gdigrab`` is slow and sees no game in exclusive
mode, but is there always. None of them has been run by the authors: names and options are those of
FFmpeg 8.1's ``vsrc_ddagrab.c``, ``vsrc_gfxcapture.c`` and ``gdigrab.c``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from fractions import Fraction

import av.device
from av.filter import filters_available

from gamecast.client.capture import windows_list
from gamecast.client.capture.device import DeviceSource, Grab
from gamecast.client.capture.source import SourceError
from gamecast.client.capture.window import WindowSource
from gamecast.client.capture.x11.display import Screen, Window
from gamecast.client.capture.x11.wire import Geometry

DOWNLOAD = "hwdownload,format=bgra"
"""From the GPU's memory, where these grabbers leave pictures, to the encoder's."""
AT_ONCE = {"probesize": "32", "analyzeduration": "0"}
"""The format is known without looking at pictures, which would be old then."""
NO_GFXCAPTURE = (
    "this FFmpeg has no gfxcapture: gdigrab is slow, and shows some games black; --screen does not"
)


@dataclass(slots=True, frozen=True)
class Attempt:
    """One way to capture something."""

    grab: Grab
    size: tuple[int, int] | None = None
    """What its pictures have to measure; otherwise it is something else that was captured."""


def duplicate(number: int, fps: Fraction, *, cursor: bool, part: Geometry | None = None) -> Grab:
    """Output ``number`` of the graphics adapter, or a part of it in the output's pixels."""
    options = f"output_idx={number}:framerate={fps}:draw_mouse={int(cursor)}"
    if part is not None:
        options += f":offset_x={part.x}:offset_y={part.y}:video_size={part.width}x{part.height}"
    return Grab("lavfi", f"ddagrab={options},{DOWNLOAD}", AT_ONCE)


def capture_window(window: Window, fps: Fraction, *, cursor: bool) -> Grab:
    """A window wherever it is, even covered."""
    options = f"hwnd={window.id}:max_framerate={fps}:capture_cursor={int(cursor)}"
    return Grab("lavfi", f"gfxcapture={options},{DOWNLOAD}", AT_ONCE)


def copy_window(window: Window, fps: Fraction, *, cursor: bool) -> Grab:
    """A window by its whole title, which is what gdigrab takes."""
    return Grab("gdigrab", f"title={window.title}", _copying(fps, cursor=cursor))


def copy_area(area: Geometry, fps: Fraction, *, cursor: bool) -> Grab:
    """A rectangle of the desktop that all screens make up."""
    place = {"offset_x": str(area.x), "offset_y": str(area.y)}
    size = {"video_size": f"{area.width}x{area.height}"}
    return Grab("gdigrab", "desktop", _copying(fps, cursor=cursor) | place | size)


def _copying(fps: Fraction, *, cursor: bool) -> dict[str, str]:
    return {"framerate": str(fps), "draw_mouse": str(int(cursor))}


def screen_attempts(
    number: int, screens: Sequence[Screen], fps: Fraction, *, cursor: bool
) -> list[Attempt]:
    """Ways to capture a screen, the best first. Raises ``SourceError`` if it does not exist."""
    if not 0 <= number < len(screens):
        raise SourceError(f"no screen {number}: there are screens 0 to {len(screens) - 1}")
    place = screens[number].geometry
    first = Attempt(duplicate(number, fps, cursor=cursor), (place.width, place.height))
    return [first, Attempt(copy_area(place, fps, cursor=cursor))]


def region_attempts(
    area: Geometry, screens: Sequence[Screen], fps: Fraction, *, cursor: bool
) -> list[Attempt]:
    """Ways to capture a rectangle.

    Duplication only where there is one screen: the adapter may number several of them otherwise
    than Windows does, and a part of the wrong one cannot be told by its size.
    """
    copied = Attempt(copy_area(area, fps, cursor=cursor))
    if len(screens) != 1 or not _holds(screens[0].geometry, area):
        return [copied]
    return [Attempt(duplicate(0, fps, cursor=cursor, part=area)), copied]


def _holds(outer: Geometry, inner: Geometry) -> bool:
    return (
        outer.x <= inner.x
        and outer.y <= inner.y
        and inner.x + inner.width <= outer.x + outer.width
        and inner.y + inner.height <= outer.y + outer.height
    )


def window_grabbers(filters: Collection[str]) -> list[Callable[..., Grab]]:
    """Ways to capture a window, the best first; PyAV's own FFmpeg has the last one only."""
    return [capture_window, copy_window] if "gfxcapture" in filters else [copy_window]


class PatientSource(DeviceSource):
    """A screen that comes back: a locked one, or a changed mode, ends the grabber, not the push."""

    def lost(self, error: Exception) -> None:
        """The last picture stands until the grabber can be opened again."""


def open_first(attempts: Sequence[Attempt], fps: Fraction, *, name: str) -> DeviceSource:
    """The first that works; its ``notes`` say why those before it did not. ``SourceError``."""
    reasons: list[str] = []
    for attempt in attempts:
        try:
            source = PatientSource(attempt.grab, name=name, fps=fps)
        except SourceError as error:
            reasons.append(str(error))
            continue
        found = source.video_format
        if attempt.size is None or found is None or attempt.size == (found.width, found.height):
            source.notes = tuple(_slower(attempt.grab, reason) for reason in reasons)
            return source
        source.stop()
        reasons.append(f"{name} cannot be captured: the graphics adapter counts otherwise")
    raise SourceError(reasons[-1] if reasons else f"{name} cannot be captured")


def _slower(grab: Grab, reason: str) -> str:
    return f"captured by {grab.format}, which is slow and misses some games: {reason}"


class WindowsDesktop:
    """The windows of the desktop, as ``capture.window`` asks for them."""

    def __init__(self, grabber: Callable[..., Grab], fps: Fraction, *, cursor: bool) -> None:
        self._grabber, self._fps, self._cursor = grabber, fps, cursor

    def windows(self) -> list[Window]:
        """See ``Desktop.windows``."""
        return windows_list.windows()

    def geometry(self, window: int) -> Geometry | None:
        """See ``Desktop.geometry``."""
        return windows_list.geometry(window)

    def grab(self, window: Window) -> Grab:
        """See ``Desktop.grab``."""
        return self._grabber(window, self._fps, cursor=self._cursor)

    def close(self) -> None:
        """Nothing is open."""


def open_screen(number: int, fps: Fraction, *, cursor: bool) -> DeviceSource:
    """A monitor, as ``gamecast devices`` counts them. Raises ``SourceError``."""
    attempts = screen_attempts(number, windows_list.screens(), fps, cursor=cursor)
    return open_first(attempts, fps, name=f"screen {number}")


def open_region(area: Geometry, fps: Fraction, *, cursor: bool) -> DeviceSource:
    """A rectangle of the desktop. Raises ``SourceError``."""
    attempts = region_attempts(area, windows_list.screens(), fps, cursor=cursor)
    return open_first(attempts, fps, name=f"region {area.width}x{area.height}")


def open_window(pattern: str, fps: Fraction, *, cursor: bool) -> WindowSource:
    """A window by its title. Raises ``SourceError``."""
    *better, last = window_grabbers(filters_available)
    notes = [] if better else [NO_GFXCAPTURE]
    for grabber in better:
        try:
            return WindowSource(pattern, fps, WindowsDesktop(grabber, fps, cursor=cursor))
        except SourceError as error:
            notes.append(f"captured by gdigrab, which is slow and misses some games: {error}")
    source = WindowSource(pattern, fps, WindowsDesktop(last, fps, cursor=cursor))
    source.notes = tuple(notes)
    return source


def cameras() -> dict[str, str]:
    """Name and address of every camera that DirectShow lists."""
    try:
        found = av.device.enumerate_input_devices("dshow")
    except (av.FFmpegError, ValueError):
        return {}
    return {each.description: each.name for each in found if "video" in each.media_types}


def camera_grab(address: str, options: dict[str, str]) -> Grab:
    """A camera by what DirectShow calls it."""
    return Grab("dshow", f"video={address}", options)
