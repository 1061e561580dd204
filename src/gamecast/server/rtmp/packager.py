"""RTMP as a rendition: messages already cut into chunks, the same bytes for every player.

Lives with the server because it joins two leaves: what FLV and RTMP share (media) and how RTMP
writes it (protocols).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gamecast.media.chunk import Chunk
from gamecast.media.containers.flv import TagType, TagWriter
from gamecast.media.packet import Packet
from gamecast.media.track import Kind, Track
from gamecast.packaging.flv import SCRIPT_TIME
from gamecast.protocols.rtmp import SERVER_CHUNK_SIZE
from gamecast.protocols.rtmp.chunks import write_message
from gamecast.protocols.rtmp.messages import MEDIA_CSIDS, MessageType

_AUDIO_GROUP_MS = 1000


class RtmpPackager:
    """One message per packet, each with a full header, for one message stream id."""

    def __init__(self, stream_id: int) -> None:
        self._stream_id = stream_id
        self._writer = TagWriter([])
        self._has_video = False
        self._last_ms = 0
        self._group_ms: int | None = None

    def set_tracks(self, tracks: Sequence[Track]) -> bytes:
        """Start over with these tracks; returns metadata and sequence headers."""
        self._has_video = any(track.kind is Kind.VIDEO for track in tracks)
        self._writer = TagWriter(tracks)
        return self.header()

    def header(self) -> bytes:
        """Metadata and sequence headers, stamped with the time of the last packet."""
        return b"".join(
            self._message(kind, SCRIPT_TIME if kind == TagType.SCRIPT else at, payload)
            for kind, at, payload in self._writer.sequence_headers(self._last_ms)
        )

    def write(self, packet: Packet) -> Iterator[Chunk]:
        """The packet's message."""
        type_id, milliseconds, payload = self._writer.message(packet)
        self._last_ms = milliseconds
        yield Chunk(
            self._message(type_id, milliseconds, payload),
            packet.keyframe if packet.is_video else self._starts_audio_group(milliseconds),
        )

    def drain(self) -> Iterator[Chunk]:
        """Nothing is ever held back."""
        return iter(())

    def _starts_audio_group(self, milliseconds: int) -> bool:
        if self._has_video:
            return False
        if self._group_ms is None or abs(milliseconds - self._group_ms) >= _AUDIO_GROUP_MS:
            self._group_ms = milliseconds
            return True
        return False

    def _message(self, type_id: int, milliseconds: int, payload: bytes) -> bytes:
        return write_message(
            type_id,
            self._stream_id,
            milliseconds,
            payload,
            csid=MEDIA_CSIDS[MessageType(type_id)],
            chunk_size=SERVER_CHUNK_SIZE,
        )
