"""The server in the test's own loop: the loop that it has in production, ports of the system's."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest

from tests.server.site import MakeSite, Site, open_site


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """uvloop where ``gamecast serve`` uses it: its transports are not asyncio's."""
    if sys.platform == "win32":
        return {"asyncio": asyncio.new_event_loop}
    import uvloop

    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
async def make_site(tmp_path: Path) -> AsyncIterator[MakeSite]:
    """Start a server with these sections of the configuration; it is stopped after the test."""
    sites: list[Site] = []

    async def make(**sections: object) -> Site:
        site = await open_site(tmp_path / f"site{len(sites)}", **sections)
        sites.append(site)
        return site

    yield make
    for site in sites:
        await site.close()


@pytest.fixture
async def site(make_site: MakeSite) -> Site:
    """A server where anybody may publish under any name."""
    return await make_site(auth={"publish": "open"})
