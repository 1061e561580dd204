"""Processes are shared where they may be, kept for a while and ended."""

from __future__ import annotations

import asyncio

import pytest

from gamecast.transcode import pool as pool_module
from gamecast.transcode.pool import WorkerPool
from gamecast.transcode.recipes import AudioRecipe
from tests.support.events import until
from tests.transcode.conftest import Runs


async def test_audio_shares_and_video_does_not(runs: Runs) -> None:
    pool = runs.pool()
    shared = await asyncio.gather(pool.shared(), pool.shared(), pool.shared())
    assert len(set(shared)) == 1
    private = await asyncio.gather(pool.private("video"), pool.private("video"))
    assert len({*private, *shared}) == 3
    await pool.close()
    assert pool.processes == []


async def test_a_full_worker_gets_a_second_one_beside_it(runs: Runs) -> None:
    pool = WorkerPool(lines_per_worker=2)
    runs.pools.append(pool)
    all_runs = []
    for _ in range(3):
        all_runs.append(runs.start(AudioRecipe(), pool))
        await all_runs[-1].ready()
    assert len(pool.processes) == 2


async def test_an_idle_worker_is_kept_for_a_while(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool_module, "_LINGER_SECONDS", 0.5)
    pool = runs.pool()
    first = runs.start(AudioRecipe(), pool)
    await first.ready()
    pid = first.process.pid
    await first.transcoder.close()
    second = runs.start(AudioRecipe(), pool)
    await second.ready()
    assert second.process.pid == pid
    await second.transcoder.close()
    await until(lambda: not pool.processes, "the idle worker to be ended")


async def test_a_closed_pool_starts_nothing(runs: Runs) -> None:
    pool = runs.pool()
    await pool.close()
    with pytest.raises(OSError, match="ended"):
        await pool.private("video")
