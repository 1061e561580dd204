"""The doctor on what could be captured: screens, cameras, sound devices."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from gamecast.cli.findings import Finding, missing, ok


def examine() -> Iterator[Finding]:
    """All of it. The test scene and files need nothing."""
    yield ok("test scene, files", "always: gamecast push --test, --file PATH")
    if sys.platform == "linux":
        yield _screen()
        yield _cameras()
        yield _sounds()
    else:
        yield from _listed()


def _listed() -> Iterator[Finding]:
    """Windows and macOS: how much ``gamecast devices`` finds of each kind."""
    from gamecast.client.devices import Device, devices

    found = list(devices())
    for kind in ("screen", "window", "camera", "sound"):
        names = [each.name for each in found if isinstance(each, Device) and each.kind == kind]
        problems = [
            each.problem for each in found if not isinstance(each, Device) and each.kind == kind
        ]
        if names:
            yield ok(f"{kind}s", ", ".join(names[:8]))
        elif kind != "window":
            yield missing(f"{kind}s", "; ".join(problems) or "none found")
    if sys.platform == "win32":
        yield _grabbers()


def _grabbers() -> Finding:
    from av.filter import filters_available

    there = [each for each in ("ddagrab", "gfxcapture") if each in filters_available]
    if there:
        return ok("screen grabbers", ", ".join([*there, "gdigrab"]))
    return missing("screen grabbers", "this FFmpeg has only gdigrab, which is slow")


def _screen() -> Finding:
    from gamecast.client.capture.desktop import is_wayland

    return _wayland() if is_wayland() else _x11()


def _wayland() -> Finding:
    """Ask the portal what it can, which asks the user nothing."""
    from gamecast.client.capture.source import SourceError
    from gamecast.client.capture.wayland.grant import look
    from gamecast.client.capture.wayland.screencast import Kind

    try:
        offer = look()
    except SourceError as error:
        return missing("screen", f"Wayland: {error}")
    kinds = [
        name
        for name, kind in (("screens", Kind.SCREEN), ("windows", Kind.WINDOW))
        if offer.kinds & kind
    ]
    shares = " and ".join(kinds) or "nothing"
    return ok("screen", f"Wayland's portal, version {offer.version}, shares {shares}")


def _x11() -> Finding:
    """Grab one picture of the screen."""
    display = os.environ.get("DISPLAY", "")
    if not display:
        return missing("screen", "no display in this session")
    import av

    try:
        with av.open(display, format="x11grab", options={"framerate": "30"}) as grabber:
            picture = next(grabber.decode(video=0))
            if _is_xwayland():
                hint = "run it where WAYLAND_DISPLAY is set, or capture a game by --window"
                return missing("screen", "Wayland shows no program the whole screen", hint)
    except (OSError, ValueError, StopIteration) as error:
        return missing("screen", f"display {display} cannot be read: {error}")
    return ok("screen", f"display {display}, {picture.width} x {picture.height}")


def _is_xwayland() -> bool:
    from gamecast.client.capture.x11.display import Display
    from gamecast.client.capture.x11.wire import XError

    try:
        with Display() as display:
            return any(screen.is_xwayland for screen in display.screens())
    except XError:
        return False


def _cameras() -> Finding:
    found = sorted(str(path) for path in Path("/dev").glob("video*"))
    if found:
        return ok("cameras", ", ".join(found))
    return missing("cameras", "no camera, or no permission to see it")


def _sounds() -> Finding:
    """What PulseAudio, or PipeWire in its place, lets us record."""
    from gamecast.client.capture.sound.open import list_sounds
    from gamecast.client.capture.source import SourceError

    try:
        names = [sound.name for sound in list_sounds()]
    except SourceError as error:
        return missing("sound inputs", str(error))
    if names:
        return ok("sound inputs", ", ".join(names))
    return missing("sound inputs", "nothing to record from")
