"""A pool of processes that run functions, and survive them."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator
from concurrent.futures.process import BrokenProcessPool

import pytest

from gamecast.transcode.workers import Overloaded, Workers


@pytest.fixture
async def workers() -> AsyncIterator[Workers]:
    made = Workers(1)
    threads = set(threading.enumerate())
    yield made
    made.close()
    # The executor's manager ends with it; asyncio's own threads serve the next test too.
    managers = [each for each in threading.enumerate() if each not in threads]
    for manager in managers:
        if not manager.name.startswith("asyncio_"):
            await asyncio.to_thread(manager.join, 10)


async def test_functions_run_in_another_process(workers: Workers) -> None:
    assert await workers.run(os.getpid) != os.getpid()
    assert await workers.run(int, "12") == 12


async def test_what_they_raise_is_raised_here(workers: Workers) -> None:
    with pytest.raises(ValueError, match="twelve"):
        await workers.run(int, "twelve")
    with pytest.raises(TypeError):
        await workers.run(int, "12", base=10)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
async def test_a_worker_that_dies_is_replaced(workers: Workers) -> None:
    first = await workers.run(os.getpid)
    with pytest.raises(BrokenProcessPool):
        await workers.run(signal.raise_signal, signal.SIGKILL)
    assert await workers.run(os.getpid) not in (first, os.getpid())


async def test_more_work_than_can_be_done_soon_is_refused(workers: Workers) -> None:
    waiting = [asyncio.ensure_future(workers.run(abs, -n)) for n in range(16)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await workers.run(abs, -1)
    assert await asyncio.gather(*waiting) == list(range(16))
