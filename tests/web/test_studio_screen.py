"""The studio publishes what ``getDisplayMedia`` gives: here another tab, whose picture is known."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.support.browser import Complaints, chromium, new_context
from tests.support.gamecast import GamecastServer
from tests.web.test_studio import choose, go_live
from tests.web.watching import IN_ONE_LOOP, until, until_moving

pytestmark = [pytest.mark.interop, pytest.mark.timeout(240), IN_ONE_LOOP]

SHARED = "What is shared"
CHOOSES = [f"--auto-select-tab-capture-source-by-title={SHARED}"]
"""The browser's own dialogue chooses that tab."""

GREEN = """<title>{title}</title><body style="margin: 0; background: rgb(0, 200, 0)">
<p style="font: 60px sans-serif">0</p>
<script>setInterval(() => document.querySelector('p').textContent++, 50)</script>"""

IS_GREEN = """() => {
  const video = document.querySelector('video');
  const canvas = new OffscreenCanvas(1, 1).getContext('2d');
  const { videoWidth: width, videoHeight: height } = video;
  canvas.drawImage(video, width / 2, height / 2, 1, 1, 0, 0, 1, 1);
  const [red, green, blue] = canvas.getImageData(0, 0, 1, 1).data;
  return red < 60 && green > 150 && blue < 60;
}"""


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def shared_browser() -> AsyncIterator[Browser]:
    """A browser that shares one of its tabs when a page asks for a screen."""
    async with chromium(CHOOSES) as running:
        yield running


async def test_a_shared_screen_goes_on_air_and_may_end_without_the_stream(
    browser: Browser, server: GamecastServer
) -> None:
    context = await new_context(browser)
    shared = await context.new_page()
    await shared.set_content(GREEN.format(title=SHARED))
    studio = await context.new_page()
    complaints = Complaints()
    complaints.watch(studio)
    await studio.goto(f"{server.http}/studio")
    await choose(studio, "Screen")
    await go_live(studio, server.new_key("main"))
    found = server.wait_on_air("main")
    assert found["publisher"]["protocol"] == "whip"
    assert found["tracks"][0]["codec"] == "h264"
    viewer = await context.new_page()
    await viewer.goto(f"{server.http}/main")
    await until_moving(viewer)
    await until(viewer, IS_GREEN)
    await shared.close()
    alert = studio.get_by_role("alert")
    await alert.filter(has_text="The source ended").wait_for()
    assert await studio.evaluate("gamecast.publisher.state") == "live"
    await choose(studio, "Test picture")
    await until_moving(viewer)
    assert not complaints.errors, complaints.errors
