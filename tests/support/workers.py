"""Which tests may run at the same time (``pytest -n auto``, see pytest-xdist).

Two groups of tests measure in real time or keep a core busy by themselves: browsers, encoders,
players. They share one worker, so that only one of them runs at any time; everything else goes to
the other workers, file by file, as files share servers and clips.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

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


class ByPlace(LoadScopeScheduling):  # type: ignore[misc] # ships no types
    """Sends a file's tests, and all that are real time, to one worker.

    (Marks of ``xdist_group`` would say the same, but pytest 9.2 shows them to nobody.)
    """

    def _split_scope(self, nodeid: str) -> str:
        place = nodeid.partition("::")[0].removeprefix(f"{TESTS.name}/")
        return "real time" if place.startswith(REAL_TIME) else place


def longest_first(items: list[pytest.Item]) -> None:
    """Put the long files first; the order within a file stays."""
    items.sort(key=lambda item: _rank(_place(item)))


def _place(item: pytest.Item) -> str:
    return item.path.relative_to(TESTS).as_posix()


def _rank(place: str) -> int:
    if place.startswith(REAL_TIME):
        return 0
    return 1 if place.startswith(LONG) else 2
