"""ServerTimers: the deadlines of one client."""

from __future__ import annotations

from collections.abc import Sequence

from gamecast.protocols.rtmp.limits import RtmpLimits
from gamecast.protocols.rtmp.streams import MessageStream


class ServerTimers:
    """Rules, in the order of a client's life:

    - the handshake ends within ``handshake_timeout`` of the first byte;
    - a ``publish`` or ``play`` comes within ``request_timeout`` of that, and a client whose
      streams have all ended asks again, or leaves, within ``idle_timeout``;
    - a publisher sends bytes every ``publisher_timeout``, and its first media within that;
    - any other client that is silent for ``ping_interval`` is pinged, and given up after
      ``player_timeout``.
    """

    __slots__ = (
        "_idle_since",
        "_limits",
        "_pinged",
        "_started",
        "handshaken",
        "last_received",
        "requested",
    )

    def __init__(self, now: float, limits: RtmpLimits) -> None:
        self._limits = limits
        self._started = now
        self._pinged = now
        self._idle_since: float | None = now
        self.last_received = now
        self.handshaken: float | None = None
        """When the handshake ended."""
        self.requested = False
        """Whether a ``publish`` or ``play`` has come."""

    def set_idle(self, now: float, *, idle: bool) -> None:
        """Note whether any stream publishes, plays or waits for an answer."""
        if not idle:
            self._idle_since = None
        elif self._idle_since is None:
            self._idle_since = now

    def next_timer(self, publishers: Sequence[MessageStream]) -> float:
        """The next time at which something is due."""
        deadline = min(at for at, _ in self._deadlines(publishers))
        return deadline if publishers else min(deadline, self._ping_time())

    def expired(self, now: float, publishers: Sequence[MessageStream]) -> str | None:
        """Why the client is to be given up, or None."""
        passed = [reason for at, reason in self._deadlines(publishers) if at <= now]
        return passed[0] if passed else None

    def ping_is_due(self, now: float, publishers: Sequence[MessageStream]) -> bool:
        """Whether to send a ping now; then it is counted as sent."""
        if publishers or self.handshaken is None or now < self._ping_time():
            return False
        self._pinged = now
        return True

    def _ping_time(self) -> float:
        return max(self.last_received, self._pinged) + self._limits.ping_interval

    def _deadlines(self, publishers: Sequence[MessageStream]) -> list[tuple[float, str]]:
        limits = self._limits
        if self.handshaken is None:
            return [(self._started + limits.handshake_timeout, "handshake not finished")]
        if not self.requested:
            return [(self.handshaken + limits.request_timeout, "neither publish nor play")]
        deadlines = [(self.last_received + limits.player_timeout, "silent player")]
        if publishers:
            deadlines = [(self.last_received + limits.publisher_timeout, "silent publisher")]
            deadlines += [
                (stream.active_since + limits.publisher_timeout, "publisher without media")
                for stream in publishers
                if not stream.has_media
            ]
        if self._idle_since is not None:
            deadlines.append((self._idle_since + limits.idle_timeout, "no stream"))
        return deadlines
