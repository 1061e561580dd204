"""Workers and what comes out of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from gamecast.media.packet import Packet
from gamecast.transcode.pool import WorkerPool
from gamecast.transcode.recipes import Recipe
from gamecast.transcode.transcoder import Transcoder
from tests.support.events import until
from tests.transcode.scenes import flash_and_beep, load

SETTLE_SECONDS = 20.0


@dataclass
class Run:
    """A transcoder at work."""

    transcoder: Transcoder
    pool: WorkerPool
    packets: list[Packet] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @property
    def process(self) -> psutil.Process:
        """Its worker (or the newest of its pool)."""
        pids = [worker.pid for worker in self.pool.processes if worker.pid is not None]
        return psutil.Process(max(pids))

    async def feed(self, packets: list[Packet], *, at_once: int = 6) -> None:
        """Write packets no faster than they are worked off."""
        for packet in packets:
            self.transcoder.write(packet)
            await until(
                lambda: self.transcoder.waiting < at_once or bool(self.failures),
                "the worker to take packets",
                within=SETTLE_SECONDS,
            )

    async def done(self) -> None:
        """Wait until the worker has worked off everything."""
        await until(
            lambda: self.transcoder.waiting == 0, "the worker to finish", within=SETTLE_SECONDS
        )

    async def ready(self) -> None:
        """Wait for a worker that takes messages."""
        await until(lambda: self.transcoder.ready, "the worker to start", within=SETTLE_SECONDS)


class Runs:
    """Makes transcoders and ends them."""

    def __init__(self) -> None:
        self.all: list[Run] = []
        self.pools: list[WorkerPool] = []

    def pool(self) -> WorkerPool:
        """A pool that is closed with the test."""
        self.pools.append(WorkerPool())
        return self.pools[-1]

    def start(self, recipe: Recipe, pool: WorkerPool | None = None) -> Run:
        """A new transcoder; without a pool in one of its own."""
        pool = pool or self.pool()
        packets: list[Packet] = []
        failures: list[str] = []
        transcoder = Transcoder(
            recipe, on_packet=packets.append, on_failed=failures.append, pool=pool
        )
        self.all.append(Run(transcoder, pool, packets, failures))
        return self.all[-1]

    async def close(self) -> None:
        """End all of them."""
        await asyncio.gather(*[run.transcoder.close() for run in self.all])
        await asyncio.gather(*[pool.close() for pool in self.pools])


@pytest.fixture
async def runs() -> AsyncIterator[Runs]:
    """Transcoders whose processes must be gone after the test."""
    made = Runs()
    before = set(psutil.Process().children(recursive=True))
    yield made
    await made.close()
    assert set(psutil.Process().children(recursive=True)) <= before


@pytest.fixture(scope="session")
def av_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds, 30 fps, B-frames, a keyframe every second, AAC at 44.1 kHz."""
    path = tmp_path_factory.mktemp("transcode") / "av.mp4"
    video = ["libx264", "-preset", "veryfast", "-bf", "3", "-g", "30", "-sc_threshold", "0"]
    return flash_and_beep(path, seconds=4, video=video, audio=["aac", "-b:a", "96k"], rate=44_100)


@pytest.fixture
def av_packets(av_clip: Path) -> list[Packet]:
    """The packets of the clip, interleaved."""
    return load(av_clip)
