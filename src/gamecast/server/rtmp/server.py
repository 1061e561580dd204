"""The RTMP listener: makes a session for each connection."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl

from gamecast.net.admission import Admission
from gamecast.net.tcp import TcpServer
from gamecast.protocols.rtmp import RtmpLimits, ServerConnection
from gamecast.server.config import RtmpSection
from gamecast.server.context import Context
from gamecast.server.rtmp.session import RtmpSession

_GOODBYE_SECONDS = 3.0
HIGH_WATER = 4 * 1024 * 1024
"""As for HTTP viewers: a few seconds of a usual stream."""


class RtmpServer:
    """Accepts RTMP and RTMPS."""

    def __init__(self, config: RtmpSection, context: Context) -> None:
        self._context = context
        self._limits = RtmpLimits(
            handshake_timeout=config.handshake_timeout,
            request_timeout=config.handshake_timeout,
            publisher_timeout=config.idle_timeout,
            max_message_size=config.max_message_size,
        )
        self.admission = Admission(
            most=config.max_connections, most_per_address=config.max_connections_per_address
        )
        self._tcp = TcpServer(self._session, admission=self.admission, high_water=HIGH_WATER)

    async def listen(self, sock: socket.socket, *, tls: ssl.SSLContext | None = None) -> None:
        """Accept on a bound socket."""
        await self._tcp.listen(sock, tls=tls)

    async def close(self) -> None:
        """Stop accepting; close every connection after what it has buffered, within seconds."""
        await self._tcp.close(patience=_GOODBYE_SECONDS)

    def abort(self) -> None:
        """Drop what is left."""
        self._tcp.abort()

    def _session(self) -> RtmpSession:
        now = asyncio.get_running_loop().time()
        connection = ServerConnection(now, random_bytes=os.urandom, limits=self._limits)
        return RtmpSession(connection, self._context)
