"""TCP: one driver for every protocol that runs over a stream of bytes."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import ssl
import sys
from collections.abc import Callable
from typing import Protocol, cast

from gamecast.net.accept import Accepting, accept
from gamecast.net.admission import Admission
from gamecast.net.linger import Linger, until_none
from gamecast.net.standstill import CATCH_UP_SECONDS, LATE_SECONDS

_SWEEP_SECONDS = 5.0
_TRIES = 20
_TCP_NOTSENT_LOWAT = {"linux": 25, "darwin": 0x201}


class Handler(Protocol):
    """What a session is to the driver that owns its socket."""

    def connected(self, driver: TcpDriver) -> None:
        """The connection is there; keep the driver to write with."""

    def data_received(self, data: bytes) -> None:
        """Bytes came."""

    def eof_received(self) -> None:
        """The peer will send no more; the driver closes after this returns."""

    def timer_fired(self) -> None:
        """The time given to ``TcpDriver.set_timer`` has come."""

    def writing_paused(self) -> None:
        """More than the high water mark is waiting to be sent."""

    def writing_resumed(self) -> None:
        """Less than the low water mark is waiting again."""

    def closed(self, error: Exception | None) -> None:
        """The connection is gone. Called once, whoever closed it."""


class TcpDriver(asyncio.Protocol):
    """Owns one transport and hands what happens on it to a :class:`Handler`."""

    def __init__(
        self,
        handler: Handler,
        *,
        high_water: int | None = None,
        made: Callable[[TcpDriver], bool] = lambda driver: True,
        lost: Callable[[TcpDriver], None] = lambda driver: None,
    ) -> None:
        """``made`` may refuse the connection (``False``); ``lost`` is its counterpart."""
        self._handler = handler
        self._high_water = high_water
        self._made = made
        self._lost = lost
        self._accepted = False
        self._transport: asyncio.Transport | None = None
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at: float | None = None
        self._catching_up = False
        self.address = ""
        """The peer's address without the port."""
        self.port = 0

    # Commands -----------------------------------------------------------------------------------

    @property
    def write(self) -> Callable[[bytes], None]:
        """The transport's own write function; after a close it drops what it is given."""
        return self._transport.write if self._transport is not None else _drop

    def write_burst(self, pieces: list[bytes]) -> None:
        """Several pieces in this order, of which the transport makes no copy if it can do so."""
        if self._transport is not None:
            self._transport.writelines(pieces)

    def backlog(self) -> int:
        """Bytes waiting to be handed to the kernel."""
        return self._transport.get_write_buffer_size() if self._transport is not None else 0

    def set_timer(self, at: float | None) -> None:
        """Call ``timer_fired`` at this time of the loop's clock; ``None`` for not at all."""
        if at == self._timer_at:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = at
        self._catching_up = False
        self._timer = None if at is None else self._loop.call_at(at, self._fire)

    def set_high_water(self, size: int) -> None:
        """Change the mark above which ``writing_paused`` is called."""
        if self._transport is not None:
            self._transport.set_write_buffer_limits(high=size)

    def keep_kernel_queue_short(self, size: int) -> None:
        """Let the kernel take no more than ``size`` bytes that it cannot send yet.

        What waits then waits here, where ``backlog`` tells of it. Needs Linux or macOS.
        """
        option = _TCP_NOTSENT_LOWAT.get(sys.platform)
        if option is not None and self.socket is not None:
            with contextlib.suppress(OSError):
                self.socket.setsockopt(socket.IPPROTO_TCP, option, size)

    def close(self) -> None:
        """Close after what is buffered has been sent."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close now and drop what is buffered."""
        if self._transport is not None:
            self._transport.abort()

    @property
    def transport(self) -> asyncio.Transport | None:
        """What it owns, until the connection is gone."""
        return self._transport

    @property
    def socket(self) -> socket.socket | None:
        """The socket, to read TCP_INFO from."""
        if self._transport is None:
            return None
        return cast("socket.socket | None", self._transport.get_extra_info("socket"))

    # asyncio.Protocol ---------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The transport exists."""
        self._transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")
        if isinstance(peer, tuple) and len(peer) >= 2:
            self.address, self.port = str(peer[0]), int(peer[1])
        self._accepted = self._made(self)
        if not self._accepted:
            self._transport.abort()
            return
        if self._high_water is not None:
            self._transport.set_write_buffer_limits(high=self._high_water)
        self._handler.connected(self)

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        if self._accepted:
            self._handler.data_received(data)

    def eof_received(self) -> bool:
        """The peer has sent its last byte."""
        if self._accepted:
            self._handler.eof_received()
        return False

    def pause_writing(self) -> None:
        """Above the high water mark."""
        self._handler.writing_paused()

    def resume_writing(self) -> None:
        """Below the low water mark."""
        self._handler.writing_resumed()

    def connection_lost(self, exc: Exception | None) -> None:
        """The transport is gone."""
        self.set_timer(None)
        self._transport = None
        if self._accepted:
            self._accepted = False
            self._lost(self)
            self._handler.closed(exc)

    def _fire(self) -> None:
        if self._timer_at is not None and not self._catching_up:
            self._catching_up = self._loop.time() - self._timer_at > LATE_SECONDS
            if self._catching_up:  # the peer may have kept its time, and we did not
                self._timer = self._loop.call_later(CATCH_UP_SECONDS, self._fire)
                return
        self._timer = self._timer_at = None
        self._catching_up = False
        self._handler.timer_fired()


