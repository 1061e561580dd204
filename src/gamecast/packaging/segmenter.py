"""Segmenter: packets to CMAF parts and segments, cut on decoding time.

RFC 8216bis, sections 4.4.3.7 (EXT-X-PART-INF) and 4.4.4.9 (EXT-X-PART).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gamecast.media.packet import Packet
from gamecast.media.track import Kind, Track
from gamecast.packaging.fragmenter import Fragmenter


@dataclass(slots=True, kw_only=True)
class Part:
    """A CMAF chunk: one moof and mdat of all tracks."""

    data: bytes
    duration: float
    """Seconds on the timeline of the track that drives the cuts."""
    independent: bool
    wall: float
    """Unix seconds at which its first packet arrived."""
    ends_segment: bool


@dataclass(slots=True, frozen=True, kw_only=True)
class Cuts:
    """Where to cut, in seconds."""

    part: float = 0.35
    """No part is longer than this unless a single frame is."""
    segment: float = 1.0
    """A keyframe ends a segment that is at least this long."""
    longest_segment: float = 20.0
    """A segment this long ends without a keyframe (streams that have none)."""


class Segmenter:
    """Decides when a part and a segment end. Video drives the cuts where there is video.

    While video pauses and sound goes on (a still screen), sound drives, so that parts keep coming:
    a blocked playlist request must not time out because nothing moved in the picture.
    """

    def __init__(self, tracks: Sequence[Track], cuts: Cuts) -> None:
        self._fragmenter = Fragmenter(tracks)
        self._cuts = cuts
        self._has_video = any(track.kind is Kind.VIDEO for track in tracks)
        self._now = 0.0
        self._last_frame = 0.0
        self._part_start = 0.0
        self._segment_start = 0.0
        self._wall = 0.0
        self._started = False
        self._audio_origin: float | None = None

    @property
    def segment_seconds(self) -> float:
        """Length of the segment so far."""
        return self._now - self._segment_start if self._started else 0.0

    def write(self, packet: Packet) -> Iterator[Part]:
        """The part that ends before this packet, if one does."""
        seconds = self._drive(packet)
        if seconds is not None:
            part = self._cut_before(packet, seconds)
            if part is not None:
                yield part
        if not self._wall:
            self._wall = packet.wall
        self._fragmenter.write(packet)

    def drain(self) -> Iterator[Part]:
        """The last part, ending its segment."""
        self._fragmenter.drain()
        part = self._close(max(self._now + self._last_frame, self._part_start), ends_segment=True)
        if part is not None:
            yield part

    def _drive(self, packet: Packet) -> float | None:
        """Where on the driving timeline this packet is, if it drives."""
        seconds = packet.dts / packet.track.clock_rate
        if packet.is_video or not self._has_video:
            self._audio_origin = None
            return seconds
        if self._audio_origin is None:
            self._audio_origin = seconds
            return None
        gone = seconds - self._audio_origin
        return self._now + self._cuts.part if gone > self._cuts.part else None

    def _cut_before(self, packet: Packet, seconds: float) -> Part | None:
        if not self._started:
            self._started = True
            self._now = self._part_start = self._segment_start = seconds
            return None
        driver = packet.is_video or not self._has_video
        frame = max(0.0, seconds - self._now)
        if driver:
            self._fragmenter.complete(packet)
            self._last_frame = frame
        else:
            self._audio_origin = packet.dts / packet.track.clock_rate
        self._now = max(self._now, seconds)
        length = self._now - self._segment_start
        ends = length >= self._cuts.longest_segment or (
            length >= self._cuts.segment - _EPSILON
            and packet.keyframe
            and (packet.is_video or not self._has_video)
        )
        if ends or self._now + frame - self._part_start > self._cuts.part + _EPSILON:
            return self._close(self._now, ends_segment=ends)
        return None

    def _close(self, end: float, *, ends_segment: bool) -> Part | None:
        data, independent = self._fragmenter.fragment()
        if not data and not ends_segment:
            return None
        part = Part(
            data=data,
            duration=max(0.0, end - self._part_start),
            independent=independent,
            wall=self._wall,
            ends_segment=ends_segment,
        )
        self._part_start = end
        self._wall = 0.0
        if ends_segment:
            self._segment_start = end
        return part


_EPSILON = 0.0005
"""Half of RTMP's millisecond: a frame that is late by rounding is not a frame late."""
