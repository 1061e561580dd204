"""What a test asks of a page that plays."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page

IN_ONE_LOOP = pytest.mark.asyncio(loop_scope="package")
"""For tests that share a browser: it belongs to the loop that started it."""

PATIENCE = 30_000
"""Milliseconds that anything on a page may take on a busy machine."""


async def until(
    page: Page, condition: str, argument: Any = None, *, within: int = PATIENCE
) -> None:
    """Wait until a JavaScript function of ``argument`` returns something true."""
    await page.wait_for_function(condition, arg=argument, timeout=within)


async def until_state(page: Page, state: str, *, within: int = PATIENCE) -> None:
    """Wait for the player's state."""
    try:
        await until(
            page, "state => globalThis.gamecast?.player.state === state", state, within=within
        )
    except Exception as error:
        raise AssertionError(f"never {state}; {await diagnosis(page)}") from error


async def until_moving(page: Page, *, seconds: float = 1.0) -> None:
    """Wait until the picture plays and its time advances by that much."""
    await until_state(page, "playing")
    start = await page.evaluate("document.querySelector('video').currentTime")
    condition = "end => document.querySelector('video').currentTime >= end"
    await until(page, condition, start + seconds)


async def stats(page: Page) -> dict[str, Any]:
    """``gamecast.player.stats()``."""
    found: dict[str, Any] = await page.evaluate("gamecast.player.stats()")
    return found


async def log_codes(page: Page) -> list[str]:
    """The codes in the event log, oldest first."""
    found: list[str] = await page.evaluate("gamecast.log.entries.map(({ code }) => code)")
    return found


async def diagnosis(page: Page) -> str:
    """State, numbers and event log, for a failure's message."""
    text: str = await page.evaluate(
        "JSON.stringify(gamecast.player.stats()) + '\\n' + gamecast.log.text()"
    )
    return text
