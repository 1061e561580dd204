"""FLV: packets to the bytes of an HTTP-FLV or WebSocket-FLV body."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gamecast.media.chunk import Chunk
from gamecast.media.containers.flv import TagType, TagWriter
from gamecast.media.packet import Packet
from gamecast.media.track import Kind, Track

CLOCK_CUE = "gamecast.clock"
"""Name of the cue points that carry ``wall``, Unix milliseconds: players measure latency by it.

Cue points, because ffmpeg makes a text stream of script data that it does not know, and then cannot
copy the recording into MP4.
"""

SCRIPT_TIME = 0
"""Timestamp of all script data, wherever it is: ffmpeg makes a text stream of later ones."""


class FlvPackager:
    """One FLV tag per packet, and a clock tag before each keyframe (each second without video)."""

    def __init__(self) -> None:
        self._writer = TagWriter([])
        self._has_video = False
        self._has_audio = False
        self._last_ms = 0
        self._clock_ms: int | None = None

    def set_tracks(self, tracks: Sequence[Track]) -> bytes:
        """Start over with these tracks; returns the new sequence headers as tags."""
        kinds = {track.kind for track in tracks}
        self._has_video = Kind.VIDEO in kinds
        self._has_audio = Kind.AUDIO in kinds
        self._writer = TagWriter(tracks)
        return self._sequence_headers()

    def header(self) -> bytes:
        """File header, metadata and sequence headers."""
        header = self._writer.header(has_audio=self._has_audio, has_video=self._has_video)
        return header + self._sequence_headers()

    def write(self, packet: Packet) -> Iterator[Chunk]:
        """The packet's tag; one that starts a group has the clock tag in front."""
        kind, milliseconds, payload = self._writer.message(packet)
        self._last_ms = milliseconds
        tag = self._writer.tag(kind, milliseconds, payload)
        starts_group = packet.keyframe if self._has_video and packet.is_video else False
        if self._clock_due(packet, milliseconds):
            starts_group = starts_group or not self._has_video
            tag = self._clock(packet.wall, milliseconds) + tag
        yield Chunk(tag, starts_group)

    def drain(self) -> Iterator[Chunk]:
        """Nothing is ever held back."""
        return iter(())

    def _clock(self, wall: float, milliseconds: int) -> bytes:
        cue = {
            "name": CLOCK_CUE,
            "time": milliseconds / 1000.0,
            "type": "event",
            "wall": wall * 1000.0,
        }
        return self._writer.script_tag("onCuePoint", cue, SCRIPT_TIME)

    def _clock_due(self, packet: Packet, milliseconds: int) -> bool:
        if self._has_video:
            return packet.is_video and packet.keyframe
        if self._clock_ms is None or abs(milliseconds - self._clock_ms) >= 1000:
            self._clock_ms = milliseconds
            return True
        return False

    def _sequence_headers(self) -> bytes:
        return b"".join(
            self._writer.tag(kind, SCRIPT_TIME if kind == TagType.SCRIPT else at, payload)
            for kind, at, payload in self._writer.sequence_headers(self._last_ms)
        )
