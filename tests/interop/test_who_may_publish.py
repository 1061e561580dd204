"""Refusals and take-over at the RTMP door, as a real encoder meets them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import ffmpeg, judge
from tests.support.clips import Clip, ClipShelf
from tests.support.events import wait_until
from tests.support.gamecast import GamecastServer
from tests.support.process import Process

pytestmark = pytest.mark.interop

CLIP = Clip(fps=30, gop_seconds=1, seconds=6)
WRONG_KEY = "not-a-key-of-anybody-0123456789"


@pytest.fixture
def source(clips: ClipShelf) -> Path:
    return clips.get(CLIP)


@pytest.fixture(scope="module")
def refusing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GamecastServer]:
    """A server for guesses only, which leave nothing behind on it."""
    with GamecastServer(tmp_path_factory.mktemp("refusing")) as server:
        yield server


def assert_refused(publisher: Process, server: GamecastServer) -> None:
    """The encoder gives up by itself, told by the server; nothing went on air for it."""
    assert publisher.wait(15) != 0, publisher.output
    assert "Server error" in publisher.output, publisher.output
    assert "Traceback" not in server.log


@pytest.mark.parametrize(
    "path", [f"/live/{WRONG_KEY}", f"/live/main?key={WRONG_KEY}", f"/live/nobody?key={WRONG_KEY}"]
)
def test_a_wrong_key_is_refused(
    refusing: GamecastServer, source: Path, tmp_path: Path, path: str
) -> None:
    with ffmpeg.publish(source, refusing.rtmp + path, folder=tmp_path) as publisher:
        assert_refused(publisher, refusing)
    assert refusing.stream("main") is None
    assert WRONG_KEY not in refusing.log


def test_a_key_opens_only_its_own_channel(
    gamecast_server: GamecastServer, source: Path, tmp_path: Path
) -> None:
    server = gamecast_server
    server.run("channel", "add", "other")
    url = f"{server.rtmp}/live/other?key={server.key}"
    with ffmpeg.publish(source, url, folder=tmp_path) as publisher:
        assert_refused(publisher, server)
    assert server.key not in server.log


def test_the_name_and_key_form_of_the_url(
    gamecast_server: GamecastServer, clips: ClipShelf, tmp_path: Path
) -> None:
    server = gamecast_server
    source = clips.get(Clip(fps=30, gop_seconds=1, seconds=2))
    url = f"{server.rtmp}/live/main?key={server.key}"
    with ffmpeg.publish(source, url, folder=tmp_path) as publisher:
        server.wait_on_air("main")
        publisher.finish()
    assert server.key not in server.log


def test_another_key_cannot_take_a_channel_on_air(
    gamecast_server: GamecastServer, source: Path, tmp_path: Path
) -> None:
    server = gamecast_server
    recording = tmp_path / "flv.mkv"
    with ffmpeg.publish(source, server.publish_url(), folder=tmp_path) as first:
        server.wait_on_air("main")
        with ffmpeg.record(server.play_url("flv"), recording, seconds=3) as recorder:
            url = server.publish_url(server.new_key("main"))
            with ffmpeg.publish(source, url, folder=tmp_path) as second:
                assert_refused(second, server)
            recorder.finish()
        first.finish()
    judge.assert_slice(judge.units(recording), judge.units(source), at_least=CLIP.fps)


def test_the_same_key_takes_over_and_viewers_go_on(
    gamecast_server: GamecastServer, source: Path, tmp_path: Path
) -> None:
    server = gamecast_server
    recording = tmp_path / "flv.mkv"
    with ffmpeg.publish(source, server.publish_url(), folder=tmp_path, loop=True) as first:
        started = server.wait_on_air("main")["started_at"]
        with ffmpeg.record(server.play_url("flv"), recording, seconds=6) as recorder:
            wait_until(
                lambda: recording.exists() and recording.stat().st_size, "a recording", within=15
            )
            with ffmpeg.publish(source, server.publish_url(), folder=tmp_path, loop=True) as second:
                first.wait(10)
                recorder.finish()
                stream = server.stream("main")
                assert second.running
                assert stream is not None
                assert stream["started_at"] == started, "viewers were moved to another stream"
    assert_two_takes(recording, source)


def test_a_publisher_that_returns_within_the_grace_time_keeps_its_viewers(
    gamecast_server: GamecastServer, source: Path, tmp_path: Path
) -> None:
    server = gamecast_server
    recording = tmp_path / "flv.mkv"
    first = ffmpeg.publish(source, server.publish_url(), folder=tmp_path, loop=True)
    with first:
        server.wait_on_air("main")
        recorder = ffmpeg.record(server.play_url("flv"), recording, seconds=6)
        wait_until(lambda: recording.exists() and recording.stat().st_size, "a recording")
        first.kill()
    with (
        recorder,
        ffmpeg.publish(source, server.publish_url(), folder=tmp_path, loop=True),
    ):
        recorder.finish()
    assert_two_takes(recording, source)


def assert_two_takes(recording: Path, source: Path) -> None:
    """The recording is two stretches of the clip, each from a keyframe, on one time line."""
    judge.assert_clean(recording)
    published = judge.units(source)
    hashes = [unit.hash for unit in published]
    units = judge.units(recording)
    places = [hashes.index(unit.hash) for unit in units]
    cuts = [
        index
        for index in range(1, len(places))
        if places[index] != (places[index - 1] + 1) % len(hashes)
    ]
    assert len(cuts) == 1, f"cuts at {cuts} of {len(units)} units"
    keyframes = judge.keyframes(source)
    assert places[0] in keyframes
    assert places[cuts[0]] in keyframes
    times = [unit.dts for unit in units]
    assert all(earlier < later for earlier, later in itertools.pairwise(times))


def test_a_revoked_key_is_refused(
    gamecast_server: GamecastServer, source: Path, tmp_path: Path
) -> None:
    server = gamecast_server
    key = server.key
    listing = server.run("key", "list", "main")
    assert key not in listing
    for line in listing.splitlines():
        first, *_ = line.split()
        if first.isdigit():
            server.run("key", "revoke", "main", first)
    with ffmpeg.publish(source, server.publish_url(key), folder=tmp_path) as publisher:
        assert_refused(publisher, server)
