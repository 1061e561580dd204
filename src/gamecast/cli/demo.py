"""``serve --demo``: our own ``gamecast push --test`` publishing to our own server.

It is a process of its own, through the real encoder and a real connection, so that the demo shows
what a streamer gets, and so that encoding takes no time from the server's loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time

import structlog

from gamecast.store.errors import ChannelExists
from gamecast.store.store import Store

DEMO_CHANNEL = "demo"
_LABEL = "made by serve --demo"
_TITLE = "Demo"
_PICTURE = ("--size", "1280x720", "--fps", "30", "--bitrate", "2500k", "--keyframe-interval", "2")
_FIRST_WAIT = 1.0
_LONGEST_WAIT = 30.0
_STEADY = 60.0
"""After running this long, a publisher that ends is started again without delay."""
_PATIENCE = 5.0
"""Seconds between asking the publisher to end and ending it."""
_TAIL = 2_000

log = structlog.get_logger(__name__)


async def make_demo_key(store: Store) -> str:
    """A fresh key of the demo channel, valid for this run."""
    with contextlib.suppress(ChannelExists):
        await store.channels.create(DEMO_CHANNEL, title=_TITLE)
    await store.keys.discard(DEMO_CHANNEL, _LABEL)
    return await store.keys.create(DEMO_CHANNEL, label=_LABEL)


async def discard_demo_key(store: Store) -> None:
    """Forget the key of this run (and of one that was killed)."""
    await store.keys.discard(DEMO_CHANNEL, _LABEL)


class DemoPublisher:
    """Keeps one publisher process running from ``start`` to ``stop``."""

    def __init__(self, url: str, key: str) -> None:
        self._url = url
        self._key = key
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start it, in the background."""
        self._task = asyncio.create_task(self._keep_running())

    async def stop(self) -> None:
        """End the process, in seconds whatever it does."""
        if self._task is None:
            return
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _keep_running(self) -> None:
        wait = _FIRST_WAIT
        while True:
            started = time.monotonic()
            said = await self._run_once()
            steady = time.monotonic() - started > _STEADY
            wait = _FIRST_WAIT if steady else min(_LONGEST_WAIT, 2 * wait)
            log.warning("demo.ended", said=said, again_in_seconds=wait)
            await asyncio.sleep(wait)

    async def _run_once(self) -> str:
        """Run the publisher to its end; returns the last that it said."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gamecast.cli.demo_child", str(os.getpid())),
            *("push", "--test", *_PICTURE, self._url),
            env={**os.environ, "GAMECAST_PUSH_KEY": self._key},  # the process list shows arguments
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,  # Ctrl+C is for the server, which then ends this
        )
        log.info("demo.started", pid=process.pid, channel=DEMO_CHANNEL)
        try:
            said = await _read_tail(process.stderr)
            await process.wait()
            return said
        finally:
            await _end(process)


async def _read_tail(stream: asyncio.StreamReader | None) -> str:
    tail = b""
    while stream is not None and (chunk := await stream.read(4096)):
        tail = (tail + chunk)[-_TAIL:]
    lines = tail.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else ""


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(_PATIENCE):
            await process.communicate()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()
