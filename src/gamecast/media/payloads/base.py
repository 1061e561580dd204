"""What all payload formats share: the interfaces, and finding the borders of access units."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Protocol

from gamecast.media.errors import MediaError

DEFAULT_MTU = 1200
"""Longest payload by default: with RTP header, SRTP tag, UDP and IPv6 about 1 290 bytes."""
MIN_MTU = 64
MAX_ACCESS_UNIT = 8 * 1024 * 1024
"""Bytes of one access unit that are collected from a peer."""


@dataclass(slots=True)
class AccessUnit:
    """What a depacketizer gives: the payload of a ``Packet`` and its 32-bit RTP timestamp."""

    data: bytes
    timestamp: int


class Packetizer(Protocol):
    """Makes the RTP payloads of one access unit; the last of them gets the marker bit."""

    def packetize(self, data: bytes) -> list[bytes]:
        """Payloads of at most the MTU given at construction. Raises ``MediaError``."""


class Depacketizer(Protocol):
    """Makes access units of the RTP payloads of one source."""

    dropped: int
    """Access units left out because packets of theirs were lost."""

    def write(
        self, payload: bytes, *, timestamp: int, marker: bool, lost: bool = False
    ) -> list[AccessUnit]:
        """Take one packet's payload; returns the access units that it completed (0 to 2).

        ``lost`` says that packets between the last one and this are missing for good. An empty
        payload (padding only) is passed over. Raises ``MediaError`` for malformed payloads.
        """


class FrameDepacketizer(ABC):
    """A depacketizer of video: collects payloads, in order of sequence, into access units.

    An access unit of which a packet is missing is dropped and counted: half a picture would be
    shown as garbage, so the caller asks for a keyframe instead when ``dropped`` grows.
    """

    def __init__(self, *, max_size: int = MAX_ACCESS_UNIT) -> None:
        self.dropped = 0
        self._max_size = max_size
        self._timestamp: int | None = None
        self._damaged = False

    def write(
        self, payload: bytes, *, timestamp: int, marker: bool, lost: bool = False
    ) -> list[AccessUnit]:
        """See :meth:`Depacketizer.write`."""
        if timestamp == self._timestamp and payload and not lost:  # as most are
            if not self._damaged:
                self._add(payload)
            return self._finish(complete=True) if marker else []
        units: list[AccessUnit] = []
        if not payload:
            self._damaged = self._damaged or (lost and self._timestamp is not None)
            return units
        if timestamp != self._timestamp:
            units += self._finish(complete=not lost)
            self._timestamp = timestamp
            self._damaged = lost and not self.starts(payload)
        elif lost:
            self._damaged = True
        if not self._damaged:
            self._add(payload)
        if marker:
            units += self._finish(complete=True)
        return units

    def _add(self, payload: bytes) -> None:
        try:
            fits = self.append(payload)
        except MediaError:
            self._damaged = True
            raise
        if self.size() > self._max_size:
            self.discard()
            self._damaged = True
            raise MediaError(f"access unit of more than {self._max_size} bytes over RTP")
        if not fits:
            self._damaged = True

    def _finish(self, *, complete: bool) -> list[AccessUnit]:
        timestamp, self._timestamp = self._timestamp, None
        damaged, self._damaged = self._damaged, False
        if timestamp is None:
            return []
        data = self.take() if complete and not damaged else None
        if data is None:
            self.dropped += 1
            self.discard()
            return []
        return [AccessUnit(data, timestamp)] if data else []

    @abstractmethod
    def starts(self, payload: bytes) -> bool:
        """Whether this payload can be the first of an access unit, as far as it tells."""

    @abstractmethod
    def append(self, payload: bytes) -> bool:
        """Add to the unit in progress; ``False`` if something before it must be missing."""

    @abstractmethod
    def size(self) -> int:
        """Bytes collected so far."""

    @abstractmethod
    def take(self) -> bytes | None:
        """The unit, empty if there is nothing to show, ``None`` if its end is missing."""

    @abstractmethod
    def discard(self) -> None:
        """Forget the unit in progress."""


def check_mtu(mtu: int) -> int:
    """``mtu`` if it leaves room for payload headers; ``ValueError`` (our misuse) otherwise."""
    if mtu < MIN_MTU:
        raise ValueError(f"an RTP payload of {mtu} bytes is too small")
    return mtu


def equal_parts(data: bytes, limit: int) -> list[bytes]:
    """``data`` in as few parts of at most ``limit`` bytes as possible, all but the last equal.

    Equal parts let a whole frame leave in one system call (UDP GSO).
    """
    count = max(1, -(-len(data) // limit))
    size = max(1, -(-len(data) // count))
    return [data[offset : offset + size] for offset in range(0, len(data), size)] or [b""]
