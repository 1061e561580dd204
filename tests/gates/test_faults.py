"""What an operator's bad day does to a running server, and that it goes on (or ends) well."""

from __future__ import annotations

import contextlib
import resource
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from tests.support import ffmpeg, judge
from tests.support.certificates import write_certificate
from tests.support.clips import Clip, ClipShelf
from tests.support.events import wait_until
from tests.support.gamecast import GamecastServer
from tests.support.process import Process

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(sys.platform != "linux", reason="prlimit is Linux's"),
]

CLIP = Clip(fps=30, gop_seconds=1, seconds=8)
STANDSTILL = 20.0
GO_ON = 2.0
"""Seconds of media after a fault that show that it is over."""

SHORT_GRACE = {"GAMECAST_STREAM__GRACE_SECONDS": "1"}
"""Viewers see the end of a clip soon after its publisher has finished."""


@pytest.fixture
def gamecast_server(tmp_path: Path) -> Iterator[GamecastServer]:
    """A server of the test's own; it must end with status 0."""
    with GamecastServer(tmp_path, settings=SHORT_GRACE) as server:
        yield server


@contextlib.contextmanager
def on_air(server: GamecastServer, media: Path, *, loop: bool = False) -> Iterator[Process]:
    """ffmpeg publishes a file to ``main``."""
    with ffmpeg.publish(media, server.publish_url(), folder=server.folder, loop=loop) as publisher:
        server.wait_on_air()
        yield publisher


def pid_of(server: GamecastServer) -> int:
    assert server.process is not None
    return server.process.pid


@contextlib.contextmanager
def limited(server: GamecastServer, kind: int, most: int) -> Iterator[None]:
    """Lower a resource limit of the running server, and put it back."""
    before = resource.prlimit(pid_of(server), kind)
    resource.prlimit(pid_of(server), kind, (most, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid_of(server), kind, before)


def size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def connect(server: GamecastServer) -> socket.socket:
    parts = urlsplit(server.http)
    return socket.create_connection((str(parts.hostname), int(parts.port or 0)), timeout=10)


# Signals ------------------------------------------------------------------------------------------


def test_sigterm_ends_every_viewer_properly_and_soon(
    gamecast_server: GamecastServer, clips: ClipShelf, tmp_path: Path
) -> None:
    server = gamecast_server
    recording = tmp_path / "flv.mkv"
    with on_air(server, clips.get(CLIP)) as publisher:
        with ffmpeg.record(server.play_url("flv"), recording) as recorder:
            wait_until(lambda: size(recording) > 20_000, "some media")
            start = time.monotonic()
            server.stop()
            assert time.monotonic() - start < 10
            recorder.finish()  # status 0: the body had its end, and nothing was cut off
        publisher.wait()
    judge.assert_slice(judge.units(recording), judge.units(clips.get(CLIP)), at_least=20)
    assert "Traceback" not in server.log


def test_a_server_that_stood_still_goes_on_where_it_was(
    gamecast_server: GamecastServer, clips: ClipShelf, tmp_path: Path
) -> None:
    """A suspended machine, a debugger, a core that somebody else had: nobody is thrown out.

    20 s is longer than a publisher may be silent, but its bytes waited in the kernel all the while.
    """
    server = gamecast_server
    media = clips.get(CLIP)
    recording = tmp_path / "flv.mkv"
    play = server.play_url("flv")
    with on_air(server, media) as publisher, ffmpeg.record(play, recording) as recorder:
        wait_until(lambda: size(recording) > 20_000, "some media")
        assert server.process is not None
        server.process.signal(signal.SIGSTOP)
        with pytest.raises(AssertionError):
            recorder.wait(STANDSTILL)
        server.process.signal(signal.SIGCONT)
        publisher.finish()
        recorder.finish()
    published = judge.units(media)
    recorded = judge.units(recording)
    start = judge.assert_slice(recorded, published, at_least=60)
    assert start + len(recorded) == len(published), "the end is missing"
    assert "Traceback" not in server.log


KEYS_FOR_EVER = """
import asyncio, sys
from pathlib import Path
from gamecast.store.store import Store

async def main():
    async with await Store.open(data_dir=Path(sys.argv[1])) as store:
        while True:
            print(await store.keys.create("main"), flush=True)

asyncio.run(main())
"""


def test_sigkill_loses_no_key_that_was_given_out(tmp_path: Path) -> None:
    with GamecastServer(tmp_path) as server:
        assert server.process is not None
        given = [server.key]
        for lines in (1, 3, 8):
            given += keys_until_killed(server.data_dir, lines)
        server.process.kill()
        server.process = None
    ready = server.data_dir / "ready.json"
    assert ready.exists(), "nobody could tidy up"
    ready.unlink()
    assert damage(server.data_dir) == "ok"
    with GamecastServer(tmp_path) as again:
        listed = again.run("key", "list", "main", "--json")
        for key in given:
            assert key[3:7] in listed


def keys_until_killed(data_dir: Path, lines: int) -> list[str]:
    """Keys that a process made and printed before it was killed in the middle of the next."""
    maker = subprocess.Popen(
        [sys.executable, "-c", KEYS_FOR_EVER, str(data_dir)], stdout=subprocess.PIPE, text=True
    )
    with maker:
        assert maker.stdout is not None
        made = [maker.stdout.readline().strip() for _ in range(lines)]
        maker.kill()
        rest = maker.stdout.read().splitlines(keepends=True)
    return [*made, *(line.strip() for line in rest if line.endswith("\n"))]


def damage(data_dir: Path) -> str:
    (database,) = data_dir.glob("*.db")
    with contextlib.closing(sqlite3.connect(database)) as link:
        return str(link.execute("PRAGMA integrity_check").fetchone()[0])


# Resources ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_without_descriptors_those_who_are_there_go_on(
    clips: ClipShelf, tmp_path: Path, secure: bool
) -> None:
    """EMFILE: nobody new comes in, nobody is thrown out, no core is burnt; then all is well."""
    settings = write_certificate(tmp_path, "main") if secure else {}
    with GamecastServer(tmp_path, settings=SHORT_GRACE | settings) as server:
        run_out_of_descriptors(server, clips, tmp_path)


