"""A peer has to read its answer, if slowly: who reads nothing for a while is dropped."""

from __future__ import annotations

import asyncio


class Standstill:
    """Watches one transport from when it is above its high water mark until it is below again."""

    def __init__(self, transport: asyncio.Transport, *, seconds: float) -> None:
        """``seconds``: for every step of getting rid of some of what is buffered."""
        self._transport = transport
        self._seconds = seconds
        self._timer: asyncio.TimerHandle | None = None

    def watch(self) -> None:
        """The transport has paused its writer."""
        backlog = self._transport.get_write_buffer_size()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._seconds, self._check, backlog)

    def stop(self) -> None:
        """The transport has room, another watches it, or it is gone."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _check(self, before: int) -> None:
        if self._transport.get_write_buffer_size() < before:
            self.watch()
        else:
            self._transport.abort()
