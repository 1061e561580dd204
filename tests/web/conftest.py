"""A real server on which anyone may publish, and pages that complain aloud.

Browser, server and stream are one for the folder, as each takes a second or two to start: a test
has a profile of its own, and channels of its own if it publishes. A module whose tests look at all
of a server, or set it up otherwise, has its own ``server`` and ``scene``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from tests.support.browser import Complaints, chromium, new_context
from tests.support.gamecast import GamecastServer
from tests.web.scene import Scene

SETTINGS = {"GAMECAST_AUTH__PUBLISH": "open", "GAMECAST_STREAM__GRACE_SECONDS": "6"}

Prepare = Callable[[Page], Awaitable[None]]
"""Done to a page before it loads: scripts, routes."""

OpenPage = Callable[..., AbstractAsyncContextManager[Page]]


def prefer(protocol: str) -> str:
    """A script for a fresh profile whose owner chose that protocol once."""
    return f'localStorage.gamecast ??= \'{{"protocol": "{protocol}"}}\';'


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GamecastServer]:
    """One server for the folder's tests; each uses channels of its own."""
    with GamecastServer(tmp_path_factory.mktemp("server"), settings=SETTINGS) as running:
        yield running


@pytest.fixture(scope="package")
def scene(server: GamecastServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A stream on the channel ``scene``, on air from the first test that watches it."""
    with Scene(server, "scene", tmp_path_factory.mktemp("scene")) as on_air:
        yield on_air


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def shared_browser() -> AsyncIterator[Browser]:
    """One headless Chromium for the folder's tests, which run in one loop (``IN_ONE_LOOP``)."""
    async with chromium() as running:
        yield running


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def strict_browser() -> AsyncIterator[Browser]:
    """One that lets a page begin with sound after a gesture only, for ``strict``."""
    async with chromium(autoplay=False) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="package")
async def browser(shared_browser: Browser) -> AsyncIterator[Browser]:
    """The browser without a profile: each test opens its own, none outlives its test."""
    async with without_profiles(shared_browser):
        yield shared_browser


@pytest_asyncio.fixture(loop_scope="package")
async def strict(strict_browser: Browser) -> AsyncIterator[Browser]:
    """The strict browser, like ``browser``."""
    async with without_profiles(strict_browser):
        yield strict_browser


@asynccontextmanager
async def without_profiles(browser: Browser) -> AsyncIterator[None]:
    """Close what the block has opened."""
    yield
    for profile in browser.contexts:
        await profile.close()


@pytest.fixture
def open_page(browser: Browser, server: GamecastServer) -> OpenPage:
    """``async with open_page("/path") as page``: nothing may have gone wrong in it at the end."""

    @asynccontextmanager
    async def opened(
        path: str,
        *,
        protocol: str = "flv",
        quiet: bool = True,
        prepare: Prepare | None = None,
        **context: Any,
    ) -> AsyncIterator[Page]:
        profile = await new_context(browser, **context)
        page = await profile.new_page()
        complaints = Complaints()
        complaints.watch(page)
        await page.add_init_script(prefer(protocol))
        if prepare is not None:
            await prepare(page)
        await page.goto(server.http + path)
        yield page
        await profile.close()
        if quiet:
            complaints.assert_none()

    return opened


@pytest.fixture
def media_folder(tmp_path: Path) -> Path:
    """Where publishers of one test keep their logs."""
    return tmp_path
