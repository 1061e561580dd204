"""A store in a folder of the test's own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gamecast.store.store import Store


class FakeWallClock:
    """Wall time that the test moves."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **time: float) -> None:
        """Move on, by ``timedelta``'s words."""
        self.now += timedelta(**time)


@pytest.fixture
def wall_clock() -> FakeWallClock:
    """Noon of a day in November, until moved."""
    return FakeWallClock()


@pytest.fixture
async def store(tmp_path: Path, wall_clock: FakeWallClock) -> AsyncIterator[Store]:
    """An empty store in real SQLite."""
    async with await Store.open(data_dir=tmp_path, clock=wall_clock) as opened:
        yield opened
