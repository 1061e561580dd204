"""Chromium behind a bad network: what is lost comes again, and a bad spell leaves nothing behind.

``benchmarks/whep_loss.py`` measures the same for longer, and other servers beside us.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from benchmarks.impairer import Weather
from benchmarks.whep_loss import back, figures
from benchmarks.whep_loss_page import LossPage, watching, without_candidates
from benchmarks.whep_loss_relay import Relay
from playwright.async_api import Route

from tests.support import ffmpeg
from tests.support.browser import chromium, new_context
from tests.support.gamecast import GamecastServer

pytestmark = [pytest.mark.interop, pytest.mark.timeout(120)]

DELAY = 0.02
LOSSY = Weather(delay=DELAY, loss=0.05)
BAD = Weather(delay=DELAY, loss=0.30)
GOOD = Weather(delay=DELAY)
NARROW = Weather(delay=DELAY, rate=350_000)
WEBRTC = "localStorage.setItem('gamecast', JSON.stringify({protocol: 'whep'}));"
PLAYS = "() => gamecast.player.state === 'playing' && gamecast.player.engine === 'whep'"
TOLD = ".overlay .short:not([hidden])"
ENCODE = [
    "-c:v", "libx264", "-profile:v", "baseline", "-preset", "ultrafast", "-bf", "0", "-g", "30",
    "-b:v", "1M", "-maxrate", "1M", "-bufsize", "500k", "-pix_fmt", "yuv420p", "-an",
]  # fmt: skip


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GamecastServer]:
    """With a stream that needs no converter."""
    with GamecastServer(tmp_path, settings={"GAMECAST_AUTH__PUBLISH": "open"}) as running:
        url = f"{running.rtmp}/live/scene"
        with ffmpeg.publish_scene(url, folder=tmp_path, options=ENCODE):
            running.wait_on_air("scene", tracks=1)
            yield running


@asynccontextmanager
async def viewer(server: GamecastServer) -> AsyncIterator[LossPage]:
    """A page that plays, behind a relay that does no harm yet."""
    relay = await Relay.open(GOOD, seed=3)
    try:
        async with chromium() as browser:
            url = f"{server.http}/live/scene/whep"
            async with watching(browser, "whep", url, relay) as page:
                await page.plays()
                yield page
    finally:
        relay.close()


async def test_losses_are_repaired_and_a_bad_spell_is_soon_over(server: GamecastServer) -> None:
    async with viewer(server) as page:
        page.relay.change(LOSSY)
        await asyncio.sleep(1)
        before = await page.look()
        await asyncio.sleep(5)
        lossy = figures("us", "5 %", before, await page.look())
        page.relay.change(BAD)
        await asyncio.sleep(4)
        page.relay.change(GOOD)
        over = await page.now()
        await asyncio.sleep(3)
        after = await page.look()
    logging.getLogger(__name__).info("%s", lossy)
    assert lossy.repaired > 0
    stalled = sum(end - start for start, end in after.stalls if end > over)
    returned = back(after, over, run=8)
    logging.getLogger(__name__).info("back after %s s, stalled %.1f s", returned, stalled)
    if after.stalled > 1:
        assert any(at > over for at in after.shown)
        return  # the page had no processor: what it shows says nothing of the network
    assert lossy.gaps / 60 <= 0.25, "of the time"
    assert returned is not None
    assert returned <= 2.0


async def test_a_viewer_is_told_that_its_network_is_too_narrow(server: GamecastServer) -> None:
    """By the watch page, which goes on with what the server leaves it."""
    relay = await Relay.open(GOOD, seed=5)

    async def through_relay(route: Route) -> None:
        offer = without_candidates(route.request.post_data or "")
        answer = await route.fetch(post_data=offer)
        await route.fulfill(response=answer, body=relay.between(await answer.text()))

    try:
        async with chromium() as browser:
            context = await new_context(browser)
            await context.add_init_script(WEBRTC)
            page = await context.new_page()
            await page.route("**/live/scene/whep", through_relay)
            await page.goto(f"{server.http}/scene")
            await page.wait_for_function(PLAYS)
            assert not await page.locator(TOLD).count()
            relay.change(NARROW)
            await page.wait_for_selector(TOLD, timeout=30_000)
            await page.wait_for_function(PLAYS)
    finally:
        relay.close()
