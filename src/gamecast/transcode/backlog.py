"""What waits for a worker: bounded, and given up in the way that hurts least."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from gamecast.media.packet import Packet

MAX_BYTES = 64 * 1024 * 1024
_SKIP_SECONDS = 0.3
"""How long units may wait before pictures are left out: being live comes before being smooth."""
_ALMOST_LIVE = 2
"""Packets that may wait behind one that is encoded again: about what a decoder reorders."""


class VideoBacklog:
    """Access units in decoding order.

    While much is waiting, units are handed out to be decoded but not encoded, for that is many
    times faster: so a late start (the cached group) and a short stall are made up for. When
    live units wait for longer than ``max_seconds`` whole groups are dropped.
    """

    def __init__(self, *, max_seconds: float = 4.0, max_bytes: int = MAX_BYTES) -> None:
        self._max_seconds = max_seconds
        self._max_bytes = max_bytes
        self._waiting: deque[Packet] = deque()
        self._size = 0
        self._cached = 0
        self._need_keyframe = True
        self._skipping = True
        self.dropped = 0
        """Units that never reached the worker."""
        self.skipped = 0
        """Units that were decoded only."""

    def __len__(self) -> int:
        return len(self._waiting)

    def extend(self, packets: Sequence[Packet]) -> None:
        """Add a cached group, which is old already and so is not counted as waiting long."""
        for packet in packets:
            self._append(packet)
        self._cached = len(self._waiting)
        self._bound()

    def append(self, packet: Packet) -> None:
        """Add a unit; drops groups where too much is waiting."""
        self._append(packet)
        self._bound()

    def take(self) -> tuple[Packet, bool]:
        """The next unit, and whether it is to be encoded; ``IndexError`` when empty."""
        packet = self._waiting.popleft()
        self._size -= len(packet.data)
        self._cached = max(0, self._cached - 1)
        if self._skipping:
            self._skipping = len(self._waiting) > _ALMOST_LIVE
        elif self._waiting:
            self._skipping = _seconds(packet, self._waiting[-1]) > _SKIP_SECONDS
        self.skipped += self._skipping
        return packet, not self._skipping

    def reset(self) -> None:
        """The worker is gone and its decoder's state with it: go on at the next keyframe."""
        newest = self._newest_keyframe()
        self._drop(newest if newest is not None else len(self._waiting))
        self._need_keyframe = newest is None
        self._skipping = True

    def _append(self, packet: Packet) -> None:
        if self._need_keyframe and not packet.keyframe:
            self.dropped += 1
            return
        self._need_keyframe = False
        self._waiting.append(packet)
        self._size += len(packet.data)

    def _bound(self) -> None:
        if not self._too_much():
            return
        newest = self._newest_keyframe()
        if newest:
            self._drop(newest)
        if not newest or self._too_much():
            self._drop(len(self._waiting))
            self._need_keyframe = True

    def _too_much(self) -> bool:
        waiting = self._waiting
        if self._size > self._max_bytes:
            return True
        if len(waiting) <= self._cached + 1:
            return False
        return _seconds(waiting[self._cached], waiting[-1]) > self._max_seconds

    def _newest_keyframe(self) -> int | None:
        for index in range(len(self._waiting) - 1, -1, -1):
            if self._waiting[index].keyframe:
                return index
        return None

    def _drop(self, count: int) -> None:
        self.dropped += count
        for _ in range(count):
            self._size -= len(self._waiting.popleft().data)
        self._cached = max(0, self._cached - count)


class AudioBacklog:
    """Audio frames; the oldest go first when they wait for longer than ``max_seconds``.

    Of a cached group the last ``recent_seconds`` are taken, which may wait longer.
    """

    def __init__(self, *, max_seconds: float = 1.0, recent_seconds: float = 0.2) -> None:
        self._max_seconds = max(max_seconds, recent_seconds)
        self._recent_seconds = recent_seconds
        self._waiting: deque[Packet] = deque()
        self.dropped = 0
        """Frames that never reached the worker."""
        self.skipped = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def extend(self, packets: Sequence[Packet]) -> None:
        """Add the end of a cached group: what a player is still going to play."""
        if packets:
            last = packets[-1]
            self._waiting.extend(
                [each for each in packets if _seconds(each, last) <= self._recent_seconds]
            )

    def append(self, packet: Packet) -> None:
        """Add a frame."""
        waiting = self._waiting
        waiting.append(packet)
        while len(waiting) > 1 and not 0 <= _seconds(waiting[0], packet) <= self._max_seconds:
            waiting.popleft()
            self.dropped += 1

    def take(self) -> tuple[Packet, bool]:
        """The next frame, which is always encoded; ``IndexError`` when empty."""
        return self._waiting.popleft(), True

    def reset(self) -> None:
        """The worker is gone; any frame is a good one to go on with."""


def _seconds(earlier: Packet, later: Packet) -> float:
    return later.dts / later.track.clock_rate - earlier.dts / earlier.track.clock_rate
