"""Closing connections whose peers do not read: politely at first, then for good.

``transport.close()`` sends what is buffered first, however long the peer takes to read it. A peer
that never reads would keep its socket, and the memory of what it was to get, for ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

_POLL = 0.02


class Linger:
    """Aborts transports that were closed a while ago and have hardly drained since."""

    def __init__(self, *, seconds: float = 30.0, least: int = 16 * 1024) -> None:
        """A closed transport has to get rid of ``least`` bytes in every ``seconds``."""
        self._seconds = seconds
        self._least = least
        self._closing: dict[asyncio.Transport, tuple[float, int]] = {}

    def sweep(self, transports: Iterable[asyncio.Transport], now: float) -> None:
        """Look at all transports of a listener; call this every other second."""
        closing = {}
        for transport in transports:
            if not transport.is_closing():
                continue
            size = transport.get_write_buffer_size()
            since, before = self._closing.get(transport, (now, size))
            if before - size >= self._least:
                since, before = now, size
            if now - since >= self._seconds:
                transport.abort()
            else:
                closing[transport] = since, before
        self._closing = closing


async def until_none(count: Callable[[], int], *, patience: float) -> bool:
    """Wait until ``count()`` is 0, at most ``patience`` seconds; whether it is."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience
    while count():
        if loop.time() >= deadline:
            return False
        await asyncio.sleep(_POLL)
    return True
