"""One server for all media tests: each publishes under a name of its own, without a key."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest

from tests.support.gamecast import GamecastServer

GRACE_SECONDS = 1.0
"""Short, so that a stream whose publisher has finished is soon over."""


@pytest.fixture(scope="session")
def open_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GamecastServer]:
    """A server where anybody may publish under any name."""
    settings = {
        "GAMECAST_AUTH__PUBLISH": "open",
        "GAMECAST_STREAM__GRACE_SECONDS": str(GRACE_SECONDS),
    }
    with GamecastServer(tmp_path_factory.mktemp("open-server"), settings=settings) as server:
        yield server


@pytest.fixture(scope="session")
def new_name() -> Callable[[], str]:
    """Stream names that no other test uses."""
    numbers = itertools.count(1)
    return lambda: f"test{next(numbers)}"
