"""SrtLine: whether an SRT line carries what is sent, from the connection's own statistics."""

from __future__ import annotations

from gamecast.protocols.srt import Connection

_HELD_UP = 0.2
"""Seconds beyond four round trips for which packets may be unconfirmed before the line is full.

What waits then waits in our queue, where it is measured, dropped by rule and lowers the bitrate.
"""
_ROUND_TRIPS = 4
"""Of the empty line: those measured now grow with the queues that we fill ourselves."""
_FORGET_SECONDS = 10.0
"""A round trip that was not seen for so long is not that of the empty line any more."""
_SETTLE_SECONDS = 2.0
"""Both sides begin with a guess of 100 ms, which on a long line is far too short."""
_LOSS_SECONDS = 0.5
_LOSS_SHARE = 0.4
"""Of packets sent again: no weather does that, but a line that is full and has no queue.

SRT itself would not notice: its receiver gives up what is too late, and confirms the rest.
"""
_LEAST_PACKETS = 20


class SrtLine:
    """Asked often, with the time; one per connection."""

    __slots__ = (
        "_best",
        "_best_before",
        "_best_since",
        "_counted_at",
        "_losing",
        "_retrans",
        "_sent",
        "_settled_at",
    )

    def __init__(self, now: float) -> None:
        self._best = self._best_before = float("inf")
        self._best_since = self._counted_at = now
        self._sent = self._retrans = 0
        self._losing = False
        self._settled_at = now + _SETTLE_SECONDS

    def carries_more(self, connection: Connection, now: float) -> bool:
        """Whether what was sent gets through about as fast as it is sent."""
        self._watch_round_trips(connection.rtt, now)
        self._watch_losses(connection, now)
        if self._losing or connection.unsent:
            return False
        allowed = _ROUND_TRIPS * min(self._best, self._best_before) + _HELD_UP
        return connection.unconfirmed_seconds(now) < allowed

    def _watch_round_trips(self, rtt: float, now: float) -> None:
        if now < self._settled_at:
            return
        if now - self._best_since > _FORGET_SECONDS:
            self._best_before, self._best = self._best, rtt
            self._best_since = now
        self._best = min(self._best, rtt)

    def _watch_losses(self, connection: Connection, now: float) -> None:
        if now - self._counted_at < _LOSS_SECONDS:
            return
        totals = connection.statistics(now)
        sent, again = totals.pkt_sent - self._sent, totals.pkt_retrans - self._retrans
        self._sent, self._retrans, self._counted_at = totals.pkt_sent, totals.pkt_retrans, now
        self._losing = again > max(sent * _LOSS_SHARE, _LEAST_PACKETS)
