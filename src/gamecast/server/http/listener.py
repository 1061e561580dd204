"""The HTTP listener: uvicorn's protocol on sockets of ours, without its process control."""

from __future__ import annotations

import asyncio
import socket
import ssl
from email.utils import formatdate

from starlette.types import ASGIApp
from uvicorn.config import Config
from uvicorn.server import ServerState

from gamecast.net.accept import Accepting, accept
from gamecast.net.linger import Linger, until_none
from gamecast.server.http.answers import Ready
from gamecast.server.http.connection import HttpLimits, connection_class


class HttpListener:
    """Accepts HTTP on bound sockets and runs the application on each request."""

    def __init__(self, app: ASGIApp, limits: HttpLimits, ready: Ready | None = None) -> None:
        """``ready`` is asked before the application is."""
        self._config = Config(
            app,
            http=connection_class(limits, ready),
            ws="none",  # media over WebSocket takes the transport over by itself
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=round(limits.idle_timeout) or 1,
        )
        self._config.load()
        self._limits = limits
        self._state = ServerState()
        self._servers: list[Accepting] = []
        self._linger = Linger(seconds=limits.linger_timeout)

    async def listen(self, sock: socket.socket, *, tls: ssl.SSLContext | None = None) -> None:
        """Accept on a bound socket."""
        self.tick()
        admission = self._limits.admission
        server = await accept(self._make, sock, admission=admission, tls=tls)
        self._servers.append(server)

    def tick(self) -> None:
        """Once a second: the Date header that all answers share, and peers that do not read."""
        self._state.default_headers = [(b"date", formatdate(usegmt=True).encode())]
        self._linger.sweep(self._transports(), asyncio.get_running_loop().time())

    def stop_accepting(self) -> None:
        """Take no more connections."""
        for server in self._servers:
            server.close()

    async def close(self, *, patience: float) -> None:
        """Let running requests finish, then close what is left.

        What does not drain within ``patience`` seconds after that is dropped.
        """
        self.stop_accepting()
        for connection in list(self._state.connections):
            connection.shutdown()
        if self._state.tasks:
            await asyncio.wait(self._state.tasks, timeout=patience)
        for task in list(self._state.tasks):
            task.cancel()
        for transport in self._transports():
            transport.close()
        if not await until_none(self._state.connections.__len__, patience=patience):
            for transport in self._transports():
                transport.abort()

    def _transports(self) -> list[asyncio.Transport]:
        return [connection.transport for connection in self._state.connections]

    def _make(self) -> asyncio.Protocol:
        return self._config.http_protocol_class(  # type: ignore[call-arg]
            config=self._config, server_state=self._state, app_state={}
        )
