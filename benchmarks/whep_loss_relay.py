"""The bad network between a browser and a server: one relay for each session, told by its SDP."""

from __future__ import annotations

import asyncio
import heapq
from itertools import count
from typing import Any, Self

from benchmarks.impairer import Direction, Weather

HOST = "127.0.0.1"
ANY = "0.0.0.0"
"""The kernel picks the address."""

Address = tuple[str, int]


class _Side(asyncio.DatagramProtocol):
    """One socket: what comes in here goes through the weather and out at the other."""

    def __init__(self, direction: Direction) -> None:
        self.direction = direction
        self.other: _Side
        self.target: Address | None = None
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.DatagramTransport
        self._under_way: list[tuple[float, int, bytes]] = []
        self._order = count()

    @property
    def address(self) -> Address:
        """Where it is bound."""
        host, port = self._transport.get_extra_info("sockname")[:2]
        return host, port

    def connection_made(self, transport: Any) -> None:
        """From asyncio."""
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """From asyncio."""
        self.target = (addr[0], addr[1])
        now = self._loop.time()
        for at, arriving in self.direction.arrivals(data, now):
            heapq.heappush(self._under_way, (at, next(self._order), arriving))
            self._loop.call_at(at, self._arrive)

    def _arrive(self) -> None:
        """The next one: timers of one moment come in any order, datagrams must not."""
        self.other.deliver(heapq.heappop(self._under_way)[2])

    def error_received(self, exc: Exception) -> None:
        """The far end is gone."""

    def deliver(self, data: bytes) -> None:
        """Out at this side, to whoever spoke there last."""
        if self.target is not None and not self._transport.is_closing():
            self._transport.sendto(data, self.target)

    def close(self) -> None:
        """Close the socket."""
        self._transport.close()


class Relay:
    """``front`` is the only address of the server that the browser is told."""

    def __init__(self, front: _Side, back: _Side) -> None:
        self._front = front
        self._back = back

    @classmethod
    async def open(cls, weather: Weather, seed: int, *, towards: str = HOST) -> Self:
        """Only the delay, until :meth:`change`.

        ``towards``: the address from which the server is met, :data:`ANY` for one that has bound
        another address of this machine.
        """
        back, front = (_Side(Direction(weather, seed + number)) for number in range(2))
        front.other, back.other = back, front
        loop = asyncio.get_running_loop()
        for side, host in ((front, HOST), (back, towards)):
            await loop.create_datagram_endpoint(
                lambda side=side: side,  # type: ignore[misc]
                local_addr=(host, 0),
            )
        return cls(front, back)

    def between(self, description: str) -> str:
        """The server's description with this relay as its one candidate."""
        lines = description.splitlines()
        found = [candidate for line in lines if (candidate := _udp_candidate(line)) is not None]
        if not found:
            raise ValueError(f"no UDP candidate in {description!r}")
        host, port = found[0]
        self._back.target = (host, port)
        kept = [line for line in lines if not line.startswith(("a=candidate:", "a=end-of"))]
        mine = "a=candidate:1 1 udp 2130706431 {} {} typ host".format(*self._front.address)
        first = next(n for n, line in enumerate(kept) if line.startswith("m=")) + 1
        first += kept[first].startswith("c=")
        return "\r\n".join([*kept[:first], mine, *kept[first:]]) + "\r\n"

    def change(self, down: Weather, up: Weather | None = None) -> None:
        """The weather from now on: ``down`` to the browser, ``up`` (or the same) from it."""
        for side, weather in ((self._back, down), (self._front, up or down)):
            side.direction.change(weather)
            side.direction.impaired = True

    def close(self) -> None:
        """Close both sockets."""
        self._front.close()
        self._back.close()


def _udp_candidate(line: str) -> Address | None:
    if not line.startswith("a=candidate:"):
        return None
    _, component, protocol, _, host, port, *_ = line.split()
    if component != "1" or protocol.lower() != "udp" or ":" in host:
        return None
    return host, int(port)
