"""Keep a peer from filling the disk: at most about one log line a second per reason and peer."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import structlog

from gamecast.server.auth_throttle import Buckets, source_of
from gamecast.server.logs_clean import EventDict

_CAPACITY = 1_024


class PeerLimit:
    """A structlog processor. Events without a ``peer`` field pass; others are counted twice.

    Per event, reason and peer: 5 at once, then one in two seconds. Per event and reason over all
    peers, if it has a ``reason`` (that is, something went wrong): 20 at once, then one a second.
    The next event that passes says how many did not, as ``suppressed``.
    """

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._each: Buckets[tuple[str, str, str]] = Buckets(rate=0.5, burst=5, capacity=_CAPACITY)
        self._all: Buckets[tuple[str, str]] = Buckets(rate=1.0, burst=20, capacity=_CAPACITY)
        self._suppressed: OrderedDict[tuple[str, str], int] = OrderedDict()

    def __call__(self, _logger: Any, _method: str, event: EventDict) -> EventDict:
        """Pass the event on, or raise ``structlog.DropEvent``."""
        if "peer" not in event:
            return event
        kind = (str(event.get("event"))[:100], str(event.get("reason", ""))[:100])
        if not self._admits(kind, _host(str(event["peer"])), has_reason="reason" in event):
            self._count(kind)
            raise structlog.DropEvent
        if suppressed := self._suppressed.pop(kind, 0):
            event["suppressed"] = suppressed
        return event

    def _admits(self, kind: tuple[str, str], host: str, *, has_reason: bool) -> bool:
        now = self._clock()
        each = (*kind, host)
        if self._each.tokens(each, now) < 1.0:
            return False
        if has_reason:
            if self._all.tokens(kind, now) < 1.0:
                return False
            self._all.take(kind, now)
        self._each.take(each, now)
        return True

    def _count(self, kind: tuple[str, str]) -> None:
        self._suppressed[kind] = self._suppressed.get(kind, 0) + 1
        if len(self._suppressed) > _CAPACITY:
            self._suppressed.popitem(last=False)


def _host(peer: str) -> str:
    """The address of ``address``, ``1.2.3.4:5`` or ``[::1]:5``."""
    peer = peer[:100]
    if peer.startswith("["):
        return source_of(peer[1:].partition("]")[0])
    return source_of(peer.partition(":")[0] if peer.count(":") == 1 else peer)