def _drop(data: bytes) -> None:
    """Writing to a connection that is gone is no error: its ``closed`` has been told."""


class PortInUse(OSError):
    """A port that the configuration asks for is taken."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(errno.EADDRINUSE, f"port {port} on {host} is already in use")
        self.host = host
        self.port = port


def bind(host: str, port: int, *, kind: socket.SocketKind = socket.SOCK_STREAM) -> socket.socket:
    """A bound socket of the host's address family; port 0 lets the system choose.

    Raises :class:`PortInUse` or the plain ``OSError`` of another failure.
    """
    family, _, protocol, _, address = socket.getaddrinfo(
        host, port, type=kind, flags=socket.AI_PASSIVE
    )[0]
    bound = socket.socket(family, kind, protocol)
    try:
        bound.setblocking(False)
        if kind is socket.SOCK_STREAM:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError as error:
        bound.close()
        if error.errno == errno.EADDRINUSE:
            raise PortInUse(host, port) from None
        raise
    return bound


def bind_both(host: str, port: int) -> tuple[socket.socket, socket.socket]:
    """A UDP and a TCP socket on one port number; with port 0 a number that is free for both.

    Raises as :func:`bind` does.
    """
    for _ in range(_TRIES):
        datagrams = bind(host, port, kind=socket.SOCK_DGRAM)
        try:
            return datagrams, bind(host, datagrams.getsockname()[1])
        except OSError as error:
            datagrams.close()
            if port or error.errno != errno.EADDRINUSE:
                raise
    raise PortInUse(host, port)


class TcpServer:
    """Listens and makes a handler for each connection it admits."""

    def __init__(
        self,
        make_handler: Callable[[], Handler],
        *,
        admission: Admission,
        high_water: int | None = None,
    ) -> None:
        self._make_handler = make_handler
        self._admission = admission
        self._high_water = high_water
        self._drivers: set[TcpDriver] = set()
        self._servers: list[Accepting] = []
        self._linger = Linger()
        self._sweeping: asyncio.TimerHandle | None = None

    async def listen(self, sock: socket.socket, *, tls: ssl.SSLContext | None = None) -> None:
        """Accept on a bound socket, with TLS if a context is given."""
        server = await accept(self._make_driver, sock, admission=self._admission, tls=tls)
        self._servers.append(server)
        if self._sweeping is None:
            self._sweep()

    async def close(self, *, patience: float = 0.0) -> None:
        """Stop accepting and close every connection after what it has buffered.

        What does not drain within ``patience`` seconds is dropped, if ``patience`` is not 0.
        """
        if self._sweeping is not None:
            self._sweeping.cancel()
        for server in self._servers:
            server.close()
        for driver in list(self._drivers):
            driver.close()
        if patience and not await until_none(self.__len__, patience=patience):
            self.abort()

    def abort(self) -> None:
        """Drop the connections that are left."""
        for driver in list(self._drivers):
            driver.abort()

    def __len__(self) -> int:
        return len(self._drivers)

    def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        transports = [driver.transport for driver in self._drivers]
        self._linger.sweep([each for each in transports if each is not None], loop.time())
        self._sweeping = loop.call_later(_SWEEP_SECONDS, self._sweep)

    def _make_driver(self) -> TcpDriver:
        return TcpDriver(
            self._make_handler(), high_water=self._high_water, made=self._admit, lost=self._lost
        )

    def _admit(self, driver: TcpDriver) -> bool:
        if not self._admission.enter(driver.address):
            return False
        self._drivers.add(driver)
        return True

    def _lost(self, driver: TcpDriver) -> None:
        self._drivers.discard(driver)
        self._admission.leave(driver.address)
