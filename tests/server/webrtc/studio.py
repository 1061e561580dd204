"""A stream without a network in front: packets written straight into the hub, in real time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from gamecast.media.codecs import audio_track
from gamecast.media.codecs.opus import OpusConfig, build_opus_head
from gamecast.media.packet import Packet
from gamecast.media.track import Codec
from tests.server.site import Site
from tests.support.media import Feed, h264_track


@dataclass(slots=True)
class StudioPublisher:
    """What the hub wants of a publisher."""

    protocol: str = "test"
    software: str = "studio"
    address: str = "127.0.0.1"
    credential: str = "key:1"
    keyframes: int = 0
    sent: list[Packet] = field(default_factory=list)

    def end(self, reason: str) -> None:
        """Nothing to close."""

    def request_keyframe(self) -> None:
        """Count the wish."""
        self.keyframes += 1


@asynccontextmanager
async def on_air(
    site: Site, *, group: int = 60, frame_bytes: int = 4000, cached: float = 1.0
) -> AsyncIterator[StudioPublisher]:
    """``main`` on air with H.264 and Opus; ``cached`` seconds of it are there at once."""
    opus = audio_track(Codec.OPUS, build_opus_head(OpusConfig(channels=2)))
    feed = Feed(video=h264_track(), audio=opus, group=group, frame_bytes=frame_bytes)
    publisher = StudioPublisher()
    ingest = site.server.directory.publish("main", title="", publisher=publisher)

    def write(seconds: float) -> None:
        for packet in feed.packets(seconds):
            publisher.sent.append(packet)
            ingest.write(packet)

    async def go_on() -> None:
        while True:
            await asyncio.sleep(1 / 30)
            write(1 / 30)

    write(cached)
    task = asyncio.create_task(go_on())
    try:
        yield publisher
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        ingest.stop("over")
