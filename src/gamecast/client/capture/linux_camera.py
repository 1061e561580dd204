"""Cameras of Linux, by ``v4l2``."""

from __future__ import annotations

from pathlib import Path

from gamecast.client.capture.device import Grab


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


def camera_grab(address: str, options: dict[str, str]) -> Grab:
    """A camera by its device."""
    return Grab("v4l2", address, options)
