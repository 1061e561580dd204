"""Peers that stall, dawdle or send nonsense hurt nobody else: the others miss no packet."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import random
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support import ffmpeg, judge
from tests.support.clips import Clip, ClipShelf
from tests.support.events import wait_until
from tests.support.gamecast import GamecastServer

pytestmark = pytest.mark.interop

CLIP = Clip(fps=30, gop_seconds=1, seconds=8, size="640x360", bitrate="12M", noisy=True)
"""Enough bytes to fill what the kernel holds for a viewer that does not read."""


@pytest.fixture
def source(clips: ClipShelf) -> Path:
    return clips.get(CLIP)


@contextmanager
def connection(address: tuple[str, int], *, buffer: int | None = None) -> Iterator[socket.socket]:
    """A plain socket, with a small receive buffer if asked."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as link:
        if buffer:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        link.settimeout(15)
        link.connect(address)
        yield link


def http_address(server: GamecastServer) -> tuple[str, int]:
    parts = urlsplit(server.http)
    return str(parts.hostname), int(parts.port or 0)


def ask(link: socket.socket, path: str) -> http.client.HTTPResponse:
    """Send a request and read its answer's header, no more."""
    client = http.client.HTTPConnection("localhost")
    client.sock = link
    client.request("GET", path)
    answer = client.getresponse()
    assert answer.status == 200
    return answer


def size(path: Path) -> int:
    """Bytes written so far."""
    return path.stat().st_size if path.exists() else 0


def read_to_end(link: socket.socket) -> None:
    """Read until the peer closes."""
    with contextlib.suppress(ConnectionResetError):  # it closed with our bytes unread
        while link.recv(65536):
            pass


def test_a_viewer_that_stops_reading_loses_whole_groups_and_slows_nobody(
    open_server: GamecastServer, source: Path, tmp_path: Path, new_name: Callable[[], str]
) -> None:
    name = new_name()
    server = open_server
    recording = tmp_path / "flv.mkv"
    late = tmp_path / "late.flv"
    with ffmpeg.publish(source, f"{server.rtmp}/live/{name}", folder=tmp_path) as publisher:
        server.wait_on_air(name)
        with connection(http_address(server), buffer=4096) as link:
            stalled = ask(link, f"/live/{name}.flv")
            with ffmpeg.record(server.play_url("flv", name), recording) as recorder:
                # It reads nothing for most of the broadcast, then everything.
                enough = 0.6 * source.stat().st_size
                wait_until(lambda: size(recording) > enough, "most of the clip", within=30)
                late.write_bytes(stalled.read())
                publisher.finish()
                recorder.finish()
    published = judge.units(source)
    recorded = judge.units(recording)
    start = judge.assert_slice(recorded, published, at_least=6 * CLIP.fps)
    assert start + len(recorded) == len(published)
    assert_whole_groups(judge.units(late), published, judge.keyframes(source))


def assert_whole_groups(
    received: list[judge.Unit], published: list[judge.Unit], keyframes: list[int]
) -> None:
    """Something is missing, and what is there are whole groups of the clip in their order."""
    hashes = [unit.hash for unit in published]
    places = [hashes.index(unit.hash) for unit in received]
    assert len(places) < len(hashes), "nothing was lost: this viewer was not slow"
    jumps = [(a, b) for a, b in itertools.pairwise(places) if b != a + 1]
    assert jumps, "it never came back"
    assert places[0] in keyframes
    for last, first in jumps:
        assert first > last
        assert first in keyframes, "half a group: the beginning is missing"
        assert last + 1 in keyframes, "half a group: the end is missing"


def test_half_a_request_is_closed_in_time(tmp_path: Path) -> None:
    settings = {"GAMECAST_HTTP__HEADER_TIMEOUT": "0.5", "GAMECAST_RTMP__HANDSHAKE_TIMEOUT": "0.5"}
    with GamecastServer(tmp_path, settings=settings) as server:
        with connection(http_address(server)) as link:
            link.sendall(b"GET / HTTP/1.1\r\nHost: loc")
            read_to_end(link)
        with connection(server.rtmp_address) as link:
            link.sendall(b"\x03" + bytes(700))
            read_to_end(link)
        status, _ = server.get("/healthz")
        assert status == 200


def test_nonsense_over_rtmp_closes_that_connection_only(
    open_server: GamecastServer, clips: ClipShelf, tmp_path: Path, new_name: Callable[[], str]
) -> None:
    name = new_name()
    server = open_server
    clip = clips.get(Clip(fps=30, gop_seconds=1, seconds=4))
    recording = tmp_path / "flv.mkv"
    with ffmpeg.publish(clip, f"{server.rtmp}/live/{name}", folder=tmp_path) as publisher:
        server.wait_on_air(name)
        with ffmpeg.record(server.play_url("flv", name), recording) as recorder:
            for seed in range(12):
                send_nonsense(server, random.Random(seed))
            publisher.finish()
            recorder.finish()
    recorded = judge.units(recording)
    published = judge.units(clip)
    start = judge.assert_slice(recorded, published, at_least=90)
    assert start + len(recorded) == len(published)
    assert "Traceback" not in server.log


def send_nonsense(server: GamecastServer, noise: random.Random) -> None:
    """A handshake that anybody could have made, then bytes that nobody should send."""
    with connection(server.rtmp_address) as link:
        link.sendall(b"\x03" + bytes(8) + noise.randbytes(1528))
        assert link.recv(1) == b"\x03"
        link.sendall(bytes(1536) + noise.randbytes(20_000))
        link.shutdown(socket.SHUT_WR)
        read_to_end(link)
