"""The studio: this browser's camera, screen or test picture, published by WHIP and watched."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from tests.support.browser import PHONE, Complaints, chromium, new_context
from tests.support.gamecast import GamecastServer
from tests.web.watching import IN_ONE_LOOP, until, until_moving

pytestmark = [pytest.mark.interop, IN_ONE_LOOP]

FAKES = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def shared_browser() -> AsyncIterator[Browser]:
    """A browser with a camera and a microphone that are not real."""
    async with chromium(FAKES) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="package")
async def studio(browser: Browser, server: GamecastServer) -> AsyncIterator[Page]:
    """The page."""
    page = await (await new_context(browser)).new_page()
    complaints = Complaints()
    complaints.watch(page)
    await page.goto(f"{server.http}/studio")
    yield page
    assert not complaints.errors, complaints.errors


async def choose(page: Page, source: str) -> None:
    await page.locator(".segment", has_text=source).click()
    await until(page, "() => document.querySelector('.studio-stage video').videoWidth > 0")


async def go_live(page: Page, key: str) -> None:
    await page.get_by_label("Stream key", exact=True).fill(key)
    await page.locator(".live-button").click()
    await until(page, "() => gamecast.publisher.state === 'live'")


async def test_the_test_picture_goes_on_air_and_is_watched(
    studio: Page, server: GamecastServer
) -> None:
    await choose(studio, "Test picture")
    await go_live(studio, server.new_key("main"))
    found = server.wait_on_air("main", tracks=2)
    assert found["publisher"]["protocol"] == "whip"
    assert {track["codec"] for track in found["tracks"]} == {"h264", "opus"}
    viewer = await studio.context.new_page()
    await viewer.goto(f"{server.http}/main")
    await until_moving(viewer)
    await viewer.close()
    await until(studio, "() => !document.querySelector('.studio-stats').hidden")
    link = studio.get_by_role("link", name="Watch main")
    assert await link.get_attribute("href") == "/main"
    await studio.locator(".live-button").click()
    await until(studio, "() => gamecast.publisher.state === 'off'")
    server.wait_off_air("main")


async def test_camera_and_microphone(studio: Page) -> None:
    await choose(studio, "Camera")
    await until(studio, "() => gamecast.mixer.has('microphone')")
    await until(studio, "() => gamecast.mixer.measure().peak > -40")
    names = await studio.get_by_label("Camera", exact=True).locator("option").all_inner_texts()
    assert "fake_device_0" in names
    await studio.get_by_role("button", name="Mute the microphone").click()
    await until(studio, "() => gamecast.mixer.measure().peak <= -60")


async def test_another_source_while_on_air(studio: Page, server: GamecastServer) -> None:
    await choose(studio, "Test picture")
    await go_live(studio, server.new_key("main"))
    await studio.evaluate("globalThis.since = gamecast.publisher.since")
    await choose(studio, "Camera")
    await until(studio, "() => gamecast.publisher.state === 'live'")
    assert await studio.evaluate("globalThis.since === gamecast.publisher.since")
    await studio.locator(".live-button").click()
    await until(studio, "() => gamecast.publisher.state === 'off'")


async def test_what_is_missing_is_said(studio: Page) -> None:
    alert = studio.get_by_role("alert")
    await studio.locator(".live-button").click()
    assert "Choose a source" in await alert.inner_text()
    await choose(studio, "Test picture")
    await studio.locator(".live-button").click()
    assert "stream key" in await alert.inner_text()
    await until(studio, "() => document.activeElement.type === 'password'")


async def test_a_key_is_remembered_only_on_request(studio: Page) -> None:
    stored = "() => localStorage.getItem('gamecast-studio') ?? ''"
    field = studio.get_by_label("Stream key", exact=True)
    await field.fill("a-secret")
    assert "a-secret" not in await studio.evaluate(stored)
    await studio.get_by_label("Remember the key").check()
    assert "a-secret" in await studio.evaluate(stored)
    await studio.reload()
    assert await field.input_value() == "a-secret"
    await studio.get_by_label("Remember the key").uncheck()
    assert "a-secret" not in await studio.evaluate(stored)


@pytest.mark.parametrize(
    ("status", "words"), [(401, "does not know"), (409, "Somebody else"), (400, "no sense")]
)
async def test_refusals_are_said_and_final(studio: Page, status: int, words: str) -> None:
    answer = {"status": status, "json": {"code": "x", "detail": "it makes no sense"}}
    await studio.route("**/whip", lambda route: route.fulfill(**answer))
    await choose(studio, "Test picture")
    await studio.get_by_label("Stream key", exact=True).fill("key")
    await studio.locator(".live-button").click()
    alert = studio.get_by_role("alert")
    await alert.wait_for()
    assert words in await alert.inner_text()
    assert await studio.evaluate("gamecast.publisher.state") == "off"


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
async def test_it_fits_a_phone(studio: Page, server: GamecastServer, locale: str) -> None:
    assert studio.context.browser
    context = await new_context(studio.context.browser, size=PHONE, phone=True, locale=locale)
    page = await context.new_page()
    await page.goto(f"{server.http}/studio")
    await page.locator(".studio-pick").first.wait_for()
    assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    await context.close()
