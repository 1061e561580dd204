"""How many connections there may be, over all and per address."""

from __future__ import annotations

from collections import Counter


class Admission:
    """Bounds connections, over all and per address."""

    def __init__(self, *, most: int, most_per_address: int) -> None:
        self._most = most
        self._most_per_address = most_per_address
        self._by_address: Counter[str] = Counter()
        self.count = 0
        self.refused = 0

    def enter(self, address: str) -> bool:
        """Count one more connection; ``False`` if it has to be refused (and is not counted)."""
        if not self.has_room(address):
            self.refused += 1
            return False
        self.count += 1
        self._by_address[address] += 1
        return True

    def has_room(self, address: str) -> bool:
        """Whether :meth:`enter` would let it in now."""
        return self.count < self._most and self._by_address[address] < self._most_per_address

    def leave(self, address: str) -> None:
        """Count one less."""
        self.count -= 1
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]
