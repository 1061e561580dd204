"""FLV: packets to the bytes of an HTTP-FLV or WebSocket-FLV body."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gamecast.media.chunk import Chunk
from gamecast.media.containers.flv import TagWriter
from gamecast.media.packet import Packet
from gamecast.media.track import Kind, Track

CLOCK_TAG = "onGamecastClock"
"""Script data that carries ``{"wall": Unix milliseconds}``: players measure their latency by it."""


class FlvPackager:
    """One FLV tag per packet, and a clock tag before each keyframe (each second without video)."""

    def __init__(self) -> None:
        self._writer = TagWriter([])
        self._tracks: Sequence[Track] = []
        self._has_video = False
        self._last_ms = 0
        self._clock_ms: int | None = None

    def set_tracks(self, tracks: Sequence[Track]) -> bytes:
        """Start over with these tracks; returns the new sequence headers as tags."""
        self._tracks = tracks
        self._has_video = any(track.kind is Kind.VIDEO for track in tracks)
        self._writer = TagWriter(tracks)
        return self._sequence_headers()

    def header(self) -> bytes:
        """File header, metadata and sequence headers."""
        return self._writer.header() + self._sequence_headers()

    def write(self, packet: Packet) -> Iterator[Chunk]:
        """The packet's tag; one that starts a group has the clock tag in front."""
        kind, milliseconds, payload = self._writer.message(packet)
        self._last_ms = milliseconds
        tag = self._writer.tag(kind, milliseconds, payload)
        starts_group = packet.keyframe if self._has_video and packet.is_video else False
        if self._clock_due(packet, milliseconds):
            starts_group = starts_group or not self._has_video
            clock = {"wall": packet.wall * 1000.0}
            tag = self._writer.script_tag(CLOCK_TAG, clock, milliseconds) + tag
        yield Chunk(tag, starts_group)

    def drain(self) -> Iterator[Chunk]:
        """Nothing is ever held back."""
        return iter(())

    def _clock_due(self, packet: Packet, milliseconds: int) -> bool:
        if self._has_video:
            return packet.is_video and packet.keyframe
        if self._clock_ms is None or abs(milliseconds - self._clock_ms) >= 1000:
            self._clock_ms = milliseconds
            return True
        return False

    def _sequence_headers(self) -> bytes:
        return b"".join(
            self._writer.tag(kind, milliseconds, payload)
            for kind, milliseconds, payload in self._writer.sequence_headers(self._last_ms)
        )
