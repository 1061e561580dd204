"""TcpFallback: ICE-TCP (RFC 6544, active) for networks that let no UDP through.

UDP goes first. If nothing has come of it after a while, the server's passive TCP candidates are
connected to, one after the other, and the first connection joins the checks. Datagrams are framed
by RFC 4571; TCP repeats what is lost and delays what comes behind it, so UDP stays the better way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gamecast.client.push.tcpinfo import NOTSENT_LOWAT
from gamecast.net.tcp import TcpDriver
from gamecast.protocols.webrtc.address import Address
from gamecast.protocols.webrtc.candidate import Candidate
from gamecast.protocols.webrtc.errors import WebRtcError
from gamecast.protocols.webrtc.framing import FrameReader, frame

PATIENCE = 3.0
"""Seconds that UDP gets by itself."""
CONNECT_TIMEOUT = 5.0
MAX_CANDIDATES = 4
"""More are not tried: an answer could name any number of hosts."""
MOST_WAITING = 1024 * 1024
"""Bytes above which what else comes is dropped, as a full UDP queue would drop it."""


def tcp_addresses(
    candidates: Sequence[Candidate], allowed: Callable[[Address], bool]
) -> list[Address]:
    """Where a server listens for TCP, the best first; names that are no IP are left out."""
    passive = [
        each
        for each in candidates
        if each.transport.lower() == "tcp"
        and each.tcp_type == "passive"
        and each.ip is not None
        and each.port
    ]
    passive.sort(key=lambda each: -each.priority)
    addresses: list[Address] = [(str(each.ip), each.port, "tcp") for each in passive]
    return [each for each in addresses if allowed(each)][:MAX_CANDIDATES]


@dataclass(slots=True, kw_only=True)
class TcpHooks:
    """What a fallback calls."""

    opened: Callable[[Address], None]
    """This address can be sent to."""
    received: Callable[[bytes, Address], None]
    drained: Callable[[], None]
    """Everything that came at once has been given, or everything that waited has been sent."""
    lost: Callable[[Address], None]
    """It cannot any more."""


class TcpFallback:
    """At most one connection at a time; a handler of ``TcpDriver``."""

    def __init__(self, addresses: Sequence[Address], *, delay: float) -> None:
        """``delay`` seconds after ``begin`` it connects, unless it is closed before."""
        self._addresses = addresses
        self._delay = delay
        self._hooks: TcpHooks | None = None
        self._task: asyncio.Task[None] | None = None
        self._driver: TcpDriver | None = None
        self._address: Address = ()
        self._reader = FrameReader()
        self._ended = asyncio.Event()
        self.dropped = 0
        """Datagrams for which there was no room."""

    @property
    def is_possible(self) -> bool:
        """Whether the server takes TCP at all."""
        return bool(self._addresses)

    def begin(self, hooks: TcpHooks) -> None:
        """Start waiting."""
        self._hooks = hooks
        if self._addresses:
            self._task = asyncio.get_running_loop().create_task(self._main())

    def send_batch(self, datagrams: Sequence[bytes], address: Address) -> None:
        """Datagrams to an address that was opened; none go if its connection has ended."""
        driver = self._driver if address == self._address else None
        if driver is None or driver.backlog() > MOST_WAITING:
            self.dropped += len(datagrams)
        else:
            driver.write(b"".join(map(frame, datagrams)))

    def backlog(self) -> int:
        """Bytes that the kernel has not taken."""
        return self._driver.backlog() if self._driver is not None else 0

    def close(self) -> None:
        """Connect no more, and close after what waits has been sent."""
        self._hooks = None
        if self._task is not None:
            self._task.cancel()
            self._task = None
        if self._driver is not None:
            self._driver.close()

    async def _main(self) -> None:
        await asyncio.sleep(self._delay)
        for address in self._addresses:
            self._ended.clear()
            if await self._connect(address):
                await self._ended.wait()

    async def _connect(self, address: Address) -> bool:
        self._address, self._reader = address, FrameReader()
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                await loop.create_connection(
                    lambda: TcpDriver(self, high_water=0), address[0], address[1]
                )
        except OSError:  # TimeoutError is one
            return False
        return True

    # Handler of TcpDriver -----------------------------------------------------------------------

    def connected(self, driver: TcpDriver) -> None:
        """The connection is there."""
        self._driver = driver
        driver.keep_kernel_queue_short(NOTSENT_LOWAT)
        if self._hooks is None:
            driver.abort()
        else:
            self._hooks.opened(self._address)

    def data_received(self, data: bytes) -> None:
        """Frames of the server."""
        try:
            frames = self._reader.receive_data(data)
        except WebRtcError:
            if self._driver is not None:
                self._driver.abort()
            return
        for each in frames:
            if self._hooks is not None:
                self._hooks.received(each, self._address)
        if self._hooks is not None:
            self._hooks.drained()

    def eof_received(self) -> None:
        """The driver closes now."""

    def timer_fired(self) -> None:
        """None is set."""

    def writing_paused(self) -> None:
        """The backlog is looked at before each write."""

    def writing_resumed(self) -> None:
        """The kernel has everything."""
        if self._hooks is not None:
            self._hooks.drained()

    def closed(self, error: Exception | None) -> None:
        """The connection is gone."""
        self._driver = None
        self._ended.set()
        if self._hooks is not None:
            self._hooks.lost(self._address)
