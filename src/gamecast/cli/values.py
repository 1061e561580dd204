"""Option values as people write them: ``1920x1080``, ``6M``, ``29.97``."""

from __future__ import annotations

import re
from fractions import Fraction

_SUFFIXES = {"": 1, "k": 1_000, "m": 1_000_000, "g": 1_000_000_000}
NTSC = {"23.976": "24000/1001", "29.97": "30000/1001", "59.94": "60000/1001"}


def parse_size(text: str) -> tuple[int, int]:
    """``WxH`` in pixels; even, from 64 to 8192. Raises ``ValueError``."""
    match = re.fullmatch(r"(\d{1,5})[xX*](\d{1,5})", text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a size; write it as 1280x720")
    width, height = int(match[1]), int(match[2])
    if not (64 <= width <= 8192 and 64 <= height <= 8192) or width % 2 or height % 2:
        raise ValueError(f"{text} cannot be encoded: sizes are even numbers from 64 to 8192")
    return width, height


def parse_region(text: str) -> tuple[int, int, int, int]:
    """``WxH+X+Y`` in pixels, as ``(x, y, width, height)``. Raises ``ValueError``."""
    match = re.fullmatch(r"(\d{1,5})[xX](\d{1,5})(?:\+(\d{1,5})\+(\d{1,5}))?", text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a region; write it as 1280x720+100+50")
    width, height = int(match[1]), int(match[2])
    if width < 64 or height < 64:
        raise ValueError(f"{text} is too small to capture: at least 64x64")
    return int(match[3] or 0), int(match[4] or 0), width, height


def parse_bitrate(text: str) -> int:
    """Bits per second from ``6M``, ``4500k`` or ``3000000``. Raises ``ValueError``."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kKmMgG]?)(?:bit/s|bps)?", text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a bitrate; write it as 6M or 4500k")
    bitrate = round(float(match[1]) * _SUFFIXES[match[2].lower()])
    if not 30_000 <= bitrate <= 500_000_000:
        raise ValueError(f"{text} is not between 30k and 500M bits per second")
    return bitrate


def parse_fps(text: str) -> Fraction:
    """Frames per second: ``30``, ``59.94``, ``30000/1001``. Raises ``ValueError``."""
    try:
        fps = Fraction(NTSC.get(text.strip(), text.strip()))
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"{text!r} is not a frame rate; write it as 30 or 59.94") from None
    if not 1 <= fps <= 240:
        raise ValueError(f"{text} frames per second are not between 1 and 240")
    return fps


def show_bitrate(bitrate: float) -> str:
    """``4500 kbit/s``."""
    return f"{bitrate / 1000:.0f} kbit/s"


def show_size(size: float) -> str:
    """``12.3 MB``."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    raise AssertionError


def show_time(seconds: float) -> str:
    """``1:02:03``."""
    whole = int(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"
