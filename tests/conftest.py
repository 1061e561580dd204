"""Fixtures that more than one folder uses, and a light watch on what tests leave behind."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psutil
import pytest
from playwright.async_api import Browser

from gamecast.client.encode.scheduling import ordinary_scheduling
from tests.support.browser import chromium
from tests.support.clips import ClipShelf
from tests.support.clock import FakeClock
from tests.support.gamecast import GamecastServer


@pytest.fixture
def clock() -> FakeClock:
    """A clock at 1000 s that the test moves."""
    return FakeClock()


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> ClipShelf:
    """Encoded test clips, each made once per run."""
    return ClipShelf(tmp_path_factory.mktemp("clips"))


@pytest.fixture
def gamecast_server(tmp_path: Path) -> Iterator[GamecastServer]:
    """A server of the test's own, with the default settings; it must end with status 0."""
    with GamecastServer(tmp_path) as server:
        yield server


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """A headless Chromium."""
    async with chromium() as running:
        yield running


@pytest.fixture(autouse=True)
def nothing_left_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that leaves a thread of its own running or, among real peers, a process."""
    threads = set(threading.enumerate())
    among_peers = request.node.get_closest_marker("interop") is not None
    children = _children() if among_peers else set()
    with ordinary_scheduling():  # tests that open SVT-AV1 as root would starve those after them
        yield
    left = [thread for thread in threading.enumerate() if thread not in threads]
    own = [thread for thread in left if not thread.daemon and not _is_pool(thread)]
    assert not own, f"threads left running: {own}"
    if among_peers:
        assert _children() <= children, f"processes left running: {_children() - children}"


def _is_pool(thread: threading.Thread) -> bool:
    """asyncio's and anyio's worker threads end with their loop or the process."""
    return thread.name.startswith(("asyncio_", "ThreadPoolExecutor", "AnyIO"))


def _children() -> set[psutil.Process]:
    """The living processes that this one started, directly or not."""
    return {
        child
        for child in psutil.Process().children(recursive=True)
        if child.is_running() and child.status() != psutil.STATUS_ZOMBIE
    }
