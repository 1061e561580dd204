"""No page of ours asks any other host for anything: neither scripts, nor fonts, nor a picture."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page

from tests.support.gamecast import GamecastServer
from tests.web.conftest import OpenPage
from tests.web.scene import Scene
from tests.web.watching import IN_ONE_LOOP, until_moving

pytestmark = [pytest.mark.interop, IN_ONE_LOOP]


@pytest.mark.parametrize(
    ("path", "protocol"),
    [
        ("/", "auto"),
        ("/studio", "auto"),
        ("/docs", "auto"),
        ("/nobody", "auto"),
        ("/scene", "hls"),
        ("/scene", "whep"),
        ("/embed/scene", "flv"),
    ],
)
async def test_everything_comes_from_the_server(
    open_page: OpenPage, server: GamecastServer, scene: Scene, path: str, protocol: str
) -> None:
    asked: list[str] = []

    async def listen(page: Page) -> None:
        page.on("request", lambda request: asked.append(request.url))
        page.on("websocket", lambda link: asked.append(link.url))

    async with open_page(path, protocol=protocol, prepare=listen) as page:
        if scene.name in path:
            await until_moving(page, seconds=1)
        await page.wait_for_load_state()
    strangers = {url for url in asked if not at_home(url, server)}
    assert len(asked) > 2
    assert not strangers


def at_home(url: str, server: GamecastServer) -> bool:
    """Whether a URL is the server's, or one of the page's own objects (``blob:``, ``data:``)."""
    parts = urlsplit(url)
    return parts.scheme in ("blob", "data") or parts.netloc == urlsplit(server.http).netloc


async def test_the_apis_page_names_every_operation(
    open_page: OpenPage, server: GamecastServer
) -> None:
    async with open_page("/docs") as page:
        schema = await page.evaluate("fetch('/openapi.json').then((answer) => answer.json())")
        shown = await page.locator("h3 code").all_inner_texts()
    named = {
        f"{method.upper()} {path}" for path, item in schema["paths"].items() for method in item
    }
    assert named == set(shown)
    assert len(named) >= 6
