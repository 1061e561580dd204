"""A light HLS player that is told its playlists by hand."""

from __future__ import annotations

from typing import cast

from gamecast.bench.figures import Figures
from gamecast.bench.hls_playlist import parse_listing
from gamecast.bench.hls_viewer import HlsViewer
from gamecast.bench.keep_alive import Answer, KeepAlive

_HEAD = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:{first}\n"


class _Connection:
    """Remembers what was asked for."""

    waiting = False

    def __init__(self) -> None:
        self.asked: list[str] = []

    def get(self, target: str, *, keep: bool, cookie: str = "") -> None:
        self.asked.append(target)


def answer(text: str) -> Answer:
    body = text.encode()
    return Answer(200, len(body), body, closing=False)


def test_a_discontinuity_is_counted_once_and_only_if_it_came_while_watching() -> None:
    connections: list[_Connection] = []

    def connect(viewer: HlsViewer) -> KeepAlive:
        connections.append(_Connection())
        return cast(KeepAlive, connections[-1])

    figures = Figures(scans=False, asked_at=0.0)
    viewer = HlsViewer(
        "http://h/a.m3u8",
        figures,
        connect,
        lambda body: parse_listing(body.decode()),
        low_latency=False,
    )
    playlists = cast(KeepAlive, connections[0])
    before = _HEAD.format(first=1) + "#EXT-X-DISCONTINUITY\n#EXTINF:2,\n1.ts\n#EXTINF:2,\n2.ts\n"
    viewer.answered(playlists, answer(before))
    assert (figures.discontinuities, figures.stall_after) == (0, 6.0)
    after = before + "#EXT-X-DISCONTINUITY\n#EXTINF:2,\n3.ts\n"
    for _ in range(2):
        viewer.answered(playlists, answer(after))
    assert figures.discontinuities == 1
