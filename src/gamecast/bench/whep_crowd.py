"""Thousands of WHEP viewers in one process: a few scan, the others are swept for counting."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from functools import partial

from gamecast.bench.crowd import scans
from gamecast.bench.errors import BenchError
from gamecast.bench.exchange import post_offer
from gamecast.bench.figures import Figures
from gamecast.bench.janus import join_janus
from gamecast.bench.loop import new_loop
from gamecast.bench.mmsg import BatchReader
from gamecast.bench.webrtc_session import Joined, join
from gamecast.bench.whep_viewer import LightViewer
from gamecast.protocols.webrtc.offer import play_offer

_JOINS_AT_ONCE = 4
_GIVE_UP = 8
"""Viewers that were not served: a server that refuses so many is full, and each may take 15 s."""
_BUFFER_BYTES = 64 * 1024
_SWEEP_SECONDS = 0.04
"""Between two readings of a viewer that is only counted: some 200 kB in its socket's buffer."""
_SWEPT_AT_ONCE = 50


class WhepCrowd:
    """Viewers of WHEP URLs, or of Janus' mountpoints."""

    def __init__(self, urls: Sequence[str], *, janus: bool = False, key: str = "") -> None:
        self.failed = 0
        self._urls = urls
        self._janus = janus
        self._key = key
        self._loop = new_loop()
        self._buffer = bytearray(_BUFFER_BYTES)
        self._reader = BatchReader()
        self._viewers: list[LightViewer] = []

    @property
    def figures(self) -> list[Figures]:
        """Of all viewers that connected."""
        return [viewer.figures for viewer in self._viewers]

    def grow(self, to: int, *, sample: int) -> None:
        """As :class:`gamecast.bench.crowd.Crowd`."""
        self._loop.run_until_complete(self._grow(to, sample))

    def run(self, until: float) -> None:
        """Read until this time of ``time.monotonic``."""
        self._loop.run_until_complete(self._sweep(until))

    def close(self) -> None:
        """Say goodbye and close all."""
        for viewer in self._viewers:
            viewer.close()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def _grow(self, to: int, sample: int) -> None:
        self.failed = 0
        sweeping = asyncio.create_task(self._sweep(float("inf")))
        try:
            while (begin := len(self._viewers) + self.failed) < to and self.failed < _GIVE_UP:
                numbers = range(begin, min(to, begin + _JOINS_AT_ONCE if begin else 1))
                joins = [self._join(number, scans(number, to, sample)) for number in numbers]
                for result in await asyncio.gather(*joins, return_exceptions=True):
                    self._judge(result)
        finally:
            sweeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await sweeping

    def _judge(self, result: LightViewer | BaseException) -> None:
        if isinstance(result, LightViewer):
            self._viewers.append(result)
        elif self._viewers and isinstance(result, BenchError | OSError):
            self.failed += 1
        else:
            raise result

    async def _join(self, number: int, scans: bool) -> LightViewer:
        begin = time.monotonic()
        joined = await self._ask(self._urls[number % len(self._urls)])
        figures = Figures(scans=scans, asked_at=begin)
        viewer = LightViewer(joined, figures, self._buffer, thorough=not number)
        await viewer.connect()
        return viewer

    async def _ask(self, url: str) -> Joined:
        if self._janus:
            return await join_janus(url)
        make_offer = partial(play_offer, video=("h264",), session_id=1)
        return await join(make_offer, lambda offer: post_offer(url, offer, key=self._key))

    async def _sweep(self, until: float) -> None:
        while (left := until - time.monotonic()) > 0:
            await asyncio.sleep(min(left, _SWEEP_SECONDS))
            counted = [viewer for viewer in self._viewers if viewer.is_counted]
            for number, viewer in enumerate(counted):
                viewer.drain(self._reader, time.monotonic())
                if number % _SWEPT_AT_ONCE == _SWEPT_AT_ONCE - 1:
                    await asyncio.sleep(0)  # those that scan, and timers
