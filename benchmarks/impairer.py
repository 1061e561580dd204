"""A bad network in user space: datagrams between two ends, lost and delayed by seeded dice."""

from __future__ import annotations

import random
from dataclasses import dataclass

CONTROL = 0x80
RETRANSMITTED = 0x04
_OVERTAKING = 3


@dataclass(slots=True, frozen=True, kw_only=True)
class Weather:
    """What happens to datagrams, in each direction. Seconds; shares from 0 to 1."""

    delay: float = 0.025
    jitter: float = 0.0
    """At most so much more delay; the order stays, as in a queue."""
    loss: float = 0.0
    burst: int = 1
    """Datagrams in a row that one loss takes; ``loss`` stays the share of all."""
    reorder: float = 0.0
    """Share that is overtaken by the three that follow, whenever they come."""
    duplicate: float = 0.0
    rate: float = 0.0
    """Bits per second that the narrowest link takes; 0 for any number."""
    queue: float = 0.3
    """Seconds that its queue holds; what comes while it is full is lost."""


class Direction:
    """One way through the weather: the fate of the n-th datagram depends on the seed alone."""

    def __init__(self, weather: Weather, seed: int) -> None:
        self._weather = weather
        self._dice = random.Random(seed)
        self._bursting = 0
        self._last = 0.0
        self._link_free = 0.0
        self._held: list[tuple[int, bytes]] = []
        self.impaired = False
        """Until this is set, there is nothing but the delay."""
        self.packets = self.retransmitted = self.data_bytes = self.control_bytes = 0

    def change(self, weather: Weather) -> None:
        """From now on; the dice go on."""
        self._weather = weather

    def count(self, data: bytes) -> None:
        """What an end has put on the wire, before anything is lost."""
        if data[0] & CONTROL:
            self.control_bytes += len(data)
            return
        self.packets += 1
        self.data_bytes += len(data)
        self.retransmitted += bool(data[4] & RETRANSMITTED)

    def arrivals(self, data: bytes, now: float) -> list[tuple[float, bytes]]:
        """What this datagram makes arrive, and when: itself, once or twice or not at all, and
        those that it is the last to overtake."""
        found = [(at, data) for at in self._own(data, now)]
        if self._held:
            at = max(self._last, now + self._weather.delay)
            found += [(at, held) for left, held in self._held if left == 0]
            self._held = [(left - 1, held) for left, held in self._held if left]
        return found

    def _own(self, data: bytes, now: float) -> list[float]:
        weather = self._weather
        if not self.impaired:
            return [now + weather.delay]
        lost, shift, late, twice = (self._dice.random() for _ in range(4))
        if self._bursting:
            self._bursting -= 1
            return []
        if lost < weather.loss / weather.burst:
            self._bursting = weather.burst - 1
            return []
        if late < weather.reorder:
            self._held.append((_OVERTAKING, data))
            return []
        waited = self._through_link(len(data), now)
        if waited is None:
            return []
        at = max(self._last, now + waited + weather.delay + shift * weather.jitter)
        self._last = at
        return [at] * (1 + (twice < weather.duplicate))

    def _through_link(self, size: int, now: float) -> float | None:
        """Seconds until the last bit is through; ``None`` if there is no room for it."""
        weather = self._weather
        if not weather.rate:
            return 0.0
        begins = max(now, self._link_free)
        if begins - now > weather.queue:
            return None
        self._link_free = begins + size * 8 / weather.rate
        return self._link_free - now
