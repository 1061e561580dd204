"""A live stream cut from ready clips: what an encoder sends when somebody changes its settings."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from gamecast.media.packet import Packet
from tests.server.site import Site
from tests.server.webrtc.studio import StudioPublisher
from tests.transcode.scenes import START, seconds_of


class Reel:
    """Clips of whole seconds on one time line, each again and again until the next is asked for."""

    def __init__(self, clip: Sequence[Packet]) -> None:
        """A clip is what ``scenes.load`` gives."""
        self._clip = clip
        self._seconds = 0

    def cut_to(self, clip: Sequence[Packet]) -> None:
        """Go on with another clip when the present one has played."""
        self._clip = clip

    def once(self) -> Iterator[Packet]:
        """The present clip, behind what has played."""
        clip, shift = self._clip, self._seconds
        for packet in clip:
            ticks = shift * packet.track.clock_rate
            yield replace(packet, dts=packet.dts + ticks, pts=packet.pts + ticks)
        self._seconds += round(max(map(seconds_of, clip)) + 1 / 30 - START)

    @asynccontextmanager
    async def on_air(self, site: Site) -> AsyncIterator[None]:
        """On ``main``, at the speed it plays; the clip has been sent once before that."""
        ingest = site.server.directory.publish("main", title="", publisher=StudioPublisher())

        async def send() -> None:
            loop = asyncio.get_running_loop()
            begin = loop.time() - self._seconds
            while True:
                for packet in self.once():
                    await asyncio.sleep(begin + seconds_of(packet) - START - loop.time())
                    ingest.write(packet)

        for packet in self.once():
            ingest.write(packet)
        task = asyncio.create_task(send())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            ingest.stop("over")
