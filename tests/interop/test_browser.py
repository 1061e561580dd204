"""Stock Chromium on the real watch page: it plays, how late, how soon, and what it survives."""

from __future__ import annotations

import asyncio
import logging
import os
import statistics
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page

from tests.support import browser as chrome
from tests.support.gamecast import GamecastServer, command
from tests.support.glass import delay
from tests.support.process import Process

pytestmark = pytest.mark.interop

SECONDS = float(os.environ.get("GAMECAST_TEST_SECONDS", "20"))
CHOICE = "localStorage.setItem('gamecast', JSON.stringify({protocol: '%s'}))"
ENGINES = {"flv": 2.0, "hls": 4.0}
"""Median delay from the sender's clock to the picture, in seconds, above which something is broken.

Twice what a quiet machine shows: two encoders, two players and the server share two cores here. The
figures themselves are in the log (``-o log_cli=true -o log_cli_level=INFO``).
"""


@contextmanager
def scene(url: str, log: Path, *, keyframes: float = 2.0) -> Iterator[Process]:
    """``gamecast push --test`` until the block ends."""
    arguments = command("push", "--test", "--size", "640x360", "--fps", "30", "--bitrate", "1M")
    process = Process([*arguments, "--keyframe-interval", str(keyframes), url], log=log)
    try:
        yield process
    finally:
        process.kill()


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """One browser for a test."""
    async with chrome.chromium() as launched:
        yield launched


async def watch(browser: Browser, server: GamecastServer, name: str, engine: str) -> Page:
    """The watch page with that protocol chosen, playing."""
    context = await chrome.new_context(browser)
    await context.add_init_script(CHOICE % engine)
    page = await context.new_page()
    await page.goto(f"{server.http}/{name}")
    ready = "engine => gamecast.player.state === 'playing' && gamecast.player.engine === engine"
    await page.wait_for_function(ready, arg=engine, timeout=30_000)
    return page


async def delays(page: Page, seconds: float) -> list[float]:
    """The delay, read from the picture twice a second."""
    found = []
    for _ in range(round(seconds * 2)):
        value = await delay(page)
        if value is not None:
            found.append(value)
        await asyncio.sleep(0.5)
    return found


async def play_for_a_while(browser: Browser, server: GamecastServer, name: str, engine: str) -> str:
    """Play; what is wrong with it, or an empty string."""
    page = await watch(browser, server, name, engine)
    complaints = chrome.Complaints()
    complaints.watch(page)
    await asyncio.sleep(10)  # the catch-up after joining is no part of the median
    start, before = await chrome.media_time(page), await chrome.pixels(page)
    seen = await delays(page, SECONDS)
    advanced, after = await chrome.media_time(page) - start, await chrome.pixels(page)
    complaints.assert_none()
    assert before is not None
    assert after is not None
    assert chrome.difference(before, after) > 1, "the picture stands still"
    has_sound = "video => video.webkitAudioDecodedByteCount > 0"
    assert await page.locator("video").evaluate(has_sound), "no sound was decoded"
    median = statistics.median(seen)
    figures = f"{engine}: delay p50 {median:.2f} s, min {min(seen):.2f}, max {max(seen):.2f}"
    logging.getLogger(__name__).info(figures)
    problems = []
    if len(seen) < SECONDS:
        problems.append(f"the clock was read {len(seen)} times only")
    if advanced < SECONDS * 0.95:
        problems.append(f"time advanced {advanced:.1f} s in {SECONDS:g} s")
    if median > ENGINES[engine]:
        problems.append(f"median delay {median:.2f} s")
    return f"{engine}: {problems}" if problems else ""


@pytest.mark.timeout(240)
async def test_every_protocol_plays_on(
    open_server: GamecastServer, new_name: Callable[[], str], browser: Browser, tmp_path: Path
) -> None:
    name = new_name()
    with scene(f"{open_server.rtmp}/live/{name}", tmp_path / "push.log"):
        open_server.wait_on_air(name)
        problems = await asyncio.gather(
            *(play_for_a_while(browser, open_server, name, engine) for engine in ENGINES)
        )
    assert not any(problems), problems


FIRST_PICTURE = """async () => {
  const video = document.querySelector('video');
  if (video.getVideoPlaybackQuality().totalVideoFrames === 0)
    await new Promise((done) => video.requestVideoFrameCallback(done));
  return performance.now();
}"""


@pytest.mark.timeout(180)
async def test_first_picture_comes_at_once_anywhere_in_a_long_group(
    open_server: GamecastServer, new_name: Callable[[], str], browser: Browser, tmp_path: Path
) -> None:
    name = new_name()
    with scene(f"{open_server.rtmp}/live/{name}", tmp_path / "push.log", keyframes=10):
        open_server.wait_on_air(name)
        await asyncio.sleep(11)  # a whole group has been seen
        for engine in ENGINES:
            took = []
            for _ in range(3):
                took.append(await first_picture(browser, f"{open_server.http}/{name}", engine))
                await asyncio.sleep(1.3)  # other points of the group
            logging.getLogger(__name__).info("%s: first picture after %s s", engine, took)
            assert statistics.median(took) <= 2.0, (engine, took)


async def first_picture(browser: Browser, url: str, engine: str) -> float:
    """Seconds from the navigation to a picture in that protocol."""
    context = await chrome.new_context(browser)
    await context.add_init_script(CHOICE % engine)
    page = await context.new_page()
    await page.goto(url, wait_until="commit")
    await page.wait_for_selector("video", state="attached")
    took = await page.evaluate(FIRST_PICTURE) / 1000
    assert await page.evaluate("gamecast.player.engine") == engine
    await context.close()
    return float(took)


@pytest.mark.timeout(120)
async def test_publisher_killed_and_back_plays_on_in_the_same_page(
    tmp_path: Path, browser: Browser
) -> None:
    with GamecastServer(tmp_path) as server:
        with scene(server.publish_url(), tmp_path / "first.log"):
            server.wait_on_air()
            pages = [await watch(browser, server, "main", engine) for engine in ENGINES]
            marks = "() => { window.sameDocument = true; }"
            for page in pages:
                await page.evaluate(marks)
            await asyncio.sleep(2)
        await asyncio.sleep(3)
        with scene(server.publish_url(), tmp_path / "second.log"):
            for page in pages:
                start = await chrome.media_time(page)
                moving = f"() => document.querySelector('video').currentTime > {start} + 3"
                await page.wait_for_function(moving, timeout=30_000)
                assert await page.evaluate("window.sameDocument === true"), "the page reloaded"
