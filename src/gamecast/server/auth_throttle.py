"""Slow down guessing: token buckets per peer and per name, in constant memory.

Only failures cost. Guessing a 160-bit key is hopeless anyway; what this bounds is the work and the
log lines that guessing causes, and what it must not do is let a guesser lock the owner out:

* a secret that was right before is let through to be checked again, however many wrong ones come
  from the same address or for the same name (OBS reconnecting during an attack);
* an address without a recent failure has its first try checked, even while many others guess at
  the same name.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)

_CAPACITY = 4_096


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


class Buckets(Generic[K]):
    """One token bucket per key; beyond ``capacity`` the key that failed longest ago is forgotten.

    A bucket holds at most ``burst`` tokens and gains ``rate`` per second. One that is full again
    says nothing, so forgetting costs at most what an idle time would have given back.
    """

    def __init__(self, *, rate: float, burst: int, capacity: int = _CAPACITY) -> None:
        self._rate = rate
        self._burst = burst
        self._capacity = capacity
        self._buckets: OrderedDict[K, _Bucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def tokens(self, key: K, now: float) -> float:
        """Failures that this key may still make now."""
        bucket = self._buckets.get(key)
        if bucket is None:
            return self._burst
        return min(self._burst, bucket.tokens + (now - bucket.at) * self._rate)

    def is_clean(self, key: K, now: float) -> bool:
        """Whether this key has not failed lately."""
        return self.tokens(key, now) >= self._burst

    def take(self, key: K, now: float) -> None:
        """Count one failure."""
        self._buckets[key] = _Bucket(max(0.0, self.tokens(key, now) - 1.0), now)
        self._buckets.move_to_end(key)
        if len(self._buckets) > self._capacity:
            self._buckets.popitem(last=False)


class Throttle:
    """Decides whether an attempt is checked at all."""

    def __init__(self, *, clock: Callable[[], float], capacity: int = _CAPACITY) -> None:
        self._clock = clock
        self._addresses: Buckets[str] = Buckets(rate=0.2, burst=10, capacity=capacity)
        self._identities: Buckets[str] = Buckets(rate=1.0, burst=100, capacity=capacity)
        self._good: OrderedDict[bytes, None] = OrderedDict()
        self._capacity = capacity

    def admits(self, *, address: str, identity: str, digest: bytes) -> bool:
        """Whether to check this attempt. ``digest`` is the hash of the secret it came with."""
        if digest in self._good:
            return True
        now = self._clock()
        source = source_of(address)
        if self._addresses.is_clean(source, now):
            return True
        return (
            self._addresses.tokens(source, now) >= 1.0
            and self._identities.tokens(identity, now) >= 1.0
        )

    def failed(self, *, address: str, identity: str, digest: bytes) -> None:
        """The attempt was checked and was wrong."""
        now = self._clock()
        self._good.pop(digest, None)
        self._addresses.take(source_of(address), now)
        self._identities.take(identity, now)

    def succeeded(self, *, digest: bytes) -> None:
        """The attempt was checked and was right."""
        self._good[digest] = None
        self._good.move_to_end(digest)
        if len(self._good) > self._capacity:
            self._good.popitem(last=False)


def source_of(address: str) -> str:
    """What counts as one peer: an IPv4 address, or the /64 that one IPv6 customer has."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return str(ip.ipv4_mapped)
        return str(ipaddress.ip_network((ip, 64), strict=False).network_address)
    return str(ip)
