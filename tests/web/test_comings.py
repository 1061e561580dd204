"""Streams that begin, break off, come back and end, seen from one page that is never reloaded."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page

from tests.support.browser import Complaints, new_context
from tests.support.gamecast import GamecastServer
from tests.web.conftest import SETTINGS, OpenPage, prefer
from tests.web.scene import Scene
from tests.web.watching import IN_ONE_LOOP, log_codes, until, until_moving, until_state

pytestmark = [pytest.mark.interop, IN_ONE_LOOP]


@asynccontextmanager
async def never_reloaded(page: Page) -> AsyncIterator[None]:
    """Fail when the page was loaded anew within the block."""
    await page.evaluate("globalThis.untouched = true")
    yield
    assert await page.evaluate("globalThis.untouched === true")


async def test_an_off_air_page_starts_by_itself(
    open_page: OpenPage, server: GamecastServer, media_folder: Path
) -> None:
    async with open_page("/later") as page:
        await until_state(page, "offline")
        assert "later is offline" in await page.locator(".overlay-message").inner_text()
        async with never_reloaded(page):
            with Scene(server, "later", media_folder):
                await until_moving(page)
                assert await page.locator(".overlay-message").is_hidden()
                title = await page.title()
                assert title.startswith("● ")


@pytest.mark.parametrize("protocol", ["flv", "hls"])
async def test_a_publisher_that_returns_in_time(
    open_page: OpenPage, server: GamecastServer, media_folder: Path, protocol: str
) -> None:
    with Scene(server, f"back-{protocol}", media_folder) as scene:
        async with open_page(f"/{scene.name}", protocol=protocol) as page:
            await until_moving(page, seconds=2)
            async with never_reloaded(page):
                scene.kill()
                await until_state(page, "reconnecting")
                text = await page.locator(".overlay-message").inner_text()
                assert "streamer" in text
                scene.start()
                await until_moving(page, seconds=2)
                assert await page.evaluate("gamecast.player.engine") == protocol
                await until(page, "() => gamecast.player.live")
            codes = await log_codes(page)
            assert "notice-publisher_lost" in codes
            assert "notice-publisher_back" in codes


async def test_a_publisher_that_stays_away_and_begins_anew(
    open_page: OpenPage, server: GamecastServer, media_folder: Path
) -> None:
    with Scene(server, "anew", media_folder) as scene:
        async with open_page(f"/{scene.name}", quiet=False) as page:
            await until_moving(page)
            async with never_reloaded(page):
                scene.kill()
                await until_state(page, "offline")
                scene.start()
                await until_moving(page)


async def test_the_server_restarts(browser: Browser, tmp_path: Path) -> None:
    """Everything is lost at once; the page finds its way back."""
    with GamecastServer(tmp_path, settings=SETTINGS) as first:
        port = first.http.rsplit(":", 1)[1]
        page = await (await new_context(browser)).new_page()
        await page.add_init_script(prefer("flv"))
        with Scene(first, "phoenix", tmp_path):
            await page.goto(f"{first.http}/phoenix")
            await until_moving(page)
            assert first.process is not None
            first.process.kill()
            first.process = None
            (first.data_dir / "ready.json").unlink()
            await until_state(page, "reconnecting")
    with GamecastServer(tmp_path, settings=SETTINGS, options=("--http-port", port)) as second:
        assert second.http.endswith(port)
        async with never_reloaded(page):
            with Scene(second, "phoenix", tmp_path):
                await until_moving(page)
                assert "live-waiting" in await log_codes(page)


async def test_a_change_of_resolution(
    open_page: OpenPage, server: GamecastServer, media_folder: Path
) -> None:
    larger = ["-vf", "scale=480:270", "-c:v", "libx264", "-preset", "ultrafast", "-g", "30"]
    larger += ["-tune", "zerolatency", "-pix_fmt", "yuv420p", "-c:a", "aac", "-ac", "2"]
    with Scene(server, "grows", media_folder) as scene:
        async with open_page(f"/{scene.name}") as page:
            await until_moving(page)
            async with never_reloaded(page):
                scene.kill()
                with Scene(server, "grows", media_folder, options=larger):
                    await until(page, "() => document.querySelector('video').videoWidth === 480")
                    await until_moving(page)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("video", ["-an", "-c:v", "libx264", "-preset", "ultrafast", "-g", "30"]),
        ("audio", ["-vn", "-c:a", "aac", "-ac", "2"]),
    ],
)
async def test_one_kind_alone(
    open_page: OpenPage, server: GamecastServer, media_folder: Path, kind: str, options: list[str]
) -> None:
    options = [*options, "-pix_fmt", "yuv420p"] if kind == "video" else options
    with Scene(server, f"{kind}-only", media_folder, options=options) as scene:
        async with open_page(f"/{scene.name}") as page:
            await until_moving(page)
            marked = await page.locator(".player.audio-only").count()
            assert marked == (1 if kind == "audio" else 0)


async def test_nothing_is_asked_of_media_while_off_air(
    browser: Browser, server: GamecastServer
) -> None:
    page = await (await new_context(browser)).new_page()
    complaints = Complaints()
    complaints.watch(page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.goto(f"{server.http}/nobody")
    await until_state(page, "offline")
    assert not [url for url in asked if "/live/nobody" in url]
    complaints.assert_none()
