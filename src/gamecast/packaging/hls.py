"""Low-latency HLS: a window of segments and parts, and who may have which of them when.

RFC 8216bis (draft-pantos-hls-rfc8216bis). Pure: the server waits, this knows what has happened.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from gamecast.media.containers import fmp4
from gamecast.media.packet import Packet
from gamecast.media.track import Track
from gamecast.packaging.segmenter import Cuts, Part, Segmenter


@dataclass(slots=True, frozen=True, kw_only=True)
class HlsSettings:
    """Lengths in seconds, counts and sizes of a playlist."""

    part: float = 0.333
    segment: float = 1.0
    window: int = 7
    """Complete segments that the playlist lists."""
    kept: int = 3
    """Segments still served after they have left the playlist, for players a reload behind."""
    part_hold_back: float = 1.5

    @property
    def part_target(self) -> float:
        """PART-TARGET: 5 % more than asked, so that whole frames fit at common frame rates."""
        return math.ceil(self.part * 1050) / 1000


@dataclass(slots=True, kw_only=True)
class Segment:
    """One media segment and its parts. Complete once ``duration`` is set."""

    msn: int
    init: int
    """Which initialisation segment it needs."""
    wall: float
    discontinuity: bool = False
    parts: list[Part] = field(default_factory=list)
    duration: float | None = None
    _data: bytes | None = None

    @property
    def data(self) -> bytes:
        """All parts in one; joined once."""
        if self._data is None:
            self._data = b"".join(part.data for part in self.parts)
        return self._data

    @property
    def size(self) -> int:
        """Bytes of media."""
        return sum(len(part.data) for part in self.parts)

    @property
    def elapsed(self) -> float:
        """Seconds so far."""
        return sum(part.duration for part in self.parts)


class HlsPackager:
    """Packets in; segments, parts and the facts that a playlist states out."""

    def __init__(
        self,
        tracks: Sequence[Track],
        settings: HlsSettings,
        *,
        first_msn: int,
        keyframe_seconds: float,
    ) -> None:
        """``keyframe_seconds`` is the measured keyframe interval, 0 if unknown.

        ``first_msn`` is at least one more than any number this stream's earlier renditions used.
        """
        self.settings = settings
        self.segments: list[Segment] = []
        self.inits: dict[int, bytes] = {}
        self.tracks: list[Track] = []
        self.discontinuities = 0
        """EXT-X-DISCONTINUITY-SEQUENCE: how many have left the playlist."""
        self.ended = False
        self.version = 0
        """Grows with every part, so that rendered playlists can be cached."""
        guess = keyframe_seconds or _UNMEASURED_GROUP
        self.target_duration = max(1, math.ceil(max(settings.segment, guess) - 0.5))
        self._next_msn = first_msn
        self._init = 0
        self._discontinuity = False
        self._segmenter = self._start(tracks)

    # What has happened --------------------------------------------------------------------------

    @property
    def playable(self) -> bool:
        """There is something to list."""
        return bool(self.segments) and bool(self.segments[0].parts)

    @property
    def listed(self) -> list[Segment]:
        """The segments in the playlist: complete ones, then the one that grows."""
        return self.segments[-(self.settings.window + 1) :]

    @property
    def position(self) -> tuple[int, int]:
        """(media sequence number, part) that comes next: that of the preload hint."""
        last = self.segments[-1] if self.segments else None
        if last is None or last.duration is not None:
            return self._next_msn, 0
        return last.msn, len(last.parts)

    def reached(self, msn: int, part: int) -> bool:
        """Whether the playlist now contains this part, or a later one (section 6.2.5.2)."""
        return self.ended or (msn, part) < self.position

    @property
    def peak_bitrate(self) -> int:
        """Bits per second of the heaviest complete segment kept (BANDWIDTH, section 4.4.6.2)."""
        complete = [s for s in self.segments if s.duration]
        return round(max((s.size * 8 / (s.duration or 1.0) for s in complete), default=0.0))

    def segment(self, msn: int) -> Segment | None:
        """A segment that is still kept."""
        index = msn - self.segments[0].msn if self.segments else -1
        return self.segments[index] if 0 <= index < len(self.segments) else None

    # Input --------------------------------------------------------------------------------------

    def write(self, packet: Packet) -> bool:
        """Take one packet; ``True`` if the playlist has changed."""
        changed = False
        for part in self._segmenter.write(packet):
            self._add(part)
            changed = True
        return changed

    def change_tracks(self, tracks: Sequence[Track]) -> None:
        """End the segment; the next begins with a discontinuity and a new EXT-X-MAP."""
        self._end_segment()
        self._discontinuity = bool(self.segments)
        self._segmenter = self._start(tracks)

    def discontinue(self) -> None:
        """End the segment; the next begins with a discontinuity (another publisher session)."""
        self._end_segment()
        self._discontinuity = bool(self.segments)
        self._segmenter = Segmenter(self.tracks, self._cuts())

    def finish(self) -> None:
        """The stream is over: ENDLIST."""
        self._end_segment()
        self.ended = True
        self.version += 1

    # Inside -------------------------------------------------------------------------------------

    def _cuts(self) -> Cuts:
        return Cuts(part=self.settings.part_target, segment=self.settings.segment)

    def _start(self, tracks: Sequence[Track]) -> Segmenter:
        self.tracks = list(tracks)
        self._init += 1
        self.inits[self._init] = fmp4.init_segment(tracks)
        return Segmenter(tracks, self._cuts())

    def _end_segment(self) -> None:
        for part in self._segmenter.drain():
            self._add(part)

    def _add(self, part: Part) -> None:
        self.version += 1
        segment = self._open_segment(part)
        if segment is None:
            return
        if part.data:
            segment.parts.append(part)
        if part.ends_segment:
            segment.duration = segment.elapsed
            # A longer group than any before: the target must not be shorter than a segment, and
            # cutting inside the group instead would leave new viewers without a place to start.
            self.target_duration = max(self.target_duration, math.floor(segment.duration + 0.5))

    def _open_segment(self, part: Part) -> Segment | None:
        last = self.segments[-1] if self.segments else None
        if last is not None and last.duration is None:
            return last
        if not part.data:
            return None
        segment = Segment(
            msn=self._next_msn,
            init=self._init,
            wall=part.wall,
            discontinuity=self._discontinuity,
        )
        self._next_msn += 1
        self._discontinuity = False
        self.segments.append(segment)
        listed = self.settings.window + 1
        if len(self.segments) > listed and self.segments[-listed - 1].discontinuity:
            self.discontinuities += 1  # its tag has just left the playlist with it
        self._trim()
        return segment

    def _trim(self) -> None:
        """Let go of segments beyond the window (and a few kept for players a reload behind)."""
        excess = len(self.segments) - (self.settings.window + 1) - self.settings.kept
        if excess > 0:
            del self.segments[:excess]
            used = {segment.init for segment in self.segments} | {self._init}
            self.inits = {key: data for key, data in self.inits.items() if key in used}


_UNMEASURED_GROUP = 4.0
"""Seconds to assume while no whole group has been seen: what most encoders stay below."""
