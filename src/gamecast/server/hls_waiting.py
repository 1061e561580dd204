"""Those who wait for a part of one playlist: without a task each, and with one timer for all.

RFC 8216bis section 6.2.5.2 (blocking reload) and 6.2.6 (preload hints).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

Told = Callable[[bool], None]
"""Called once: ``True`` when the playlist has the part or is over, ``False`` when time is up.

It must not enter or leave by itself, and compares equal to itself alone (a bound method will do).
"""


class WaitingRoom:
    """Waiters by (media sequence number, part), so that whoever asks the same is found at once."""

    def __init__(self, *, clock: Callable[[], float]) -> None:
        """``clock`` in seconds; it runs as the loop's does."""
        self._clock = clock
        self._waiting: dict[tuple[int, int], dict[Told, float]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return sum(len(group) for group in self._waiting.values())

    def enter(self, msn: int, part: int, told: Told, *, patience: float) -> None:
        """Wait for a part, at most ``patience`` seconds."""
        self._waiting.setdefault((msn, part), {})[told] = self._clock() + patience
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(patience, self.expire)

    def leave(self, msn: int, part: int, told: Told) -> None:
        """Wait no more. Who has been told has left."""
        group = self._waiting.get((msn, part), {})
        if group.pop(told, None) is not None and not group:
            del self._waiting[msn, part]
            self._rest()

    def release(self, reached: Callable[[int, int], bool]) -> None:
        """Tell everybody whose part is there by now."""
        for place in [place for place in self._waiting if reached(*place)]:
            for told in self._waiting.pop(place):
                told(True)
        self._rest()

    def expire(self) -> None:
        """Tell everybody whose time is up; the timer goes on for the one who waits longest."""
        now = self._clock()
        late = [
            (place, told)
            for place, group in self._waiting.items()
            for told, deadline in group.items()
            if deadline <= now
        ]
        self._disarm()
        for place, told in late:
            self.leave(*place, told)
            told(False)
        self._arm(now)

    def _arm(self, now: float) -> None:
        deadlines = [min(group.values()) for group in self._waiting.values()]
        if deadlines:
            # Not for each alone: who came within this time of each other leaves together.
            pause = max(min(deadlines) - now, _LEAST_PAUSE)
            self._timer = asyncio.get_running_loop().call_later(pause, self.expire)

    def _rest(self) -> None:
        if not self._waiting:
            self._disarm()

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


_LEAST_PAUSE = 0.02
"""Seconds between two looks at all who wait: a crowd that waits in vain is looked at in turns."""
