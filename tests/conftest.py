"""Fixtures that more than one folder uses, and a light watch on what tests leave behind."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import settings

from gamecast.client.encode.scheduling import ordinary_scheduling
from tests.support.clips import ClipShelf
from tests.support.clock import FakeClock
from tests.support.gamecast import GamecastServer
from tests.support.peers import IN_CI
from tests.support.workers import ByPlace, longest_first, worker_count

settings.register_profile("suite", max_examples=60, deadline=None, derandomize=IN_CI)
settings.load_profile("suite")
"""No deadline, as cores are shared. CI tries the same examples each time; ``make fuzz`` others."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """What ``-n auto`` means."""
    return worker_count()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByPlace:
    """Who runs what."""
    return ByPlace(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without workers the order stays as it is."""
    if hasattr(config, "workerinput"):
        longest_first(items)


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
        orphans = _started_since(children)
        assert not orphans, f"processes left running: {orphans}"


def _is_pool(thread: threading.Thread) -> bool:
    """asyncio's and anyio's worker threads end with their loop or the process."""
    return thread.name.startswith(("asyncio_", "ThreadPoolExecutor", "AnyIO"))


def _started_since(before: set[psutil.Process]) -> set[psutil.Process]:
    """Our new processes, but for those of servers and browsers that tests share."""
    new = set()
    for child in _children() - before:
        with contextlib.suppress(psutil.NoSuchProcess):
            if before.isdisjoint(child.parents()):
                new.add(child)
    return new


def _children() -> set[psutil.Process]:
    """The living processes that this one started, directly or not."""
    return {child for child in psutil.Process().children(recursive=True) if _is_alive(child)}


def _is_alive(process: psutil.Process) -> bool:
    """It may end between two questions: a browser's last helper does."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
