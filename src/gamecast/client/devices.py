"""What this machine can capture, each with the exact option that ``gamecast push`` takes."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from subprocess import list2cmdline

from gamecast.client.capture import macos_list, windows_list
from gamecast.client.capture.desktop import cameras, is_wayland
from gamecast.client.capture.sound.open import list_sounds
from gamecast.client.capture.source import SourceError
from gamecast.client.capture.x11.display import Display, Screen, Window
from gamecast.client.capture.x11.grab import XWAYLAND
from gamecast.client.capture.x11.wire import XError


@dataclass(slots=True, frozen=True)
class Device:
    """Something to capture."""

    kind: str
    """``screen``, ``window``, ``camera`` or ``sound``."""
    name: str
    detail: str
    option: str
    """What to write on the command line."""


@dataclass(slots=True, frozen=True)
class Absence:
    """Why there is nothing of a kind."""

    kind: str
    problem: str


def devices(environ: Mapping[str, str] = os.environ) -> Iterator[Device | Absence]:
    """Screens, windows, cameras and sound sources, or why there are none."""
    for find in (_desktop, _cameras, _sounds):
        yield from find(environ)


def _desktop(environ: Mapping[str, str]) -> Iterator[Device | Absence]:
    if sys.platform == "win32":
        yield from listed(windows_list.screens(), windows_list.windows())
    elif sys.platform == "darwin":
        yield from listed(macos_list.screens(), macos_list.windows())
    elif is_wayland(environ):
        yield from _wayland(environ)
    else:
        yield from _x11(environ)


def _wayland(environ: Mapping[str, str]) -> Iterator[Device | Absence]:
    """What the desktop's dialog will offer, which nobody may see before, and XWayland's windows."""
    from gamecast.client.capture.wayland.grant import look
    from gamecast.client.capture.wayland.screencast import Kind

    asked = "the desktop asks"
    try:
        offer = look(environ)
    except SourceError as error:
        yield Absence("screen", f"Wayland: {error}")
        offer = None
    if offer is not None and offer.kinds & Kind.SCREEN:
        yield Device("screen", "any screen", asked, "--screen 0")
    try:
        with Display(environ) as display:
            windows = display.windows()
    except XError:
        windows = []
    if windows:
        yield from listed([], windows)
    if offer is not None and offer.kinds & Kind.WINDOW:
        yield Device("window", "any window", asked, "--window .")


def _x11(environ: Mapping[str, str]) -> Iterator[Device | Absence]:
    try:
        with Display(environ) as display:
            screens, windows = display.screens(), display.windows()
    except XError as error:
        yield Absence("screen", str(error))
        return
    if any(screen.is_xwayland for screen in screens):
        yield Absence("screen", XWAYLAND)
    yield from listed([each for each in screens if not each.is_xwayland], windows)


def listed(screens: Sequence[Screen], windows: Sequence[Window]) -> Iterator[Device | Absence]:
    """Screens and windows with their options."""
    for screen in screens:
        where = screen.geometry
        detail = f"{where.width}x{where.height}{where.x:+}{where.y:+}"
        yield Device("screen", screen.name, detail, f"--screen {screen.number}")
    for window in windows:
        detail = f"{window.geometry.width}x{window.geometry.height}"
        pattern = _quoted(_pattern(window.title))
        yield Device("window", window.title, detail, f"--window {pattern}")
    if not screens and not windows:
        yield Absence("screen", "no screen found")


def _quoted(text: str) -> str:
    """As one word of the shell that people have here."""
    return list2cmdline([text]) if sys.platform == "win32" else shlex.quote(text)


def _pattern(title: str) -> str:
    """A regular expression for exactly this title, as legible as can be."""
    special = set(r".^$*+?{}[]\|()")
    return "".join(f"\\{letter}" if letter in special else letter for letter in title)


def _cameras(environ: Mapping[str, str]) -> Iterator[Device | Absence]:
    found = cameras()
    for name, path in found.items():
        yield Device("camera", name, path, f"--camera {_quoted(name)}")
    if not found:
        where = " (/dev/video*)" if sys.platform == "linux" else ""
        yield Absence("camera", f"no camera found{where}")


def _sounds(environ: Mapping[str, str]) -> Iterator[Device | Absence]:
    try:
        found = list_sounds()
    except SourceError as error:
        yield Absence("sound", str(error))
        return
    for sound in found:
        option = "--audio" if sound.hears_output else "--mic"
        detail = "what is played" if sound.hears_output else "microphone"
        yield Device("sound", sound.name, detail, f"{option} {_quoted(sound.address)}")
    if not found:
        yield Absence("sound", "nothing to record from")
