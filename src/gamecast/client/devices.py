"""What this machine can capture, each with the exact option that ``gamecast push`` takes."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gamecast.client.capture.desktop import WAYLAND, cameras
from gamecast.client.capture.sound.libpulse import PulseError, sources
from gamecast.client.capture.x11.display import Display
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
    if sys.platform != "linux":
        yield Device("screen", "desktop", "", "--screen")
        return
    try:
        with Display(environ) as display:
            for screen in display.screens():
                if screen.is_xwayland:
                    yield Absence("screen", XWAYLAND)
                    continue
                where = screen.geometry
                detail = f"{where.width}x{where.height}+{where.x}+{where.y}"
                yield Device("screen", screen.name, detail, f"--screen {screen.number}")
            for window in display.windows():
                detail = f"{window.geometry.width}x{window.geometry.height}"
                pattern = shlex.quote(_pattern(window.title))
                yield Device("window", window.title, detail, f"--window {pattern}")
    except XError as error:
        only_wayland = environ.get("WAYLAND_DISPLAY") and not environ.get("DISPLAY")
        yield Absence("screen", WAYLAND if only_wayland else str(error))


def _pattern(title: str) -> str:
    """A regular expression for exactly this title, as legible as can be."""
    special = set(r".^$*+?{}[]\|()")
    return "".join(f"\\{letter}" if letter in special else letter for letter in title)


def _cameras(environ: Mapping[str, str]) -> Iterator[Device | Absence]:
    found = cameras() if sys.platform == "linux" else {}
    for name, path in found.items():
        yield Device("camera", name, path, f"--camera {shlex.quote(name)}")
    if not found:
        yield Absence("camera", "no camera found (/dev/video*)")


def _sounds(environ: Mapping[str, str]) -> Iterator[Device | Absence]:
    if sys.platform != "linux":
        yield Absence("sound", "sound can only be captured on Linux yet")
        return
    try:
        found = sources()
    except PulseError as error:
        yield Absence("sound", f"no sound server: {error}")
        return
    for source in found:
        option = "--audio" if source.is_monitor else "--mic"
        detail = "what is played" if source.is_monitor else "microphone"
        yield Device("sound", source.description, detail, f"{option} {shlex.quote(source.name)}")
    if not found:
        yield Absence("sound", "the sound server has no sources")
