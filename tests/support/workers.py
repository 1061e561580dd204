"""Which tests may run at the same time (``pytest -n auto --dist loadgroup``, see pytest-xdist).

Two groups of tests measure in real time or keep a core busy by themselves: browsers, encoders,
players. They share one worker, so that only one of them runs at any time; everything else goes to
the other workers, file by file, as files share servers and clips.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent.parent

REAL_TIME = ("bench", "client", "interop", "transcode", "web", "protocols/webrtc/test_chromium.py")
LONG = (
    *("server/srt", "gates/test_faults.py", "gates/test_secrets.py", "cli", "server/rtmp"),
    *("protocols/rtmp/test_real_peers.py", "test_packaging.py", "test_examples.py"),
)
"""What takes longest comes first, or one worker would end with it while the others wait."""


def worker_count() -> int:
    """One worker for what is real time, one for each core that is left; at least two in all."""
    return max(2, min(os.cpu_count() or 2, 6))


def spread(items: list[pytest.Item]) -> None:
    """Name each test's group and put the long ones first; the order within a file stays."""
    for item in items:
        place = _place(item)
        name = "real time" if place.startswith(REAL_TIME) else place
        item.add_marker(pytest.mark.xdist_group(name))
    items.sort(key=lambda item: _rank(_place(item)))


def _place(item: pytest.Item) -> str:
    return item.path.relative_to(TESTS).as_posix()


def _rank(place: str) -> int:
    if place.startswith(REAL_TIME):
        return 0
    return 1 if place.startswith(LONG) else 2
