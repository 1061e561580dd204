"""Sliding replay window (RFC 3711 section 3.3.2)."""

from __future__ import annotations


class ReplayWindow:
    """Remembers which of the last ``SIZE`` indices have been seen, in one integer."""

    SIZE = 1024
    """RFC 3711 asks for 64; at 1 000 packets a second that is too few for late retransmissions."""

    _ALL = (1 << SIZE) - 1

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
        ahead = index - self.highest
        if ahead > 0:
            self._seen = (self._seen << min(ahead, self.SIZE) | 1) & self._ALL
            self.highest = index
        else:
            self._seen |= 1 << -ahead
