"""What is known of one viewer."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field

from gamecast.bench.stamp import Stamp

STALL = 0.5
"""Seconds: more than the pause before a keyframe on a busy server, less than what players hold."""


@dataclass(slots=True, eq=False, kw_only=True)
class Figures:
    """Filled by whoever reads for the viewer. Times are ``time.monotonic`` in seconds."""

    scans: bool
    """Whether every frame is looked at; the others are checked by numbers and sizes."""
    asked_at: float
    connect_seconds: float = 0.0
    """From the first packet of the viewer to the protocol's yes."""
    first_media_seconds: float = 0.0
    first_picture_seconds: float = 0.0
    """To the first keyframe; only of those that scan."""
    received: int = 0
    """Bytes."""
    last_at: float = 0.0
    longest_gap: float = 0.0
    """Seconds without a byte."""
    stall_after: float = STALL
    """Seconds without a byte that count as a stall; longer where media comes in pieces."""
    stalls: int = 0
    closed: bool = False
    frames: int = 0
    missed_frames: int = 0
    missed_groups: int = 0
    number: int = -1
    group: int = -1
    delays: array[float] = field(default_factory=lambda: array("d"))
    """Seconds from a frame's stamp to its arrival, once measuring has begun."""
    lost: int = 0
    """Packets missing in their numbers (RTP, SRT)."""
    forged: int = 0
    """Packets that did not decrypt."""
    parts: int = 0
    """Of HLS: parts or segments."""
    late_parts: int = 0
    """Parts that came after a player that keeps the playlist's distance would have needed them."""
    missed_parts: int = 0
    discontinuities: int = 0
    """Of HLS: places at which the playlist says that media does not go on (EXT-X-DISCONTINUITY)."""

    def arrived(self, count: int, now: float) -> None:
        """Bytes of media came."""
        if not self.first_media_seconds:
            self.first_media_seconds = now - self.asked_at
            self.last_at = now
        self.waited(now)
        self.last_at = now
        self.received += count

    def waited(self, now: float) -> None:
        """The time since the last byte is over, by a byte or by the end of the measurement."""
        gap = now - self.last_at
        self.longest_gap = max(self.longest_gap, gap)
        self.stalls += gap > self.stall_after

    def see(self, stamp: Stamp, *, wall_ns: int, now: float, earlier: Sequence[int] = ()) -> None:
        """A frame that arrived at ``wall_ns``; ``now`` is the same moment.

        ``earlier``: when the frames since the last stamp arrived, of which the stamp tells when
        they were sent. Nothing is known of them if one is missing.
        """
        self.frames += 1
        if 0 <= self.number < stamp.number - stamp.step:
            self.missed_frames += stamp.number - stamp.step - self.number
            self.missed_groups += max(1, stamp.group - self.group - 1)
        self.number, self.group = stamp.number, stamp.group
        if stamp.keyframe and not self.first_picture_seconds:
            self.first_picture_seconds = now - self.asked_at
        times = [(stamp.time_ns, wall_ns)]
        if len(stamp.earlier) == len(earlier):
            times += zip(stamp.earlier, earlier, strict=True)
        self.delays.extend((arrived - sent) / 1e9 for sent, arrived in times if sent)

    def reset(self, now: float) -> None:
        """Begin to measure: what came before does not count."""
        self.received = self.frames = self.missed_frames = self.missed_groups = 0
        self.lost = self.forged = self.parts = self.late_parts = self.missed_parts = 0
        self.longest_gap = 0.0
        self.stalls = self.discontinuities = 0
        self.last_at = now
        self.delays = array("d")
