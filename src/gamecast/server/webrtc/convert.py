"""Converters for WebRTC: what becomes of a track that RTP cannot carry to browsers."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from gamecast.media.packet import Packet
from gamecast.media.track import Codec, Kind, Track
from gamecast.server.webrtc.source import Converter
from gamecast.transcode.pool import WorkerPool
from gamecast.transcode.recipes import AudioRecipe, Recipe, VideoRecipe
from gamecast.transcode.transcoder import Transcoder

log = structlog.get_logger(__name__)


class ConverterFactory:
    """Makes transcoders on the server's worker pool."""

    def __init__(self, pool: WorkerPool) -> None:
        self._pool = pool

    def __call__(
        self, track: Track, codec: Codec, on_packet: Callable[[Packet], None]
    ) -> Converter:
        """A picture becomes H.264 or VP8 without B-frames, sound becomes Opus."""
        recipe: Recipe = (
            VideoRecipe(codec=codec) if track.kind is Kind.VIDEO else AudioRecipe(codec=codec)
        )

        def failed(reason: str) -> None:
            log.warning("webrtc.converter_failed", codec=track.codec.value, reason=reason)

        return Transcoder(recipe, on_packet=on_packet, on_failed=failed, pool=self._pool)
