"""Which tests may run at the same time (``pytest -n auto``, see pytest-xdist).

What measures in real time or keeps a core busy by itself (browsers, encoders, players) shares one
worker, so that only one of them runs at any time; everything else goes to the other workers, file
by file, as files share servers and clips. Pages that are only read and clicked are one group too:
they share a browser.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

TESTS = Path(__file__).resolve().parent.parent

REAL_TIME = ("bench", "client", "interop", "transcode", "web", "protocols/webrtc/test_chromium.py")
UNHURRIED = (
    *("interop/test_bad_peers.py", "interop/test_behind_nginx.py", "interop/test_bit_exact.py"),
    *("interop/test_changes.py", "interop/test_opus_as_aac.py", "interop/test_tls.py"),
    *("interop/test_who_may_publish.py", "transcode/test_audio_line.py"),
    "transcode/test_video_line.py",
)
"""Among those places: what comes out the same, however long it took: clips over TCP, converters."""

PAGES = (
    *("web/test_embed.py", "web/test_home.py", "web/test_hostile_content.py"),
    *("web/test_one_host.py", "web/test_static.py", "web/test_units.py", "web/test_watch_page.py"),
)
"""Among those places: what a page says and does, and nothing of how well it plays."""

LONG = (
    *("server/srt", "gates/test_faults.py", "gates/test_secrets.py", "cli", "server/rtmp"),
    *("protocols/rtmp/test_real_peers.py", "test_packaging.py", "test_examples.py"),
    *UNHURRIED,
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
        if _is_real_time(place):
            return "real time"
        return "pages" if place.startswith(PAGES) else place


def longest_first(items: list[pytest.Item]) -> None:
    """Put the long files first; the order within a file stays."""
    items.sort(key=lambda item: _rank(_place(item)))


def _place(item: pytest.Item) -> str:
    return item.path.relative_to(TESTS).as_posix()


def _is_real_time(place: str) -> bool:
    return place.startswith(REAL_TIME) and not place.startswith(UNHURRIED + PAGES)


def _rank(place: str) -> int:
    if _is_real_time(place):
        return 0
    if place.startswith(PAGES):
        return 1  # long before the real-time worker counts freezes, in ``web``
    return 2 if place.startswith(LONG) else 3
