"""MPEG-TS: packets to the bytes that HTTP-TS viewers and SRT viewers share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gamecast.media.chunk import Chunk
from gamecast.media.containers.mpegts import Muxer, can_carry
from gamecast.media.packet import Packet
from gamecast.media.track import Kind, Track

_AUDIO_GROUP_SECONDS = 1.0


class TsPackager:
    """The transport packets of one frame per chunk; groups begin with PAT and PMT.

    Every chunk is a whole number of 188-byte packets. Codecs that MPEG-TS has no room for are left
    out; ``empty`` says that none is left.
    """

    def __init__(self) -> None:
        self._muxer = Muxer()
        self._has_video = False
        self._group_at: float | None = None
        self.empty = True

    def set_tracks(self, tracks: Sequence[Track]) -> bytes:
        """Start over with these tracks; the next group announces them."""
        self._has_video = any(t.kind is Kind.VIDEO and can_carry(t) for t in tracks)
        self.empty = not any(can_carry(track) for track in tracks)
        self._muxer.set_tracks(tracks)
        self._group_at = None
        return b""

    def header(self) -> bytes:
        """Nothing: each group begins with its tables, and continuity counters stay whole."""
        return b""

    def write(self, packet: Packet) -> Iterator[Chunk]:
        """The packet's transport packets."""
        starts_group = self._starts_group(packet)
        tables = self._muxer.psi() if starts_group and not self._has_video else b""
        data = self._muxer.write(packet)
        if data:
            yield Chunk(tables + data, starts_group)

    def drain(self) -> Iterator[Chunk]:
        """Nothing is ever held back."""
        return iter(())

    def _starts_group(self, packet: Packet) -> bool:
        if self._has_video:
            return packet.is_video and packet.keyframe
        if packet.is_video:
            return False
        seconds = packet.dts / packet.track.clock_rate
        if self._group_at is None or abs(seconds - self._group_at) >= _AUDIO_GROUP_SECONDS:
            self._group_at = seconds
            return True
        return False
