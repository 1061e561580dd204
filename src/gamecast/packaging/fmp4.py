"""Fragmented MP4 as one endless body: a fragment per video frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gamecast.media.chunk import Chunk
from gamecast.media.containers import fmp4
from gamecast.media.packet import Packet
from gamecast.media.track import Kind, Track
from gamecast.packaging.fragmenter import Fragmenter

_AUDIO_SECONDS = 0.1
"""Length of a fragment where there is no video."""


class Fmp4Packager:
    """Each fragment holds one video frame and the audio since the last: a frame of delay."""

    def __init__(self) -> None:
        self._init = b""
        self._fragmenter = Fragmenter([])
        self._has_video = False
        self._started = 0
        self._groups = 0

    def set_tracks(self, tracks: Sequence[Track]) -> bytes:
        """Start over with these tracks; returns the new initialisation segment."""
        self._has_video = any(track.kind is Kind.VIDEO for track in tracks)
        self._init = fmp4.init_segment(tracks)
        self._fragmenter = Fragmenter(tracks)
        self._started = 0
        return self._init

    def header(self) -> bytes:
        """The initialisation segment."""
        return self._init

    def write(self, packet: Packet) -> Iterator[Chunk]:
        """The fragment that this packet completes, if any."""
        if packet.is_video:
            self._fragmenter.complete(packet)
            yield from self._fragment()
        elif not self._has_video and self._audio_due(packet):
            yield from self._fragment(starts_group=True)
        self._fragmenter.write(packet)

    def drain(self) -> Iterator[Chunk]:
        """The frame that was held back."""
        self._fragmenter.drain()
        yield from self._fragment()

    def _audio_due(self, packet: Packet) -> bool:
        if packet.dts - self._started < _AUDIO_SECONDS * packet.track.clock_rate:
            return False
        self._started = packet.dts
        return True

    def _fragment(self, *, starts_group: bool = False) -> Iterator[Chunk]:
        data, independent = self._fragmenter.fragment()
        if data:
            yield Chunk(data, starts_group or (self._has_video and independent))
