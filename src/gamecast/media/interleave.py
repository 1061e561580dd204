"""Interleaver: packets of several tracks that come at their own pace, in one order of time.

A converter hands its track on later than the tracks beside it, and the first packets of it much
later. What comes out of here is in order of decoding time again, as an encoder would send it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from gamecast.media.packet import Packet

PATIENCE = 0.5
"""Seconds that the others wait for a track that has fallen behind."""
START_PATIENCE = 3.0
"""Seconds that the others wait for the first packet of a track: workers take a while to start."""
MAX_PACKETS = 20_000
MAX_BYTES = 64 * 1024 * 1024


class Interleaver:
    """Holds packets until every track has got as far as they are. Time is an argument, in seconds.

    A track that does not get there in time is not waited for any more until it has caught up, so
    that one that has failed or paused delays the others once. What comes too late passes at once:
    order within a track is always kept, order between tracks as far as tracks are in time.
    """

    def __init__(
        self,
        *,
        patience: float = PATIENCE,
        start_patience: float = START_PATIENCE,
        max_packets: int = MAX_PACKETS,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        """``max_packets`` and ``max_bytes`` (of payload) bound what is held."""
        self._patience = patience
        self._start_patience = start_patience
        self._max_packets = max_packets
        self._max_bytes = max_bytes
        self._queues: dict[int, deque[tuple[float, Packet]]] = {}
        self._reached: dict[int, float] = {}
        self._expected: set[int] = set()
        self._excused: set[int] = set()
        self._leader: int | None = None
        self._horizon = float("-inf")
        self._count = 0
        self._size = 0

    def __len__(self) -> int:
        """Packets that are held."""
        return self._count

    @property
    def size(self) -> int:
        """Bytes of payload that are held."""
        return self._size

    def set_tracks(self, ids: Iterable[int], *, leader: int | None = None) -> None:
        """Say which tracks there are; packets of others are not waited for.

        ``leader``: the track that has to begin (the picture). Until it has, nothing comes out, and
        then nothing from before it: no player could show a thing of that. Once something has come
        out this means nothing any more.
        """
        self._expected = set(ids)
        self._excused &= self._expected
        for gone in self._reached.keys() - self._expected:
            del self._reached[gone]
        self._leader = leader if self._horizon == float("-inf") else None

    def write(self, packet: Packet, now: float) -> list[Packet]:
        """Take a packet that has come at ``now``; return those that may go, in order."""
        id, at = packet.track.id, seconds_of(packet)
        self._queues.setdefault(id, deque()).append((now, packet))
        self._count += 1
        self._size += len(packet.data)
        self._reached[id] = at
        if id in self._excused and at >= self._horizon - self._patience:
            self._excused.discard(id)
        if id == self._leader:
            self._leader = None
            self._drop_before(at)
        return self.expire(now)

    def expire(self, now: float) -> list[Packet]:
        """What may go because nobody came in time; call it now and then when nothing is written."""
        if self._leader is not None:
            self._bound()
            return []
        out: list[Packet] = []
        while (id := self._earliest()) is not None and self._may_go(id, now):
            packet = self._pop(id)
            self._horizon = max(self._horizon, seconds_of(packet))
            out.append(packet)
        return out

    def drain(self) -> list[Packet]:
        """All that is held, in order; nothing if the leader has not begun."""
        if self._leader is not None:
            return []
        out: list[Packet] = []
        while (id := self._earliest()) is not None:
            out.append(self._pop(id))
        return out

    # Inside -------------------------------------------------------------------------------------

    def _earliest(self) -> int | None:
        heads = [(seconds_of(queue[0][1]), id) for id, queue in self._queues.items() if queue]
        return min(heads)[1] if heads else None

    def _may_go(self, id: int, now: float) -> bool:
        """Whether all others are there, or have been waited for long enough."""
        came, packet = self._queues[id][0]
        at = seconds_of(packet)
        full = self._too_much()
        for other in self._expected - self._excused - {id}:
            if self._queues.get(other) or self._reached.get(other, float("-inf")) >= at:
                continue
            begun = other in self._reached
            if not full and now - came < (self._patience if begun else self._start_patience):
                return False
            self._excused.add(other)
        return True

    def _too_much(self) -> bool:
        return self._count > self._max_packets or self._size > self._max_bytes

    def _bound(self) -> None:
        while self._too_much() and (id := self._earliest()) is not None:
            self._pop(id)

    def _drop_before(self, at: float) -> None:
        while (id := self._earliest()) is not None and seconds_of(self._queues[id][0][1]) < at:
            self._pop(id)

    def _pop(self, id: int) -> Packet:
        _, packet = self._queues[id].popleft()
        self._count -= 1
        self._size -= len(packet.data)
        return packet


def seconds_of(packet: Packet) -> float:
    """Decoding time in seconds."""
    return packet.dts / packet.track.clock_rate
