"""ICE-TCP (RFC 6544, passive): connections of peers whose networks let no UDP through.

A connection is nobody's until a check on it has passed; until then it may hold up to one frame
and a few seconds, and a frame that is no session's closes it.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Protocol

from gamecast.net.admission import Admission
from gamecast.net.tcp import TcpDriver, TcpServer
from gamecast.protocols.webrtc.address import Address
from gamecast.protocols.webrtc.errors import WebRtcError
from gamecast.protocols.webrtc.framing import FrameReader, frame, frame_segments

CHECK_SECONDS = 10.0
"""From the connection to the first check that passes."""
IDLE_SECONDS = 60.0
"""A connection on which no frame comes for so long is closed; peers check far more often."""
MOST_WAITING = 1024 * 1024
"""Media that may wait for a slow peer: more than a second of a usual stream."""
_MOST_CONTROL = MOST_WAITING + 64 * 1024
_KERNEL_BYTES = 64 * 1024


class Path(Protocol):
    """Where the media of a session goes: the UDP socket of all, or a TCP connection of its own.

    Both take the address that the session gives, so that sending is the same call on either.
    """

    def send(self, data: bytes | memoryview, address: Address) -> None:
        """One datagram."""

    def send_segments(self, data: bytes | memoryview, size: int, address: Address) -> None:
        """Datagrams of ``size`` bytes each, the last one perhaps shorter."""

    def backlog(self) -> int:
        """Bytes that wait to be sent."""


class TcpPath:
    """One connection. What it has no room for is dropped, whole batches at a time."""

    def __init__(self, owner: TcpPaths) -> None:
        self._owner = owner
        self._loop = asyncio.get_running_loop()
        self._reader = FrameReader()
        self._driver: TcpDriver | None = None
        self._heard_at = 0.0
        self.address: Address = ()
        self.is_checked = False
        """A session has accepted a check from here."""
        self.full: Callable[[], None] = _ignore
        """Called whenever media had to be dropped."""

    # Path ---------------------------------------------------------------------------------------

    def send(self, data: bytes | memoryview, address: Address) -> None:
        """One datagram; there is a little more room for these than for media."""
        if self._driver is not None and self._driver.backlog() < _MOST_CONTROL:
            self._driver.write(frame(data))

    def send_segments(self, data: bytes | memoryview, size: int, address: Address) -> None:
        """A batch of media by one write."""
        driver = self._driver
        if driver is None:
            return
        if driver.backlog() < MOST_WAITING:
            driver.write(frame_segments(data, size))
        else:
            self.full()

    def backlog(self) -> int:
        """Bytes that the peer has not read."""
        return self._driver.backlog() if self._driver is not None else 0

    def close(self) -> None:
        """Close after what is waiting has been sent."""
        if self._driver is not None:
            self._driver.close()

    # Handler ------------------------------------------------------------------------------------

    def connected(self, driver: TcpDriver) -> None:
        """From the driver."""
        self._driver = driver
        self.address = (driver.address, driver.port, "tcp")
        self._heard_at = self._loop.time()
        driver.keep_kernel_queue_short(_KERNEL_BYTES)
        driver.set_timer(self._heard_at + CHECK_SECONDS)
        self._owner.opened(self)

    def data_received(self, data: bytes) -> None:
        """From the driver."""
        try:
            frames = self._reader.receive_data(data)
        except WebRtcError:
            self._abort()
            return
        for each in frames:
            if self._driver is None:
                return
            self._heard_at = self._loop.time()
            if not self._owner.received(each, self) and not self.is_checked:
                self._abort()

    def eof_received(self) -> None:
        """The driver closes now: a peer that sends no checks wants nothing."""

    def timer_fired(self) -> None:
        """From the driver: no check in time, or silence?"""
        due = self._heard_at + IDLE_SECONDS
        if self._driver is None:
            return
        if not self.is_checked or self._loop.time() >= due:
            self._abort()
        else:
            self._driver.set_timer(due)

    def writing_paused(self) -> None:
        """The backlog is looked at before each write."""

    def writing_resumed(self) -> None:
        """As above."""

    def closed(self, error: Exception | None) -> None:
        """From the driver."""
        self._driver = None
        self.full = _ignore
        self._owner.closed(self)

    def _abort(self) -> None:
        if self._driver is not None:
            self._driver.abort()


class TcpPaths:
    """The listener and its connections, by address."""

    def __init__(
        self,
        *,
        received: Callable[[bytes, Address], bool],
        lost: Callable[[Address], None],
        admission: Admission,
    ) -> None:
        """``received`` gets every datagram and says whether a session took it; ``lost`` is told
        of the end of every connection on which a check had passed."""
        self._received = received
        self._lost = lost
        self._paths: dict[Address, TcpPath] = {}
        self._server = TcpServer(lambda: TcpPath(self), admission=admission)
        self.port = 0
        """0 while nothing listens."""

    def __len__(self) -> int:
        return len(self._paths)

    async def listen(self, bound: socket.socket) -> None:
        """Accept on a bound socket."""
        self.port = bound.getsockname()[1]
        await self._server.listen(bound)

    def get(self, address: Address) -> TcpPath | None:
        """The connection with a peer's address."""
        return self._paths.get(address)

    def checked(self, address: Address) -> None:
        """A session has accepted a check from this address."""
        path = self._paths.get(address)
        if path is not None:
            path.is_checked = True

    def close_path(self, address: Address) -> None:
        """No session uses this address any more."""
        path = self._paths.pop(address, None)
        if path is not None:
            path.is_checked = False
            path.close()

    async def close(self) -> None:
        """Stop listening and close every connection."""
        self._paths.clear()
        await self._server.close()

    def opened(self, path: TcpPath) -> None:
        """From a connection."""
        self._paths[path.address] = path

    def received(self, data: bytes, path: TcpPath) -> bool:
        """From a connection."""
        return self._received(data, path.address)

    def closed(self, path: TcpPath) -> None:
        """From a connection."""
        if self._paths.get(path.address) is path:
            del self._paths[path.address]
            if path.is_checked:
                self._lost(path.address)


def _ignore() -> None:
    pass
