"""The embedded player, in a frame of another site."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser

from tests.support.browser import new_context
from tests.support.gamecast import GamecastServer
from tests.web.conftest import OpenPage, prefer
from tests.web.scene import Scene
from tests.web.watching import IN_ONE_LOOP, until_moving, until_state

pytestmark = [pytest.mark.interop, IN_ONE_LOOP]


@asynccontextmanager
async def other_site(frame: str) -> AsyncIterator[str]:
    """Somebody else's page, which frames a URL; another port is another origin."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = f'<!doctype html><iframe src="{frame}" allow="autoplay"></iframe>'.encode()
        head = f"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {len(body)}\r\n"
        writer.write(head.encode() + b"connection: close\r\n\r\n" + body)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as listener:
        port = listener.sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}/"


async def test_it_fills_its_frame_and_never_begins_with_sound(
    open_page: OpenPage, scene: Scene
) -> None:
    async with open_page(f"/embed/{scene.name}", size=(480, 270)) as page:
        await until_moving(page)
        assert await page.evaluate("document.querySelector('video').muted")
        box = await page.locator("#player").bounding_box()
        assert box == {"x": 0, "y": 0, "width": 480, "height": 270}
        await page.get_by_role("button", name="Click to unmute").click()
        assert not await page.evaluate("document.querySelector('video').muted")


async def test_it_plays_on_somebody_elses_page(
    server: GamecastServer, scene: Scene, strict: Browser
) -> None:
    async with other_site(f"{server.http}/embed/{scene.name}") as url:
        page = await (await new_context(strict)).new_page()
        await page.add_init_script(prefer("flv"))
        await page.goto(url)
        inner = page.frame_locator("iframe")
        await inner.locator(".player[data-state=playing]").wait_for()


async def test_it_can_wait_for_a_click(open_page: OpenPage, scene: Scene) -> None:
    async with open_page(f"/embed/{scene.name}?autoplay=0") as page:
        await until_state(page, "paused")
        await page.locator(".big-play").click()
        await until_moving(page)


async def test_keys_of_panels_are_left_to_the_browser(open_page: OpenPage, scene: Scene) -> None:
    async with open_page(f"/embed/{scene.name}") as page:
        await until_state(page, "playing")
        await page.keyboard.press("?")
        await page.keyboard.press("s")
        assert await page.locator("dialog").count() == 0
        await page.keyboard.press("k")
        await until_state(page, "paused")


async def test_the_watch_page_cannot_be_framed(
    browser: Browser, server: GamecastServer, scene: Scene
) -> None:
    async with other_site(f"{server.http}/{scene.name}") as url:
        page = await (await new_context(browser)).new_page()
        refused: list[str] = []
        page.on("console", lambda line: refused.append(line.text))
        await page.goto(url, wait_until="load")
        assert await page.frames[1].locator("#player").count() == 0
        assert any("frame-ancestors" in line for line in refused)
