"""CommandRate: how many commands a peer may send."""

from __future__ import annotations

from gamecast.protocols.rtmp.errors import RtmpProtocolError
from gamecast.protocols.rtmp.limits import RtmpLimits


class CommandRate:
    """A bucket of ``command_burst`` tokens that ``commands_per_second`` refill."""

    __slots__ = ("_limits", "_tokens", "_updated")

    def __init__(self, now: float, limits: RtmpLimits) -> None:
        self._limits = limits
        self._tokens = float(limits.command_burst)
        self._updated = now

    def spend(self, now: float) -> None:
        """Account for one command; raises :class:`RtmpProtocolError` on too many."""
        refill = max(0.0, now - self._updated) * self._limits.commands_per_second
        self._tokens = min(float(self._limits.command_burst), self._tokens + refill) - 1
        self._updated = now
        if self._tokens < 0:
            raise RtmpProtocolError("too many commands")
