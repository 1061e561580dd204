"""A small pool of worker processes, started when first needed."""

from __future__ import annotations

import asyncio
import multiprocessing
import signal
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_MOST_WAITING = 16


class Overloaded(Exception):
    """More work is waiting than can be done soon."""


class Workers:
    """Runs functions in other processes. A worker that dies is replaced at the next call."""

    def __init__(self, count: int = 1) -> None:
        self._count = count
        self._pool: ProcessPoolExecutor | None = None
        self._waiting = 0

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The function's result. Raises what it raises, :class:`Overloaded`, or
        ``BrokenProcessPool`` if its worker died."""
        if self._waiting >= _MOST_WAITING:
            raise Overloaded
        if kwargs:
            raise TypeError("positional arguments only")
        pool = self._pool
        if pool is None:
            pool = self._pool = ProcessPoolExecutor(
                self._count,
                mp_context=multiprocessing.get_context("spawn"),
                initializer=_ignore_interrupts,
            )
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(pool, function, *args)
        except BrokenProcessPool:
            if self._pool is pool:
                self._pool = None
            raise
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """End the workers; work that waits is dropped."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None


def _ignore_interrupts() -> None:
    # Ctrl-C reaches the whole process group; the server decides when its workers end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