def run_out_of_descriptors(server: GamecastServer, clips: ClipShelf, tmp_path: Path) -> None:
    media = clips.get(CLIP)
    recording = tmp_path / "flv.mkv"
    play = server.play_url("flv")
    with on_air(server, media) as publisher, ffmpeg.record(play, recording) as recorder:
        wait_until(lambda: size(recording) > 20_000, "some media")
        target = psutil.Process(pid_of(server))
        with limited(server, resource.RLIMIT_NOFILE, target.num_fds() + 8):
            with contextlib.ExitStack() as stack:
                for _ in range(60):
                    stack.enter_context(contextlib.suppress(OSError))
                    stack.enter_context(connect(server))
                assert busy(target) < 0.6
                before = size(recording)
                # On a machine this slow the clip may be over by now; all of it is judged below.
                wait_until(
                    lambda: size(recording) > before + 20_000 or not publisher.running, "more media"
                )
            wait_until(lambda: answers(server), "room for new connections", within=20)
        publisher.finish()
        recorder.finish()
    published = judge.units(media)
    recorded = judge.units(recording)
    start = judge.assert_slice(recorded, published, at_least=60)
    assert start + len(recorded) == len(published)


def answers(server: GamecastServer) -> bool:
    """Whether it takes a new connection and answers on it."""
    try:
        return server.get("/healthz")[0] == 200
    except OSError:
        return False


def busy(process: psutil.Process) -> float:
    """The share of one core that a process takes during a second."""
    before = process.cpu_times()
    with contextlib.suppress(psutil.TimeoutExpired):
        process.wait(1.0)
    after = process.cpu_times()
    return (after.user + after.system) - (before.user + before.system)


def test_a_full_disk_keeps_nobody_off_air(
    gamecast_server: GamecastServer, clips: ClipShelf, tmp_path: Path
) -> None:
    """No file may grow: neither the database nor the log. Publishing and watching need neither."""
    server = gamecast_server
    key = server.key
    media = clips.get(CLIP)
    recording = tmp_path / "flv.mkv"
    with limited(server, resource.RLIMIT_FSIZE, 0), on_air(server, media) as publisher:
        with ffmpeg.record(server.play_url("flv"), recording, seconds=GO_ON) as recorder:
            recorder.finish()
        assert server.get("/metrics")[0] == 200
        publisher.finish()
    judge.assert_slice(judge.units(recording), judge.units(media), at_least=50)
    assert damage(server.data_dir) == "ok"
    server.wait_off_air()
    with on_air(server, media):
        listed = server.run("key", "list", "main", "--json")
    assert key[3:7] in listed
