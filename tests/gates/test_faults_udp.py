"""A server that stands still for a moment, to the peers that have no kernel to keep their place.

libsrt gives a silent peer up after 5 s: a standstill may last no longer than that. Browsers are
more patient (RFC 7675: 30 s).
"""

from __future__ import annotations

import contextlib
import json
import signal
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.support.clips import Clip, ClipShelf
from tests.support.events import wait_until
from tests.support.gamecast import GamecastServer
from tests.support.peers import node_peer, require
from tests.support.process import Process

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(sys.platform != "linux", reason="a standstill is made by SIGSTOP"),
]

STANDSTILL = 3.5
IDLE = 2.0
"""Shorter than the standstill: a clock that goes on would throw everybody out."""
WATCHED = 9.0


@contextlib.contextmanager
def srt(server: GamecastServer, media: Path) -> Iterator[tuple[Process, Process, Path]]:
    """ffmpeg publishes by SRT, and another plays it; both say so if they are thrown out."""
    folder = server.folder
    recording = folder / "srt.ts"
    ffmpeg = [require("ffmpeg"), "-v", "warning", "-nostdin"]
    address = server.play_url("srt").partition("?")[0]
    target = f"{address}?streamid=publish:live/by-srt::any"
    publish = [*ffmpeg, "-re", "-stream_loop", "-1", "-i", str(media), "-c", "copy", "-f", "mpegts"]
    with Process([*publish, target], log=folder / "srt-publish.log") as publisher:
        server.wait_on_air("by-srt")
        watch = [*ffmpeg, "-i", server.play_url("srt", "by-srt"), "-c", "copy", str(recording)]
        with Process(watch, log=folder / "srt-watch.log") as viewer:
            yield publisher, viewer, recording


@contextlib.contextmanager
def webrtc(server: GamecastServer) -> Iterator[tuple[Process, Process]]:
    """libwebrtc publishes and watches."""
    url = f"{server.http}/live/by-whip"
    folder = server.folder
    with Process(
        [*node_peer("whip_publish.mjs"), f"{url}/whip"], log=folder / "w.log"
    ) as publisher:
        server.wait_on_air("by-whip")
        watch = [*node_peer("whep_view.mjs"), f"{url}/whep", str(WATCHED)]
        with Process(watch, log=folder / "whep.log") as viewer:
            yield publisher, viewer


def state(server: GamecastServer) -> list[tuple[str, bool, int]]:
    """Since when each stream is on air, whether its publisher is there, and how many watch."""
    streams = [server.stream(name) for name in ("by-srt", "by-whip")]
    return [
        (each["started_at"], each["publisher"]["connected"], each["viewers"]["total"])
        for each in streams
        if each is not None
    ]


def stand_still(server: GamecastServer, witness: Process) -> None:
    assert server.process is not None
    server.process.signal(signal.SIGSTOP)
    with pytest.raises(AssertionError):
        witness.wait(STANDSTILL)
    server.process.signal(signal.SIGCONT)


def test_udp_peers_outlive_a_standstill(tmp_path: Path, clips: ClipShelf) -> None:
    media = clips.get(Clip(fps=30, gop_seconds=1, seconds=8))
    settings = {"GAMECAST_AUTH__PUBLISH": "open", "GAMECAST_SRT__IDLE_TIMEOUT": str(IDLE)}
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(GamecastServer(tmp_path, settings=settings))
        whip, whep = stack.enter_context(webrtc(server))
        srt_out, srt_in, recording = stack.enter_context(srt(server, media))

        wait_until(lambda: recording.exists() and recording.stat().st_size > 30_000, "SRT media")
        wait_until(lambda: "whep.play" in server.log, "a WHEP viewer")
        before = state(server)
        stand_still(server, whep)
        size = recording.stat().st_size
        wait_until(lambda: recording.stat().st_size > size + 60_000, "SRT media again")
        assert all(process.running for process in (whip, srt_out, srt_in)), server.log
        assert state(server) == before
        found = json.loads(whep.finish())
        assert "loop.blocked" in server.log
        for fault in ("publisher_lost", "srt.closed", "Traceback"):
            assert fault not in server.log
    last = found["stamps"][-1]
    assert last - found["stamps"][0] > WATCHED - 1, "the picture did not come back"
    longest = max(after - before for before, after in pairwise(found["stamps"]))
    assert STANDSTILL - 0.5 < longest < STANDSTILL + 2, longest
