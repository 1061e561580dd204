"""TLS of the load: like plain sockets, but that nothing can be thrown away unread."""

from __future__ import annotations

import functools
import socket
import ssl

SCHEMES = frozenset({"https", "rtmps"})
RECORD = 16 * 1024
"""Most bytes that one call gives (RFC 8446 section 5.1): less would leave some where no poll sees
them."""


@functools.cache
def context() -> ssl.SSLContext:
    """Certificates are checked, for keys go that way; ``SSL_CERT_FILE`` names further ones."""
    return ssl.create_default_context()


def context_for(scheme: str) -> ssl.SSLContext | None:
    """For a scheme of :data:`SCHEMES`; ``None`` for others, as asyncio takes it."""
    return context() if scheme in SCHEMES else None


def wrapped(sock: socket.socket, host: str) -> socket.socket:
    """The handshake on a connected, blocking socket. Raises ``OSError``."""
    return context().wrap_socket(sock, server_hostname=host)


def receive(sock: socket.socket, view: memoryview, most: int, flags: int = 0) -> int:
    """Up to so many bytes, 0 at the end. Raises ``BlockingIOError`` if none are there, ``OSError``.

    ``flags`` are recv(2)'s, and are for plain sockets.
    """
    if not isinstance(sock, ssl.SSLSocket):
        return sock.recv_into(view, most, flags)
    try:
        return sock.recv_into(view, most)
    except ssl.SSLWantReadError:
        raise BlockingIOError from None
