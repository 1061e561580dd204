"""Group: keyframe to keyframe. GroupCache: what a new viewer is given to begin with."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from gamecast.media.packet import Packet

_AUDIO_GROUP_SECONDS = 1.0
_VIDEO_SILENT_SECONDS = 5.0
_MAX_PACKETS = 20_000
_UNCOUNTED_BYTES = 200
"""About what a packet object weighs beside its payload, so that tiny packets count too."""


@dataclass(slots=True)
class Group:
    """A keyframe (or an audio frame where there is no video) and what followed it."""

    sequence: int
    """Counts the stream's groups from 0; one that was dropped leaves a gap."""
    start: float
    """Decoding time of the first packet, in seconds."""
    video: bool
    packets: list[Packet] = field(default_factory=list)
    size: int = 0
    """Payload bytes."""
    end: float = 0.0
    """Decoding time of the furthest packet, in seconds."""

    @property
    def duration(self) -> float:
        """Seconds from the first packet to the furthest."""
        return self.end - self.start


class GroupCache:
    """Keeps the current group, and those before it until the newer ones span ``min_seconds``.

    Video: a group begins at a keyframe of the first video track (the lowest id). Audio belongs
    to the group that is current when it arrives. Nothing before the first keyframe is kept.
    Audio alone: a group begins about every second; when video turns up later, the cache waits
    for its keyframe. Video that is silent for 5 s while audio goes on counts as absent.

    Bounds: when all groups weigh more than ``max_bytes`` the older ones go first; when the
    current group alone does, or is longer than ``max_seconds``, the cache is emptied and stays
    so until the next keyframe. ``packets`` is then empty: a new viewer has to wait for it.
    """

    def __init__(
        self,
        *,
        min_seconds: float = 2.0,
        max_seconds: float = 30.0,
        max_bytes: int = 64 * 1024 * 1024,
    ) -> None:
        self._min_seconds = min_seconds
        self._max_seconds = max_seconds
        self._max_bytes = max_bytes
        self._groups: deque[Group] = deque()
        self._size = 0
        self._sequence = 0
        self._video_id: int | None = None
        self._video_at = 0.0

    @property
    def current(self) -> Group | None:
        """The group that packets join now; ``None`` while the next keyframe is awaited."""
        return self._groups[-1] if self._groups else None

    @property
    def joinable(self) -> bool:
        """Whether a viewer can begin at once."""
        return bool(self._groups)

    @property
    def size(self) -> int:
        """Bytes that the cache answers for, packet objects included roughly."""
        return self._size

    def write(self, packet: Packet) -> bool:
        """Add a packet; ``True`` when it begins a new group."""
        at = packet.dts / packet.track.clock_rate
        starts = self._starts_video(packet, at) if packet.is_video else self._starts_audio(at)
        if starts:
            self._begin(packet, at)
        elif not self._groups:
            return False
        self._append(packet, at)
        self._trim()
        return starts

    def forget(self, track_id: int) -> None:
        """Drop what there is of a track; everything if groups begin with it."""
        if track_id == self._video_id or not (self._groups and self._groups[-1].video):
            self._clear()
            return
        for group in self._groups:
            gone = [packet for packet in group.packets if packet.track.id == track_id]
            group.packets = [packet for packet in group.packets if packet.track.id != track_id]
            size = sum(len(packet.data) for packet in gone)
            group.size -= size
            self._size -= size + _UNCOUNTED_BYTES * len(gone)

    def _starts_video(self, packet: Packet, at: float) -> bool:
        if self._video_id is None or packet.track.id < self._video_id:
            self._video_id = packet.track.id
        if packet.track.id != self._video_id:
            return False
        self._video_at = at
        if not packet.keyframe and self._groups and not self._groups[-1].video:
            self._clear()  # a delta frame cannot follow a group that began with sound
        return packet.keyframe

    def _starts_audio(self, at: float) -> bool:
        if self._video_id is not None and abs(at - self._video_at) < _VIDEO_SILENT_SECONDS:
            return False
        if self._video_id is not None and self._groups and self._groups[-1].video:
            return True
        return not self._groups or not 0 <= at - self._groups[-1].start < _AUDIO_GROUP_SECONDS

    def _begin(self, packet: Packet, at: float) -> None:
        if self._groups and self._groups[-1].video != packet.is_video:
            self._clear()
        self._groups.append(Group(self._sequence, at, packet.is_video, end=at))
        self._sequence += 1

    def _append(self, packet: Packet, at: float) -> None:
        group = self._groups[-1]
        group.packets.append(packet)
        group.size += len(packet.data)
        group.end = max(group.end, at)
        self._size += len(packet.data) + _UNCOUNTED_BYTES

    def _trim(self) -> None:
        groups = self._groups
        end = groups[-1].end
        while len(groups) > 1 and (
            end - groups[1].start >= self._min_seconds or self._size > self._max_bytes
        ):
            oldest = groups.popleft()
            self._size -= oldest.size + _UNCOUNTED_BYTES * len(oldest.packets)
        current = groups[-1]
        if (
            self._size > self._max_bytes
            or current.duration > self._max_seconds
            or len(current.packets) > _MAX_PACKETS
        ):
            self._clear()

    def _clear(self) -> None:
        self._groups.clear()
        self._size = 0

    def packets(self, *, at_least_seconds: float = 0.0) -> list[Packet]:
        """Return packets from the start of a group to now, in the order they came.

        That is the current group; the ones before it too as far as they are kept and the newer
        ones do not span ``at_least_seconds``. Empty while the next keyframe is awaited.
        """
        chosen: list[Group] = []
        for group in reversed(self._groups):
            chosen.append(group)
            if self._groups[-1].end - group.start >= at_least_seconds:
                break
        return [packet for group in reversed(chosen) for packet in group.packets]
