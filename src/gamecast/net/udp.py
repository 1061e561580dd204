"""UDP: one socket for all peers of a protocol, read and written in batches."""

from __future__ import annotations

import asyncio
import errno
import socket
import struct
import sys
from collections.abc import Callable, Sequence
from typing import Any

Address = tuple[Any, ...]
"""As the system gives it: host and port, and two numbers more for IPv6."""
Batch = list[tuple[bytes, Address]]

MAX_DATAGRAM = 2048
"""Longer datagrams are cut: nothing that crosses the internet in one piece is as long."""
_BATCH = 256
"""Datagrams read before other work of the loop has its turn."""
_BUFFER = 8 * 1024 * 1024
_UDP_SEGMENT = 103
_GSO_SEGMENTS = 64
_GSO_BYTES = 64_000
_FORCE = {"SO_RCVBUF": 33, "SO_SNDBUF": 32}  # Linux's SO_RCVBUFFORCE and SO_SNDBUFFORCE
_UNSUPPORTED = frozenset({errno.EINVAL, errno.EIO, errno.ENOPROTOOPT, errno.EOPNOTSUPP})
_FULL = frozenset({errno.EAGAIN, errno.EWOULDBLOCK, errno.ENOBUFS})


class UdpDriver:
    """Owns a bound socket: hands over what arrived, batch by batch, and sends.

    Sending never waits and never raises: what the kernel does not take is counted in ``dropped``,
    as it might be dropped anywhere on the way.
    """

    def __init__(
        self, sock: socket.socket, received: Callable[[Batch], None], *, buffer: int = _BUFFER
    ) -> None:
        """``received`` is called with every batch, from the running loop."""
        self._socket = sock
        self._received = received
        self._loop = asyncio.get_running_loop()
        self._gso = sys.platform == "linux"
        self._open = True
        self.dropped = 0
        """Datagrams that could not be sent."""
        sock.setblocking(False)
        for name in _FORCE:
            _enlarge(sock, name, buffer)
        self._loop.add_reader(sock.fileno(), self._readable)

    @property
    def address(self) -> Address:
        """Where the socket is bound."""
        bound: Address = self._socket.getsockname()
        return bound

    def send(self, datagram: bytes, address: Address) -> None:
        """Send one datagram."""
        try:
            self._socket.sendto(datagram, address)
        except OSError:
            self.dropped += 1

    def send_batch(self, datagrams: Sequence[bytes], address: Address) -> None:
        """Send several to one address: on Linux many of one size in one system call (GSO)."""
        if len(datagrams) == 1 or not self._gso:
            for datagram in datagrams:
                self.send(datagram, address)
            return
        start = 0
        while start < len(datagrams):
            end = _run(datagrams, start)
            if end - start == 1:
                self.send(datagrams[start], address)
            else:
                self._send_segments(datagrams[start:end], address)
            start = end

    def close(self) -> None:
        """Stop reading and close the socket."""
        if self._open:
            self._open = False
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()

    def _send_segments(self, datagrams: Sequence[bytes], address: Address) -> None:
        size = struct.pack("=H", len(datagrams[0]))
        ancillary = [(socket.IPPROTO_UDP, _UDP_SEGMENT, size)]
        try:
            self._socket.sendmsg(datagrams, ancillary, 0, address)
        except OSError as error:
            if error.errno not in _UNSUPPORTED:
                self.dropped += len(datagrams)
                return
            self._gso = False  # an old kernel, or a device without checksum offload
            for datagram in datagrams:
                self.send(datagram, address)

    def _readable(self) -> None:
        batch: Batch = []
        receive = self._socket.recvfrom
        for _ in range(_BATCH):
            try:
                batch.append(receive(MAX_DATAGRAM))
            except OSError as error:
                if error.errno in _FULL:
                    break
                # An ICMP answer to something sent earlier: nothing that the batch is about.
        if batch:
            self._received(batch)


def _run(datagrams: Sequence[bytes], start: int) -> int:
    """The end of a run that fits one GSO call: equal sizes, only the last may be smaller."""
    size = len(datagrams[start])
    most = min(_GSO_SEGMENTS, _GSO_BYTES // max(size, 1), len(datagrams) - start)
    for index in range(start + 1, start + max(most, 1)):
        length = len(datagrams[index])
        if length != size:
            return index + 1 if length < size else index
    return start + max(most, 1)


def _enlarge(sock: socket.socket, name: str, size: int) -> None:
    """Ask for a socket buffer; beyond the system's bound where we may (root on Linux)."""
    plain = getattr(socket, name)
    if sys.platform == "linux":
        try:
            sock.setsockopt(socket.SOL_SOCKET, _FORCE[name], size)
        except OSError:
            sock.setsockopt(socket.SOL_SOCKET, plain, size)
    else:
        _shrink_until_taken(sock, plain, size)


def _shrink_until_taken(sock: socket.socket, option: int, size: int) -> None:
    while size > 64 * 1024:
        try:
            sock.setsockopt(socket.SOL_SOCKET, option, size)
        except OSError:  # BSDs refuse what Linux would cut
            size //= 2
        else:
            return
