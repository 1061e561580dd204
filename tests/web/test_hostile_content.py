"""Scripts in what strangers may choose: titles, an encoder's name, the address of a page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.async_api import Browser, Page

from tests.support.browser import new_context
from tests.support.gamecast import GamecastServer
from tests.web.conftest import SETTINGS, OpenPage, prefer
from tests.web.scene import ENCODE, Scene
from tests.web.watching import IN_ONE_LOOP, until_moving

pytestmark = [pytest.mark.interop, IN_ONE_LOOP]

BREAK_OUT = "\"'></title></script><img src=x onerror=globalThis.owned=1><svg onload=owned=2>"
SHORT = "<img src=x onerror=globalThis.owned=3>"
"""As ffmpeg takes no more than 64 characters of an encoder's name."""
OWNED = "globalThis.owned"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GamecastServer]:
    """A server of the module's own: a title stays."""
    with GamecastServer(tmp_path_factory.mktemp("server"), settings=SETTINGS) as running:
        yield running


@pytest.fixture(scope="module")
def hostile(server: GamecastServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A channel whose title, and whose encoder's name, try to become a page's markup."""
    server.run("channel", "add", "hostile", "--title", BREAK_OUT)
    options = [*ENCODE, "-rtmp_flashver", SHORT]
    with Scene(server, "hostile", tmp_path_factory.mktemp("hostile"), options=options) as scene:
        yield scene


@pytest.mark.parametrize("path", ["/", "/hostile", "/embed/hostile"])
async def test_what_a_streamer_writes_is_text(
    open_page: OpenPage, hostile: Scene, path: str
) -> None:
    async with open_page(path) as page:
        if path == "/":
            await page.locator(".card", has_text="<img src=x").wait_for()
        else:
            await until_moving(page)
        assert await page.evaluate(OWNED) is None
        assert await page.locator("img[src=x], svg[onload]").count() == 0


@pytest.mark.parametrize(
    "path",
    [
        f"/nobody?title={BREAK_OUT}&key={BREAK_OUT}#{BREAK_OUT}",
        "/nobody#javascript:globalThis.owned=1",
        f"/studio?server={BREAK_OUT}#{BREAK_OUT}",
        f"/embed/nobody?autoplay={BREAK_OUT}",
        f"/{BREAK_OUT}",
        f"/api/v1/streams/{BREAK_OUT}",
        f"/live/{BREAK_OUT}.flv",
        f"/assets/{BREAK_OUT}",
        f"//elsewhere.test/{BREAK_OUT}",
    ],
)
async def test_what_an_address_says_is_text(
    browser: Browser, server: GamecastServer, path: str
) -> None:
    page = await (await new_context(browser)).new_page()
    await page.add_init_script(prefer("flv"))
    await page.goto(server.http + path)
    assert await page.evaluate(OWNED) is None
    assert page.url.startswith(server.http + "/"), "an open redirect"
    assert await page.locator("img[src=x], svg[onload]").count() == 0


INJECT = """() => {
  const script = document.createElement('script');
  script.textContent = 'globalThis.owned = 1';
  const image = document.createElement('img');
  image.setAttribute('onerror', 'globalThis.owned = 2');
  image.src = 'data:image/png;base64,AAAA';
  const elsewhere = document.createElement('script');
  elsewhere.src = 'https://elsewhere.test/x.js';
  const link = document.createElement('a');
  link.href = 'javascript:globalThis.owned = 3';
  document.body.append(script, image, elsewhere, link);
  link.click();
}"""


@pytest.mark.parametrize("path", ["/", "/nobody", "/embed/nobody", "/studio"])
async def test_the_policy_stops_what_gets_into_a_page_nevertheless(
    browser: Browser, server: GamecastServer, path: str
) -> None:
    page = await (await new_context(browser)).new_page()
    refused: list[str] = []
    page.on("console", lambda line: refused.append(line.text))
    await page.goto(server.http + path)
    await page.evaluate(INJECT)
    await until_refused(page, refused, 4)
    assert await page.evaluate(OWNED) is None


async def until_refused(page: Page, refused: list[str], count: int) -> None:
    """Wait until the browser has complained so often about our policy."""
    for _ in range(100):
        if sum("Content Security Policy" in line for line in refused) >= count:
            return
        await page.wait_for_timeout(50)
    raise AssertionError(refused)
