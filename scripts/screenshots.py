"""Take the pictures of the documentation: the demo stream in both languages, on desktop and phone.

``.venv/bin/python -m scripts.screenshots`` starts a server of its own and writes ``docs/images``.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from playwright.async_api import Browser, Page
from tests.support.browser import DESKTOP, PHONE, chromium, new_context
from tests.support.gamecast import GamecastServer

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
LOCALES = {"en": "en-US", "zh": "zh-CN"}
PLAYED = 15
"""Seconds of playing before the picture is taken, so that the charts have something to show."""


async def take_all(server: GamecastServer, folder: Path) -> None:
    """Every page in every language and size, and once in the light colours."""
    async with chromium() as browser:
        for language in LOCALES:
            await watch(browser, server, folder, language=language, phone=False)
            await watch(browser, server, folder, language=language, phone=True)
            await home(browser, server, folder, language=language, phone=False)
            await home(browser, server, folder, language=language, phone=True)
        await watch(browser, server, folder, language="en", phone=False, dark=False)


async def open_page(
    browser: Browser, url: str, *, language: str, phone: bool, dark: bool = True
) -> Page:
    """A page in a profile of its own."""
    context = await new_context(
        browser, size=PHONE if phone else DESKTOP, locale=LOCALES[language], dark=dark, phone=phone
    )
    page = await context.new_page()
    await page.goto(url)
    return page


async def watch(
    browser: Browser,
    server: GamecastServer,
    folder: Path,
    *,
    language: str,
    phone: bool,
    dark: bool = True,
) -> None:
    """The watch page, playing, with its statistics open on the desktop."""
    url = f"{server.http}/demo"
    page = await open_page(browser, url, language=language, phone=phone, dark=dark)
    if not phone:
        await page.keyboard.press("i")
    await page.wait_for_function(f"() => document.querySelector('video')?.currentTime > {PLAYED}")
    device = "phone" if phone else "desktop"
    await save(page, folder, f"watch-{device}-{language}{'' if dark else '-light'}")
    await page.context.close()


async def home(
    browser: Browser, server: GamecastServer, folder: Path, *, language: str, phone: bool
) -> None:
    """What is on air, with its poster."""
    page = await open_page(browser, f"{server.http}/", language=language, phone=phone)
    await page.wait_for_selector("a[href='/demo'] img, a[href$='/demo'] img")
    await page.wait_for_function(
        "() => Array.from(document.images).every((image) => image.complete)"
    )
    await save(page, folder, f"home-{'phone' if phone else 'desktop'}-{language}")
    await page.context.close()


async def save(page: Page, folder: Path, name: str) -> None:
    """As JPEG: small enough to keep in the repository."""
    await page.screenshot(path=folder / f"{name}.jpg", type="jpeg", quality=85)


def main() -> int:
    """Write all pictures, into the folder given or docs/images."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else IMAGES
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as scratch,
        GamecastServer(Path(scratch), options=("--demo",)) as server,
    ):
        server.wait_on_air("demo")
        asyncio.run(take_all(server, folder))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
