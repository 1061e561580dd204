"""Watching a real stream in a real browser."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, Page

from tests.support.browser import difference, new_context, pixels
from tests.support.gamecast import GamecastServer
from tests.web.conftest import OpenPage, prefer
from tests.web.scene import Scene
from tests.web.watching import IN_ONE_LOOP, log_codes, stats, until, until_moving, until_state

pytestmark = [pytest.mark.interop, IN_ONE_LOOP]


CUT_FIRST_ANSWER = """
const real = fetch; let first = true;
globalThis.fetch = async (url, options) => {
  if (!String(url).endsWith('.flv') || !first) return real(url, options);
  first = false;
  const cut = new AbortController();
  const answer = await real(url, { signal: cut.signal });
  const reader = answer.body.getReader();
  const until = performance.now() + 1500;
  return new Response(new ReadableStream({
    async pull(controller) {
      const { done, value } = await reader.read();
      if (done || performance.now() > until) { controller.close(); cut.abort(); }
      else controller.enqueue(value);
    },
  }));
};
"""


async def assert_pictures_move(page: Page) -> None:
    before = await pixels(page)
    await until_moving(page, seconds=0.5)
    after = await pixels(page)
    assert before
    assert after
    assert difference(before, after) > 0.3


async def choose(page: Page, protocol: str) -> None:
    """Open the settings, go to the protocols, take one; by keyboard, as it must work."""
    await page.locator(".control[aria-haspopup=menu]").focus()
    await page.keyboard.press("Enter")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await page.get_by_role("menuitemradio", name=protocol).click()


async def test_all_protocols_are_there_quickest_first(open_page: OpenPage, scene: Scene) -> None:
    async with open_page("/nobody", protocol="auto") as page:
        engines = await page.evaluate(
            """async () => {
              const { engines } = await import('/assets/js/player/engines/index.js');
              const { candidates } = await import('/assets/js/player/selection.js');
              return candidates(engines(), { tracks: [] }).ids;
            }"""
        )
        assert engines[:3] == ["whep", "flv", "hls"]


async def test_http_flv(open_page: OpenPage, scene: Scene) -> None:
    async with open_page(f"/{scene.name}") as page:
        await until_moving(page)
        await assert_pictures_move(page)
        found = await stats(page)
        assert found["engine"] == "flv"
        assert (found["width"], found["height"]) == (320, 180)
        assert found["video"].startswith("avc1.")
        await until(page, "() => gamecast.player.stats().viewers >= 1")


async def test_the_picture_is_near_the_server(open_page: OpenPage, scene: Scene) -> None:
    async with open_page(f"/{scene.name}") as page:
        await until_moving(page, seconds=3)
        await until(page, "() => gamecast.player.latency() !== null")
        latency = await page.evaluate(
            """async () => {
              const found = [];
              for (let index = 0; index < 15; index += 1) {
                await new Promise((resolve) => setTimeout(resolve, 200));
                found.push(gamecast.player.latency());
              }
              return found.sort((a, b) => a - b)[7];
            }"""
        )
        assert 0.05 < latency < 1.0


async def test_numbers_are_measured(open_page: OpenPage, scene: Scene) -> None:
    async with open_page(f"/{scene.name}") as page:
        await until_moving(page, seconds=5)
        found = await stats(page)
        assert 15 < found["fps"] < 45
        assert 100_000 < found["bitrate"] < 3_000_000
        assert found["framesDecoded"] > 60
        assert 0 < found["buffer"] < 3
        assert found["bytes"] > 50_000


async def test_low_latency_hls_by_the_menu(open_page: OpenPage, scene: Scene) -> None:
    async with open_page(f"/{scene.name}") as page:
        await until_state(page, "playing")
        await choose(page, "LL-HLS")
        await until(page, "() => gamecast.player.engine === 'hls'")
        await until_moving(page, seconds=3)
        await assert_pictures_move(page)
        found = await stats(page)
        assert found["protocol"] == "LL-HLS"
        assert found["latency"] is not None
        assert 0.2 < found["latency"] < 4
        assert found["bytes"] > 20_000
        await page.reload()
        await until_moving(page)
        assert (await stats(page))["engine"] == "hls", "the choice is remembered"


async def test_when_flv_is_refused_hls_takes_over(open_page: OpenPage, scene: Scene) -> None:
    async def refuse(page: Page) -> None:
        await page.add_init_script("delete globalThis.RTCPeerConnection")
        await page.route("**/*.flv", lambda route: route.fulfill(status=503))

    async with open_page(f"/{scene.name}", protocol="auto", quiet=False, prepare=refuse) as page:
        await until(page, "() => gamecast.player?.engine === 'hls'")
        await until_moving(page)
        codes = await log_codes(page)
        assert codes.count("engine-failed") == 2, "tried twice, then the next"
        assert "engine-next" in codes


async def test_a_connection_that_ends_is_made_again(open_page: OpenPage, scene: Scene) -> None:
    """The body of the first answer ends after a moment; the player joins anew."""

    async def cut(page: Page) -> None:
        await page.add_init_script(CUT_FIRST_ANSWER)

    async with open_page(f"/{scene.name}", quiet=False, prepare=cut) as page:
        await until_state(page, "playing")
        await until(page, "() => gamecast.log.entries.some(e => e.code === 'state-reconnecting')")
        await until_moving(page)
        assert (await stats(page))["engine"] == "flv"


async def test_pause_and_play(open_page: OpenPage, scene: Scene) -> None:
    async with open_page(f"/{scene.name}") as page:
        await until_state(page, "playing")
        await page.keyboard.press("k")
        await until_state(page, "paused")
        assert await page.locator(".big-play").is_visible()
        stopped = await page.evaluate("document.querySelector('video').currentTime")
        await page.wait_for_timeout(4000)  # long enough to be behind
        now = await page.evaluate("document.querySelector('video').currentTime")
        assert now == stopped
        await page.locator(".big-play").click()
        await until_moving(page)
        found = await stats(page)
        assert found["distance"] < 2.5, "back at the edge, not where it was paused"


async def test_going_back_and_to_the_edge_again(open_page: OpenPage, scene: Scene) -> None:
    async with open_page(f"/{scene.name}") as page:
        await until_moving(page, seconds=7)
        await page.keyboard.press("ArrowLeft")
        await until(page, "() => !gamecast.player.live")
        badge = page.locator(".live-badge")
        await until(page, "() => document.querySelector('.live-badge').dataset.live === 'false'")
        await page.wait_for_timeout(1500)
        assert (await stats(page))["distance"] > 4, "stays where the viewer went"
        await badge.click()
        await until(page, "() => gamecast.player.live && gamecast.player.stats().distance < 2.5")


async def test_catch_up_can_be_switched_off(open_page: OpenPage, scene: Scene) -> None:
    async with open_page(f"/{scene.name}") as page:
        await until_moving(page, seconds=3)
        await page.locator(".control[aria-haspopup=menu]").click()
        switch = page.get_by_role("menuitemcheckbox")
        assert await switch.get_attribute("aria-checked") == "true"
        await switch.click()
        assert await switch.get_attribute("aria-checked") == "false"
        await page.keyboard.press("Escape")
        await page.evaluate("document.querySelector('video').currentTime -= 2")
        await page.wait_for_timeout(1500)
        assert (await stats(page))["rate"] == 1
        assert (await stats(page))["distance"] > 1.8


async def test_drift_is_worked_off_by_playing_faster(open_page: OpenPage, scene: Scene) -> None:
    async with open_page(f"/{scene.name}") as page:
        await until_moving(page, seconds=4)
        await page.evaluate("document.querySelector('video').currentTime -= 1.5")
        await until(page, "() => gamecast.player.stats().rate > 1.04")
        assert (await stats(page))["rate"] <= 1.1


async def test_sound_waits_for_a_gesture_where_the_browser_says_so(
    server: GamecastServer, scene: Scene, strict: Browser
) -> None:
    page = await (await new_context(strict)).new_page()
    await page.add_init_script(prefer("flv"))
    # Whatever Playwright evaluates in a page counts as the user's gesture, so nothing is asked
    # of this one before it plays.
    await page.add_init_script(
        "document.addEventListener('playing', () => console.info('it plays'), true)"
    )
    async with page.expect_console_message(lambda line: line.text == "it plays"):
        await page.goto(f"{server.http}/{scene.name}")
    assert await page.evaluate("document.querySelector('video').muted")
    await until_state(page, "playing")
    assert "autoplay-muted" in await log_codes(page)
    unmute = page.get_by_role("button", name="Click to unmute")
    await unmute.click()
    await unmute.wait_for(state="hidden")
    assert not await page.evaluate("document.querySelector('video').muted")
    await until_moving(page)


async def test_volume_is_remembered_but_forced_silence_is_not(
    server: GamecastServer, scene: Scene, strict: Browser
) -> None:
    context = await new_context(strict)
    page = await context.new_page()
    await page.add_init_script(prefer("flv"))
    await page.goto(f"{server.http}/{scene.name}")
    await until_state(page, "playing")
    await page.reload()
    await until_state(page, "playing")
    stored = await page.evaluate("JSON.parse(localStorage.gamecast ?? '{}').muted ?? false")
    assert stored is False
    for _ in range(3):
        await page.keyboard.press("ArrowDown")
    await page.reload()
    await until_state(page, "playing")
    assert await page.evaluate("document.querySelector('video').volume") < 1


async def test_an_unplayable_stream_says_why(open_page: OpenPage, scene: Scene) -> None:
    async def unable(page: Page) -> None:
        await page.add_init_script(
            "delete globalThis.RTCPeerConnection;"
            "MediaSource.isTypeSupported = () => false;"
            "HTMLVideoElement.prototype.canPlayType = () => '';"
        )

    async with open_page(f"/{scene.name}", prepare=unable) as page:
        await until_state(page, "error")
        text = await page.locator(".overlay-message").inner_text()
        assert "H.264" in text
        assert await page.get_by_role("button", name="Try again").is_visible()
        await page.get_by_role("button", name="Copy details").click()
