"""Watching by WebRTC: what plays, how late it is, and what happens where it cannot work."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest
from playwright.async_api import Page

from tests.support import glass
from tests.support.browser import difference, pixels
from tests.support.gamecast import GamecastServer
from tests.support.process import Process
from tests.web.conftest import OpenPage
from tests.web.scene import Scene
from tests.web.watching import IN_ONE_LOOP, log_codes, stats, until, until_moving, until_state

pytestmark = [pytest.mark.interop, IN_ONE_LOOP]

B_FRAMES = ["-c:v", "libx264", "-preset", "veryfast", "-bf", "3", "-g", "90"]
B_FRAMES += ["-pix_fmt", "yuv420p", "-b:v", "700k", "-c:a", "aac", "-ac", "2"]

BLOCK = """
const Peer = RTCPeerConnection;
globalThis.udpBlocked = true;
globalThis.RTCPeerConnection = class extends Peer {
  setRemoteDescription({ type, sdp }) {
    const reachable = globalThis.udpBlocked ? sdp.replace(/a=candidate:.*\\r\\n/g, '') : sdp;
    return super.setRemoteDescription({ type, sdp: reachable });
  }
};
const later = setTimeout;
globalThis.setTimeout = (call, ms, ...rest) => later(call, ms > 10_000 ? ms / 5 : ms, ...rest);
"""
"""No candidate of the server can be reached until ``udpBlocked`` is false; waits are shorter."""


@pytest.fixture
def clock(server: GamecastServer, media_folder: Path) -> Iterator[str]:
    """A channel whose picture carries the sender's clock."""
    folder = media_folder
    push = [sys.executable, "-m", "gamecast", "push", "--test", "--size", "640x360"]
    push += ["--fps", "30", "--bitrate", "1M", f"{server.rtmp}/live/clock"]
    process = Process(push, log=folder / "push.log")
    try:
        server.wait_on_air("clock", tracks=2)
        yield "clock"
    finally:
        process.kill()


async def until_whep(page: Page) -> None:
    await until(page, "() => globalThis.gamecast?.player.engine === 'whep'")
    await until_moving(page)


async def test_b_frames_and_aac_play_with_picture_and_sound(
    open_page: OpenPage, server: GamecastServer, media_folder: Path
) -> None:
    with Scene(server, "bframes", media_folder, options=B_FRAMES) as scene:
        async with open_page(f"/{scene.name}", protocol="auto") as page:
            await until_whep(page)
            before = await pixels(page)
            await until_moving(page, seconds=4)
            after = await pixels(page)
            assert before
            assert after
            assert difference(before, after) > 0.3
            tracks = "document.querySelector('video').srcObject.getTracks()"
            found = await page.evaluate(f"{tracks}.map(({{kind, muted}}) => [kind, muted])")
            assert sorted(found) == [["audio", False], ["video", False]]
            details = (await stats(page))["details"]
            assert details["path"] == "udp"
            assert details["lost"] == 0
            assert details["received"] > 50


async def test_the_picture_is_well_under_half_a_second_late(
    open_page: OpenPage, clock: str
) -> None:
    async with open_page(f"/{clock}", protocol="auto") as page:
        await until_whep(page)
        await until_moving(page, seconds=3)
        delays: list[float] = []
        while len(delays) < 9:
            late = await glass.delay(page)
            if late is not None:
                delays.append(late)
            await page.wait_for_timeout(150)
        assert 0 < median(delays) < 0.5
        shown = await page.evaluate("gamecast.player.latency()")
        assert shown is not None
        assert 0 <= shown < 0.5


async def test_there_is_nothing_to_catch_up_with(open_page: OpenPage, scene: Scene) -> None:
    async with open_page(f"/{scene.name}", protocol="auto") as page:
        await until_whep(page)
        assert (await stats(page))["live"] is True
        await page.locator(".control[aria-haspopup=menu]").click()
        assert await page.get_by_role("menuitemcheckbox").count() == 0
        await page.keyboard.press("Escape")
        await page.keyboard.press("ArrowLeft")
        await until_moving(page)
        rows = page.locator(".stats h3", has_text="WebRTC")
        await rows.wait_for(state="visible")


async def test_the_publisher_comes_back_to_the_same_session(
    open_page: OpenPage, server: GamecastServer, media_folder: Path
) -> None:
    with Scene(server, "returns", media_folder) as scene:
        async with open_page(f"/{scene.name}", protocol="auto") as page:
            await until_whep(page)
            await page.evaluate("globalThis.first = document.querySelector('video').srcObject")
            scene.kill()
            await until_state(page, "reconnecting")
            scene.start()
            await until_moving(page)
            assert (await stats(page))["engine"] == "whep"
            same = "document.querySelector('video').srcObject === globalThis.first"
            assert await page.evaluate(same)


async def test_where_udp_is_blocked_http_takes_over_until_it_is_not(
    open_page: OpenPage, scene: Scene
) -> None:
    async def block(page: Page) -> None:
        await page.add_init_script(BLOCK)

    async with open_page(f"/{scene.name}", protocol="auto", prepare=block) as page:
        await until(page, "() => globalThis.gamecast?.player.engine === 'flv'")
        await until_moving(page)
        assert (await log_codes(page)).count("engine-failed") == 1, "not tried twice"
        await page.evaluate("globalThis.udpBlocked = false")
        await until(page, "() => gamecast.player.engine === 'whep'", within=60_000)
        await until_moving(page)


@pytest.mark.parametrize("status", [406, 503])
async def test_a_refusal_means_the_next_protocol_at_once(
    open_page: OpenPage, scene: Scene, status: int
) -> None:
    async def refuse(page: Page) -> None:
        await page.route("**/whep", lambda route: route.fulfill(status=status))

    async with open_page(f"/{scene.name}", protocol="auto", quiet=False, prepare=refuse) as page:
        await until(page, "() => globalThis.gamecast?.player.engine === 'flv'")
        await until_moving(page)
        assert (await log_codes(page)).count("engine-failed") == 1


async def test_changing_to_http_and_back(open_page: OpenPage, scene: Scene) -> None:
    async with open_page(f"/{scene.name}", protocol="auto") as page:
        await until_whep(page)
        for engine in ("flv", "hls", "whep"):
            await page.evaluate("id => gamecast.player.setProtocol(id)", engine)
            await until(page, "id => gamecast.player.engine === id", engine)
            await until_moving(page)
