"""Waiting for something to become true, never longer than a deadline."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

POLL_SECONDS = 0.02


class NotInTimeError(AssertionError):
    """What a test waited for did not happen before the deadline."""


def wait_until(probe: Callable[[], T | None], what: str, *, within: float = 10.0) -> T:
    """Call ``probe`` until it returns something true, and return that.

    For other processes, which cannot wake us. ``what`` completes "waited for ..." in the failure.
    """
    deadline = time.monotonic() + within
    pause = threading.Event()
    while True:
        if found := probe():
            return found
        if time.monotonic() >= deadline:
            raise NotInTimeError(f"waited {within:g} s for {what}")
        pause.wait(POLL_SECONDS)


async def until(probe: Callable[[], T | None], what: str, *, within: float = 10.0) -> T:
    """``wait_until`` for code that shares a loop with what it waits for."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within
    while True:
        if found := probe():
            return found
        if loop.time() >= deadline:
            raise NotInTimeError(f"waited {within:g} s for {what}")
        await asyncio.sleep(POLL_SECONDS)
