"""Everybody else's viewers of a stream that comes by SRT."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Page

from tests.support import browser as chrome
from tests.support import ffmpeg, hls, judge
from tests.support.clips import Clip, ClipShelf
from tests.support.gamecast import GamecastServer
from tests.support.peers import require
from tests.support.process import Process

pytestmark = pytest.mark.interop

CLIP = Clip(fps=30, gop_seconds=1.0, b_frames=0)
CHOICE = "localStorage.setItem('gamecast', JSON.stringify({protocol: '%s'}))"


@pytest.fixture
def stream(
    open_server: GamecastServer, clips: ClipShelf, tmp_path: Path, new_name: Callable[[], str]
) -> Iterator[str]:
    """A looping clip on air, published by ffmpeg over SRT."""
    name = new_name()
    address = open_server.play_url("srt").partition("?")[0]
    arguments = [
        *(require("ffmpeg"), "-v", "warning", "-nostdin", "-re", "-stream_loop", "-1"),
        *("-i", str(clips.get(CLIP)), "-c", "copy", "-f", "mpegts"),
        f"{address}?streamid=publish:live/{name}::any&latency=120000",
    ]
    with Process(arguments, log=tmp_path / "publish.log"):
        found = open_server.wait_on_air(name)
        assert found["publisher"]["protocol"] == "srt"
        yield name
    open_server.wait_off_air(name)


async def page_plays(page: Page, server: GamecastServer, name: str, engine: str) -> None:
    """The watch page plays with that protocol, and its picture moves."""
    await page.context.add_init_script(CHOICE % engine)
    await page.goto(f"{server.http}/{name}")
    ready = "engine => gamecast.player.state === 'playing' && gamecast.player.engine === engine"
    await page.wait_for_function(ready, arg=engine, timeout=30_000)
    start = await page.evaluate("document.querySelector('video').currentTime")
    moving = "end => document.querySelector('video').currentTime >= end"
    await page.wait_for_function(moving, arg=start + 2, timeout=30_000)


async def test_whep_ll_hls_flv_rtmp_and_mpv_play_what_srt_publishes(
    open_server: GamecastServer, stream: str, tmp_path: Path
) -> None:
    forms = ("rtmp", "flv", "hls")
    hls.wait_for_segments(open_server, stream)  # ffmpeg knows nothing of parts
    with contextlib.ExitStack() as stack:
        recordings = {
            form: stack.enter_context(
                ffmpeg.record(
                    open_server.play_url(form, stream), tmp_path / f"{form}.mkv", seconds=2
                )
            )
            for form in forms
        }
        shots = stack.enter_context(mpv(open_server.play_url("srt", stream), tmp_path))
        async with chrome.chromium() as browser:
            for engine in ("whep", "hls"):
                context = await chrome.new_context(browser)
                await page_plays(await context.new_page(), open_server, stream, engine)
                await context.close()
        for recording in recordings.values():
            recording.finish()
        assert shots.wait(30) == 0, shots.output
    for form in forms:
        judge.assert_clean(tmp_path / f"{form}.mkv")
        assert len(judge.units(tmp_path / f"{form}.mkv")) >= 50
    assert shown(tmp_path) == 60, shots.output


def shown(folder: Path) -> int:
    """Pictures that mpv has shown."""
    return len(list(folder.glob("0*.jpg")))


def mpv(url: str, folder: Path) -> Process:
    """mpv plays two seconds and writes each picture to a file."""
    arguments = [
        *(require("mpv"), "--no-config", "--vo=image", f"--vo-image-outdir={folder}"),
        *("--ao=null", "--untimed=no", "--frames=60", "--hwdec=no", "--msg-level=all=warn", url),
    ]
    return Process(arguments, log=folder / "mpv.log")
