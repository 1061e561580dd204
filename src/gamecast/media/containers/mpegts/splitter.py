"""Splitter: any bytes to whole 188-byte packets that begin with the sync byte.

Also packets of 192 bytes (M2TS: a 4-byte time in front) and of 204 (16 Reed-Solomon bytes behind);
what is not of the 188 is dropped.
"""

from __future__ import annotations

PACKET_SIZE = 188
SYNC_BYTE = 0x47
_STRIDES = (188, 192, 204)
_CONFIRM = 3
"""Sync bytes in a row that are taken for a stream."""


class Splitter:
    """Keeps what is left of the last call; holds less than four packets between calls."""

    __slots__ = ("_rest", "_stride", "_synced", "lost_bytes")

    def __init__(self) -> None:
        self._rest = b""
        self._stride = PACKET_SIZE
        self._synced = False
        self.lost_bytes = 0
        """Bytes dropped so far in search of the sync byte."""

    def feed(self, data: bytes) -> bytes:
        """Take bytes, return as many whole packets of 188 as are there now, one after another."""
        if self._rest:
            data = self._rest + data
            self._rest = b""
        if self._synced or self._whole(data):
            count = len(data) // self._stride
            if self._in_sync(data, count):
                return self._take(data, 0, count)
        return self._search(data)

    def _whole(self, data: bytes) -> bool:
        """Whether unsynced data is a run of packets of the last stride: what datagrams hold."""
        return bool(data) and len(data) % self._stride == 0

    def _in_sync(self, data: bytes, count: int) -> bool:
        return data[: count * self._stride : self._stride].count(SYNC_BYTE) == count

    def _take(self, data: bytes, start: int, count: int) -> bytes:
        stride = self._stride
        end = start + count * stride
        self._synced = True
        self._rest = data[end:]
        if stride == PACKET_SIZE:
            return data if start == 0 and end == len(data) else data[start:end]
        return b"".join([data[at : at + PACKET_SIZE] for at in range(start, end, stride)])

    def _search(self, data: bytes) -> bytes:
        """Find the next place with three sync bytes at one distance."""
        taken = []
        position = 0
        while True:
            found = self._find(data, position)
            if found is None:
                break
            start, self._stride = found
            self.lost_bytes += start - position
            count = self._run(data, start)
            taken.append(self._take(data, start, count))
            position = start + count * self._stride
            if len(self._rest) < self._stride:
                return b"".join(taken)
        self._synced = False
        keep = max(position, len(data) - _CONFIRM * max(_STRIDES))
        self.lost_bytes += keep - position
        self._rest = data[keep:]
        return b"".join(taken)

    def _run(self, data: bytes, start: int) -> int:
        """Count of whole packets in sync from ``start`` on."""
        count = (len(data) - start) // self._stride
        for index, byte in enumerate(data[start : start + count * self._stride : self._stride]):
            if byte != SYNC_BYTE:
                return index
        return count

    @staticmethod
    def _find(data: bytes, position: int) -> tuple[int, int] | None:
        while True:
            position = data.find(SYNC_BYTE, position)
            if position < 0:
                return None
            for stride in _STRIDES:
                last = position + (_CONFIRM - 1) * stride
                if last < len(data) and data[position + stride] == data[last] == SYNC_BYTE:
                    if last + PACKET_SIZE > len(data):
                        continue
                    return position, stride
            position += 1
