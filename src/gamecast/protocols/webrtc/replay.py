"""Sliding replay window (RFC 3711 section 3.3.2)."""

from __future__ import annotations


class ReplayWindow:
    """Remembers which of the last ``SIZE`` indices have been seen, in one integer."""

    SIZE = 1024
    """RFC 3711 asks for 64; at 1 000 packets a second that is too few for late retransmissions."""

    __slots__ = ("_seen", "highest")

    def __init__(self) -> None:
        self.highest = -1
        self._seen = 0

    def is_fresh(self, index: int) -> bool:
        """Whether an index is new and not too old."""
        behind = self.highest - index
        if behind < 0:
            return True
        return behind < self.SIZE and not self._seen >> behind & 1

    def add(self, index: int) -> None:
        """Mark an index whose packet has authenticated."""
        behind = self.highest - index
        if behind < 0:
            mask = (1 << self.SIZE) - 1
            shift = min(-behind, self.SIZE)
            self._seen = (self._seen << shift | 1) & mask
            self.highest = index
        else:
            self._seen |= 1 << behind
