"""What H.264 (RFC 6184) and HEVC (RFC 7798) share: aggregation of small units, and reassembly."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gamecast.media.codecs.nal import MAX_NAL_UNITS
from gamecast.media.errors import MediaError
from gamecast.media.payloads.base import equal_parts


def group_units(units: Iterable[bytes], *, limit: int, header_size: int) -> list[list[bytes]]:
    """Runs of units that fit into one aggregation packet; a unit that fits nowhere stays alone.

    An aggregation packet has a header of ``header_size`` bytes, and two bytes before each unit.
    """
    groups: list[list[bytes]] = []
    room = 0
    for unit in units:
        needed = len(unit) + 2
        if groups and needed <= room:
            groups[-1].append(unit)
            room -= needed
        else:
            groups.append([unit])
            room = limit - header_size - needed
    return groups


def aggregate(header: bytes, units: Iterable[bytes]) -> bytes:
    """An aggregation packet: header, then every unit behind its 16-bit length."""
    parts = [header]
    for unit in units:
        parts.append(len(unit).to_bytes(2, "big"))
        parts.append(unit)
    return b"".join(parts)


class UnitCollector:
    """NAL units of the access unit in progress, length-prefixed, with one open fragment at most.

    Their pieces are kept as they come and joined once.
    """

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._count = 0
        self._size = 0
        self._open: int | None = None
        """Where the length of the fragmented unit goes when its end is there."""
        self._open_size = 0

    def __len__(self) -> int:
        return self._size

    def add(self, unit: bytes) -> None:
        """Add a whole unit; an empty one is passed over."""
        if not unit:
            return
        self._begin_unit()
        self._pieces += (len(unit).to_bytes(4, "big"), unit)
        self._size += len(unit) + 4

    def add_aggregated(self, data: bytes, offset: int, is_allowed: Callable[[bytes], bool]) -> None:
        """Add the units of an aggregation packet from ``offset`` on. Raises ``MediaError``."""
        while offset < len(data):
            end = offset + 2 + int.from_bytes(data[offset : offset + 2], "big")
            if offset + 2 > len(data) or end > len(data):
                raise MediaError("NAL unit runs past its aggregation packet")
            unit = data[offset + 2 : end]
            if unit and not is_allowed(unit):
                raise MediaError("aggregation packet inside an aggregation packet")
            self.add(unit)
            offset = end

    def start_fragment(self, header: bytes) -> None:
        """Open a fragmented unit with its restored NAL header."""
        self._begin_unit()
        self._open, self._open_size = len(self._pieces), len(header)
        self._pieces += (b"", header)
        self._size += len(header) + 4

    def continue_fragment(self, data: bytes, *, last: bool) -> bool:
        """Add to the open unit and close it with the last part; ``False`` if none is open."""
        if self._open is None:
            return False
        self._pieces.append(data)
        self._size += len(data)
        self._open_size += len(data)
        if last:
            self._pieces[self._open] = self._open_size.to_bytes(4, "big")
            self._open = None
        return True

    def take(self) -> bytes | None:
        """The length-prefixed access unit; ``None`` if a fragment is still open."""
        if self._open is not None:
            return None
        data = b"".join(self._pieces)
        self.clear()
        return data

    def clear(self) -> None:
        """Forget everything."""
        self._pieces = []
        self._count = self._size = 0
        self._open = None

    def _begin_unit(self) -> None:
        if self._open is not None:
            raise MediaError("fragmented NAL unit without its end")
        if self._count >= MAX_NAL_UNITS:
            raise MediaError(f"more than {MAX_NAL_UNITS} NAL units in one access unit")
        self._count += 1


FU_START, FU_END = 0x80, 0x40
"""Bits of the FU header, the same in RFC 6184 section 5.8 and RFC 7798 section 4.4.3."""


def fragment(header: bytes, kind: int, body: bytes, mtu: int) -> list[bytes]:
    """A NAL unit's ``body`` (behind its header) as fragmentation units of equal size.

    ``header`` is the payload header of a fragment, ``kind`` the type of the unit. Used for units
    that do not fit the MTU, so there are at least two.
    """
    parts = equal_parts(body, mtu - len(header) - 1)
    last = len(parts) - 1
    payloads = []
    for index, part in enumerate(parts):
        flags = FU_START if index == 0 else FU_END if index == last else 0
        payloads.append(header + bytes([flags | kind]) + part)
    return payloads
