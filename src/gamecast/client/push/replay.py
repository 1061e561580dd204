"""ReplayRing: the last seconds of the stream, encoded, in memory; saved on request as MP4."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from gamecast.client.push.containers import Mp4Writer
from gamecast.client.push.recording import describe
from gamecast.media.packet import Packet
from gamecast.media.track import Kind, Track

MAX_BYTES = 512 * 1024 * 1024
"""What is kept at most, however long it was asked for."""


class ReplayError(Exception):
    """There is nothing to save, or it cannot be written; one clear line."""


class ReplayRing:
    """Keeps packets from a keyframe on; at least ``seconds`` of them once there are so many."""

    def __init__(self, seconds: float, *, has_video: bool, max_bytes: int = MAX_BYTES) -> None:
        self.seconds = seconds
        self._has_video = has_video
        self._max_bytes = max_bytes
        self._packets: deque[Packet] = deque()
        self._starts: deque[float] = deque()
        """Times of the keyframes in the ring (of every packet, where there are no pictures)."""
        self._lock = threading.Lock()
        self._newest = 0.0
        self.bytes = 0
        """Payload bytes kept."""

    def write(self, packet: Packet) -> None:
        """Take one packet; from the encoders' threads. Packets are shared and not changed."""
        with self._lock:
            starts = (packet.is_video and packet.keyframe) or not self._has_video
            if not self._packets and not starts:
                return
            self._newest = max(self._newest, _seconds(packet))
            self._packets.append(packet)
            self.bytes += len(packet.data)
            if starts:
                self._starts.append(_seconds(packet))
            self._trim()

    def save(self, path: Path, tracks: Sequence[Track]) -> float:
        """Write what is kept to ``path`` and return its seconds. Raises ``ReplayError``.

        Takes a moment: not for an encoder's thread.
        """
        with self._lock:
            packets = list(self._packets)
        if not packets:
            raise ReplayError("nothing to save yet: the stream has not begun")
        base = min(_seconds(packet) for packet in packets if packet.is_video or not self._has_video)
        moved = [each for each in (_moved(packet, base) for packet in packets) if each.dts >= 0]
        try:
            with path.open("wb") as file:
                writer = Mp4Writer(file, tracks)
                for packet in moved:
                    writer.write(packet)
                writer.finish()
        except OSError as error:
            raise ReplayError(describe(path, error)) from error
        return self._newest - base

    def _trim(self) -> None:
        """Drop groups from the old end while what is left is long enough, or too much."""
        while len(self._starts) > 1:
            enough = self._newest - self._starts[1] >= self.seconds
            if not enough and self.bytes <= self._max_bytes:
                return
            self._starts.popleft()
            self._drop_first_group()

    def _drop_first_group(self) -> None:
        first = True
        while self._packets:
            packet = self._packets[0]
            starts = (packet.is_video and packet.keyframe) or not self._has_video
            if starts and not first:
                return
            first = first and not starts
            self._packets.popleft()
            self.bytes -= len(packet.data)


def has_pictures(tracks: Sequence[Track]) -> bool:
    """Whether groups begin with keyframes."""
    return any(track.kind is Kind.VIDEO for track in tracks)


def _seconds(packet: Packet) -> float:
    return packet.dts / packet.track.clock_rate


def _moved(packet: Packet, base: float) -> Packet:
    """The packet ``base`` seconds earlier."""
    ticks = round(base * packet.track.clock_rate)
    return replace(packet, dts=packet.dts - ticks, pts=packet.pts - ticks)
