"""Debian's Chromium, driven by Playwright, and what a page in it had to complain about."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright

from tests.support.peers import require

DESKTOP = (1280, 800)
PHONE = (390, 844)

MUTE = "--mute-audio"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--autoplay-policy=no-user-gesture-required",
    MUTE,
]


@dataclass(slots=True)
class Complaints:
    """What went wrong in a page: uncaught errors, console errors, failed or refused requests."""

    errors: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        """Collect from ``page`` from now on."""
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda line: self._on_console(line))
        page.on("requestfailed", lambda request: self.requests.append(request.url))

    def _on_console(self, line: ConsoleMessage) -> None:
        if line.type == "error":
            self.console.append(line.text)

    def assert_none(self) -> None:
        """Fail with everything collected."""
        assert not self.errors, self.errors
        assert not self.console, self.console


@asynccontextmanager
async def chromium(
    options: Sequence[str] = (),
    *,
    autoplay: bool = True,
    speaker: Mapping[str, str] | None = None,
) -> AsyncIterator[Browser]:
    """One headless browser; ``autoplay=False`` keeps the rule that sound needs a gesture.

    ``speaker`` is the environment in which it finds a sound server; without one it is mute.
    """
    arguments = [line for line in (*ARGUMENTS, *options) if autoplay or "autoplay" not in line]
    if speaker is not None:
        arguments.remove(MUTE)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=require("chromium"),
            args=arguments,
            ignore_default_args=[MUTE] if speaker is not None else None,
            env={**os.environ, **speaker} if speaker is not None else None,
        )
        try:
            yield browser
        finally:
            await browser.close()


async def new_context(
    browser: Browser,
    *,
    size: tuple[int, int] = DESKTOP,
    locale: str = "en-US",
    dark: bool = False,
    phone: bool = False,
) -> BrowserContext:
    """A fresh profile with that window, language and colour scheme."""
    return await browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        locale=locale,
        color_scheme="dark" if dark else "light",
        device_scale_factor=2 if phone else 1,
        is_mobile=phone,
        has_touch=phone,
    )


async def media_time(page: Page) -> float:
    """The current time of the page's first video element; 0 where there is none."""
    return float(await page.evaluate("() => document.querySelector('video')?.currentTime ?? 0"))


PIXELS = """() => {
  const video = document.querySelector('video');
  if (!video || !video.videoWidth) return null;
  const canvas = document.createElement('canvas');
  canvas.width = 64; canvas.height = 36;
  const paint = canvas.getContext('2d');
  paint.drawImage(video, 0, 0, 64, 36);
  return Array.from(paint.getImageData(0, 0, 64, 36).data.filter((_, i) => i % 4 === 1));
}"""


async def pixels(page: Page) -> list[int] | None:
    """The green channel of the picture on show, 64 by 36; ``None`` while there is no picture."""
    found: list[int] | None = await page.evaluate(PIXELS)
    return found


def difference(before: list[int], after: list[int]) -> float:
    """The mean absolute difference of two pictures, in grey levels."""
    return sum(abs(a - b) for a, b in zip(before, after, strict=True)) / len(before)
