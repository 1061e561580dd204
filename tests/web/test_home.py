"""The home page: what is on air, or how to be the first."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.browser import PHONE
from tests.support.events import wait_until
from tests.support.gamecast import GamecastServer
from tests.web.conftest import SETTINGS, OpenPage
from tests.web.scene import Scene
from tests.web.watching import IN_ONE_LOOP, until, until_moving

pytestmark = [pytest.mark.interop, IN_ONE_LOOP]

IMPATIENT = {**SETTINGS, "GAMECAST_STREAM__GRACE_SECONDS": "1"}
"""Cards of streams that have lost their publisher soon go."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GamecastServer]:
    """A server of the module's own, as the page shows all that is on air."""
    with GamecastServer(tmp_path_factory.mktemp("server"), settings=IMPATIENT) as running:
        yield running


@pytest.fixture(scope="module")
def scene(server: GamecastServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """The one stream on it."""
    with Scene(server, "scene", tmp_path_factory.mktemp("scene")) as on_air:
        yield on_air


@pytest.fixture(scope="module")
def with_pictures(server: GamecastServer, scene: Scene) -> Scene:
    """The scene, whose poster can be had: the server's workers are up."""
    path = f"/live/{scene.name}/poster.jpg"
    wait_until(lambda: server.get(path)[0] == 200, "a poster", within=30)
    return scene


async def test_cards_show_what_is_on_air(open_page: OpenPage, with_pictures: Scene) -> None:
    async with open_page("/") as page:
        card = page.locator(".card")
        await card.wait_for()
        text = await card.inner_text()
        assert with_pictures.name in text
        assert "H.264" in text
        await until(page, "() => document.querySelector('img.poster')?.naturalWidth > 100")
        first = await page.locator("img.poster").get_attribute("src")
        await until(page, "old => document.querySelector('img.poster').src !== old", first)
        uptime = await page.locator(".card-uptime").inner_text()
        await until(page, "old => document.querySelector('.card-uptime').innerText !== old", uptime)
        await card.get_by_role("link").click()
        await until_moving(page)
        assert page.url.endswith(f"/{with_pictures.name}")


async def test_streams_come_and_go_by_themselves(
    open_page: OpenPage, server: GamecastServer, with_pictures: Scene, media_folder: Path
) -> None:
    async with open_page("/") as page:
        await page.locator(".card").first.wait_for()
        with Scene(server, "second", media_folder):
            await until(page, "() => document.querySelectorAll('.card').length === 2")
            assert "2 streams" in await page.locator("#summary").inner_text()
        await until(page, "() => document.querySelectorAll('.card').length === 1")


async def test_the_empty_page_says_how_to_go_live(
    open_page: OpenPage, with_pictures: Scene
) -> None:
    body = b'retry: 9999999\n\nevent: streams\ndata: {"now": null, "items": []}\n\n'

    async def nobody(page):  # type: ignore[no-untyped-def]
        await page.route(
            "**/api/v1/live",
            lambda route: route.fulfill(body=body, content_type="text/event-stream"),
        )

    async with open_page("/", prepare=nobody, quiet=False, size=PHONE, phone=True) as page:
        await page.locator("#empty").wait_for()
        text = await page.locator("#empty").inner_text()
        assert "rtmp://127.0.0.1/live" in text
        assert "gamecast push" in text
        assert "gamecast key create" in text
        wider = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        assert not await page.evaluate(wider)


async def test_how_to_go_live_is_always_at_hand(open_page: OpenPage, with_pictures: Scene) -> None:
    async with open_page("/", locale="zh-CN") as page:
        await page.get_by_role("button", name="我要开播").click()
        dialog = page.get_by_role("dialog")
        assert "rtmp://" in await dialog.inner_text()
        await page.keyboard.press("Escape")
        await dialog.wait_for(state="detached")
