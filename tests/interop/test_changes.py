"""The picture changes size in mid-stream: every viewer goes on, told in its format's own way."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import ffmpeg, hls, judge
from tests.support.clips import Clip, ClipShelf
from tests.support.events import wait_until
from tests.support.gamecast import GamecastServer

pytestmark = pytest.mark.interop

SMALL = Clip(fps=30, gop_seconds=1, seconds=6, size="320x180")
LARGE = Clip(fps=30, gop_seconds=1, seconds=4, size="640x360")


def frame_sizes(path: Path) -> list[str]:
    """The sizes of the decoded pictures, each once, in their order; errors fail."""
    frames = judge.probe(path, "-select_streams", "v:0", "-show_entries", "frame=width,height")
    sizes = [f"{frame['width']}x{frame['height']}" for frame in frames["frames"]]
    return list(dict.fromkeys(sizes))


def test_a_new_size_reaches_flv_and_hls_viewers(clips: ClipShelf, tmp_path: Path) -> None:
    received = tmp_path / "received.flv"
    settings = {"GAMECAST_STREAM__GRACE_SECONDS": "1"}
    with GamecastServer(tmp_path, settings=settings) as server:
        url = server.publish_url()
        with ffmpeg.publish(clips.get(SMALL), url, folder=tmp_path, loop=True) as first:
            server.wait_on_air()
            media = hls.wait_for_segments(server, "main", 2)
            with urllib.request.urlopen(server.play_url("flv"), timeout=15) as viewer:
                data = viewer.read(50_000)
                with ffmpeg.publish(clips.get(LARGE), url, folder=tmp_path) as second:
                    first.wait(15)
                    wait_until(lambda: width(server) == 640, "the new size in the API")
                    second.finish()
                lines = hls.playlist(server, media)
                received.write_bytes(data + viewer.read())
    assert frame_sizes(received) == [SMALL.size, LARGE.size]
    change = lines.index("#EXT-X-DISCONTINUITY")
    maps = [number for number, line in enumerate(lines) if line.startswith("#EXT-X-MAP")]
    assert len(maps) == 2
    assert maps[0] < change < maps[1]


def width(server: GamecastServer) -> int:
    """The width of the stream's picture now."""
    stream = server.stream("main")
    assert stream is not None, "the take-over ended the stream"
    return int(next(track["width"] for track in stream["tracks"] if track["kind"] == "video"))


@pytest.mark.parametrize("lost", ["video", "audio"])
def test_the_other_half_of_a_stream_plays_on_when_a_publisher_returns_without_one(
    open_server: GamecastServer,
    clips: ClipShelf,
    tmp_path: Path,
    new_name: Callable[[], str],
    lost: str,
) -> None:
    server = open_server
    name = new_name()
    url = f"{server.rtmp}/live/{name}"
    kept = "audio" if lost == "video" else "video"
    whole = clips.get(Clip(fps=30, gop_seconds=1, seconds=3))
    half = clips.get(
        Clip(fps=30, gop_seconds=1, seconds=9, **{lost: None})  # type: ignore[arg-type]
    )
    with ffmpeg.publish(whole, url, folder=tmp_path) as first:
        server.wait_on_air(name)
        with urllib.request.urlopen(server.play_url("flv", name), timeout=15) as viewer:
            first.finish()
            with ffmpeg.publish(half, url, folder=tmp_path) as second:
                wait_until(lambda: kinds(server, name) == {kept}, f"{kept} alone", within=20)
                second.finish()
            received = tmp_path / "received.flv"
            received.write_bytes(viewer.read())
    judge.assert_clean(received)
    letter = kept[0]
    places = [unit.hash for unit in judge.units(half, letter)]
    last = judge.units(received, letter)[-1]
    assert last.hash == places[-1], "the second half did not play to its end"


def kinds(server: GamecastServer, name: str) -> set[str]:
    """Which halves the stream has now."""
    stream = server.stream(name)
    assert stream is not None, "the stream ended within its grace time"
    return {track["kind"] for track in stream["tracks"]}
