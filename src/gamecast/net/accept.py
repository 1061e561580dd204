"""Accepting on a bound socket: by the loop itself, or with TLS handshakes that are counted."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections.abc import Callable
from typing import Protocol, cast

from gamecast.net.admission import Admission

TLS_HANDSHAKE_SECONDS = 10.0
"""From the connection to the end of the TLS handshake; before it, no protocol's deadline runs."""
_BACKLOG = 2048
_PASSING = (errno.ECONNABORTED, errno.EPROTO, errno.EINTR)
"""Errors of ``accept`` that concern the one connection."""
_RETRY_SECONDS = 1.0
"""After others (no descriptor, no memory): whoever knocks waits in the kernel's backlog."""

MakeProtocol = Callable[[], asyncio.Protocol]


class Accepting(Protocol):
    """What :func:`accept` began."""

    def close(self) -> None:
        """Accept no more; handshakes that are not done are dropped."""


async def accept(
    make_protocol: MakeProtocol,
    sock: socket.socket,
    *,
    admission: Admission,
    tls: ssl.SSLContext | None = None,
    handshake_timeout: float = TLS_HANDSHAKE_SECONDS,
) -> Accepting:
    """Make a protocol for each connection to a bound socket.

    Protocols enter ``admission`` by themselves in ``connection_made``. With ``tls`` that is called
    when the handshake is done; until then the connection is counted here, and one too many is
    closed before its peer could make us compute anything.
    """
    loop = asyncio.get_running_loop()
    if tls is None:
        return await loop.create_server(make_protocol, sock=sock, backlog=_BACKLOG)
    sock.setblocking(False)
    sock.listen(_BACKLOG)
    return _TlsAccepting(make_protocol, sock, tls, admission, handshake_timeout)


class _TlsAccepting:
    """``create_server(ssl=...)`` tells nobody of a connection before its handshake is done."""

    def __init__(
        self,
        make_protocol: MakeProtocol,
        sock: socket.socket,
        context: ssl.SSLContext,
        admission: Admission,
        handshake_timeout: float,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._make_protocol = make_protocol
        self._listening = sock
        self._context = context
        self._admission = admission
        self._handshake_timeout = handshake_timeout
        self._handshakes: set[asyncio.Task[None]] = set()
        self._accepting = self._loop.create_task(self._accept())
        self._accepting.add_done_callback(lambda task: sock.close())

    def close(self) -> None:
        self._accepting.cancel()
        for task in self._handshakes:
            task.cancel()

    async def _accept(self) -> None:
        while True:
            try:
                sock, address = await self._loop.sock_accept(self._listening)
            except OSError as error:
                await asyncio.sleep(0.0 if error.errno in _PASSING else _RETRY_SECONDS)
                continue
            self._begin(sock, str(address[0]))
            await asyncio.sleep(0)  # others have their turn, however many knock here

    def _begin(self, sock: socket.socket, address: str) -> None:
        if not self._admission.enter(address):
            sock.close()
            return
        handshake = _Handshake(self._make_protocol, lambda: self._admission.leave(address))
        task = self._loop.create_task(self._shake_hands(sock, handshake))
        self._handshakes.add(task)
        task.add_done_callback(self._handshakes.discard)

    async def _shake_hands(self, sock: socket.socket, handshake: _Handshake) -> None:
        try:
            await self._loop.connect_accepted_socket(
                lambda: handshake,
                sock,
                ssl=self._context,
                ssl_handshake_timeout=self._handshake_timeout,
            )
        except (OSError, asyncio.CancelledError):  # the peer's fault, its silence, or our end
            sock.close()
        finally:
            handshake.end()


class _Handshake(asyncio.Protocol):
    """Stands in for a connection's protocol until TLS has shaken hands."""

    def __init__(self, make_protocol: MakeProtocol, leave: Callable[[], None]) -> None:
        self._make_protocol = make_protocol
        self._leave: Callable[[], None] | None = leave

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Done: the connection's own protocol takes this one's place, here and in the count."""
        self.end()
        protocol = self._make_protocol()
        cast(asyncio.Transport, transport).set_protocol(protocol)
        protocol.connection_made(transport)

    def end(self) -> None:
        """Count it no longer."""
        leave, self._leave = self._leave, None
        if leave is not None:
            leave()
