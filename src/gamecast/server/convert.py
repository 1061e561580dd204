"""Converters: what becomes of a track that a way to the viewers cannot carry."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

import structlog

from gamecast.media.packet import Packet
from gamecast.media.track import Codec, Kind, Track
from gamecast.transcode.pool import WorkerPool
from gamecast.transcode.recipes import AudioRecipe, Recipe, VideoRecipe
from gamecast.transcode.transcoder import Transcoder

log = structlog.get_logger(__name__)


class Converter(Protocol):
    """One track's way into RTP when it cannot go as it is (``gamecast.transcode.Transcoder``)."""

    def write(self, packet: Packet) -> None:
        """One packet of the stream."""

    def catch_up(self, packets: Sequence[Packet]) -> None:
        """The stream's cached group, before the first ``write``."""

    def request_keyframe(self) -> None:
        """Begin a group as soon as possible."""

    async def close(self) -> None:
        """End the worker."""


MakeConverter = Callable[[Track, Codec, Callable[[Packet], None]], Converter]
"""Makes what turns a track's packets into ones of a codec that RTP carries."""


_ending: set[asyncio.Task[None]] = set()
"""Somebody has to hold a task until it is done."""


def close_soon(converter: Converter) -> None:
    """End its worker without waiting for that."""
    task = asyncio.ensure_future(converter.close())
    _ending.add(task)
    task.add_done_callback(_ending.discard)


class ConverterFactory:
    """Makes transcoders on the server's worker pool."""

    def __init__(self, pool: WorkerPool) -> None:
        self._pool = pool

    def __call__(
        self, track: Track, codec: Codec, on_packet: Callable[[Packet], None]
    ) -> Converter:
        """A picture becomes H.264 or VP8 without B-frames, sound becomes Opus or AAC."""
        recipe: Recipe = (
            VideoRecipe(codec=codec) if track.kind is Kind.VIDEO else AudioRecipe(codec=codec)
        )

        def failed(reason: str) -> None:
            log.warning("converter.failed", codec=track.codec.value, reason=reason)

        return Transcoder(recipe, on_packet=on_packet, on_failed=failed, pool=self._pool)
