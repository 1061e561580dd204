"""Posters: a picture of each stream, made on demand from its newest keyframe."""

from __future__ import annotations

import asyncio
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

import structlog

from gamecast.media.packet import Packet
from gamecast.relay.directory import Directory
from gamecast.relay.stream import Clocks, Stream
from gamecast.transcode.poster import poster
from gamecast.transcode.workers import Overloaded, Workers

log = structlog.get_logger(__name__)

_FRESH_SECONDS = 5.0
_PATIENCE_SECONDS = 5.0


@dataclass(slots=True)
class _Made:
    at: float
    stream: Stream
    picture: asyncio.Future[bytes | None]


class Posters:
    """At most one picture per stream and few seconds is decoded, however many pages ask."""

    def __init__(self, directory: Directory, workers: Workers, clocks: Clocks) -> None:
        self._directory = directory
        self._workers = workers
        self._clocks = clocks
        self._made: dict[str, _Made] = {}

    async def get(self, name: str) -> bytes | None:
        """A JPEG at most a few seconds old; ``None`` if there is no stream or no picture in it."""
        stream = self._directory.get(name)
        if stream is None:
            self._made.pop(name, None)
            return None
        now = self._clocks.monotonic()
        made = self._made.get(name)
        if made is None or made.stream is not stream or now - made.at > _FRESH_SECONDS:
            made = _Made(now, stream, asyncio.ensure_future(self._make(stream)))
            self._made[name] = made
        return await asyncio.shield(made.picture)

    async def _make(self, stream: Stream) -> bytes | None:
        keyframe = _newest_keyframe(stream)
        if keyframe is None:
            return None
        track = keyframe.track
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                return await self._workers.run(
                    poster, track.codec.value, track.config, keyframe.data
                )
        except (ValueError, KeyError, BrokenProcessPool, Overloaded, TimeoutError) as error:
            log.info("poster.failed", channel=stream.name, error=str(error) or repr(error))
            return None


def _newest_keyframe(stream: Stream) -> Packet | None:
    for packet in stream.cached():
        if packet.is_video and packet.keyframe:
            return packet
    return None
