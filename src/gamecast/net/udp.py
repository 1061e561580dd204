"""UDP: one socket for all sessions of a protocol, bursts in and batches out.

Where Linux can, a run of equal datagrams crosses the border to the kernel in one system call: in by
GRO (it hands over what one peer sent in a row as one buffer), out by GSO.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import sys
from collections.abc import Callable, Sequence

Address = tuple[str, int]
"""Host and port; IPv6 flow and scope are left out."""
DatagramHandler = Callable[[bytes, Address], None]
BurstHandler = Callable[[list[bytes], Address], None]

_UDP_SEGMENT = 103
"""Linux ``UDP_SEGMENT`` (udp.h): the kernel cuts one buffer into datagrams of this size."""
_UDP_GRO = 104
"""Linux ``UDP_GRO``: the kernel joins datagrams and says of what size they were."""
_MAX_DATAGRAM = 65_535
_CONTROL_BYTES = socket.CMSG_SPACE(4)
_DATAGRAMS_PER_WAKEUP = 256
_BUFFER_BYTES = 8 * 1024 * 1024
_GSO_SEGMENTS = 64
_GSO_BYTES = 64_000
_FORCE = {socket.SO_SNDBUF: 32, socket.SO_RCVBUF: 33}
"""Linux ``SO_SNDBUFFORCE`` and ``SO_RCVBUFFORCE`` (socket.h), for processes that may."""
_FULL = (errno.EAGAIN, errno.EWOULDBLOCK, errno.ENOBUFS)


class UdpSocket:
    """Reads datagrams in bursts and writes single ones or whole batches.

    What the kernel has no room for is dropped and counted, as a router would: the protocols above
    repeat what matters.
    """

    def __init__(
        self,
        bound: socket.socket,
        received: DatagramHandler | None = None,
        *,
        burst: BurstHandler | None = None,
        drained: Callable[[], None] = lambda: None,
    ) -> None:
        """Takes over a bound, non-blocking UDP socket.

        Either ``received`` gets every datagram, or ``burst`` gets what waited of each peer, in
        order. ``drained`` is called after all of them: the time to answer in batches.
        """
        self._socket = bound
        self._sendto = bound.sendto
        self._segment = 0
        self._burst = burst or _one_by_one(received)
        self._drained = drained
        self._loop = asyncio.get_running_loop()
        self.dropped = 0
        """Datagrams that could not be sent."""
        self.gso = _has_gso(bound)
        """Whether batches go out by one system call."""
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            _enlarge(bound, option)
        _join_arrivals(bound)
        self._loop.add_reader(bound.fileno(), self._read)

    @property
    def address(self) -> Address:
        """Where it is bound."""
        name = self._socket.getsockname()
        return name[0], name[1]

    def send(self, data: bytes | memoryview, address: Address) -> None:
        """One datagram."""
        if len(data) > self._segment > 0:
            self._cut_at(0)
        try:
            self._sendto(data, address)
        except OSError as error:
            self._failed(error, 1)

    def send_segments(self, data: memoryview | bytes, size: int, address: Address) -> None:
        """``data`` as datagrams of ``size`` bytes each, the last one perhaps shorter.

        At most 64 of them and less than 64 kB (the limits of GSO); nothing if it is empty.
        """
        if len(data) <= size:
            if data:
                self.send(data, address)
        elif self.gso:
            try:
                if size != self._segment:
                    self._cut_at(size)
                self._sendto(data, address)
            except OSError as error:
                self._failed(error, -(-len(data) // size))
        else:
            view = memoryview(data)
            for offset in range(0, len(data), size):
                self.send(view[offset : offset + size], address)

    def _cut_at(self, size: int) -> None:
        """Let the kernel cut what is longer; 0 for nothing.

        An option of the socket, for the same frame goes to all viewers one after the other: as
        ancillary data of each call it costs every viewer a microsecond.
        """
        self._socket.setsockopt(socket.SOL_UDP, _UDP_SEGMENT, size)
        self._segment = size

    def send_batch(self, datagrams: Sequence[bytes], address: Address) -> None:
        """Datagrams of any sizes to one address, runs of equal ones by one system call."""
        start, total = 0, len(datagrams)
        while start < total:
            end = _run(datagrams, start) if self.gso else start + 1
            if end - start == 1:
                self.send(datagrams[start], address)
            else:
                data = b"".join(datagrams[start:end])
                self.send_segments(data, len(datagrams[start]), address)
            start = end

    def backlog(self) -> int:
        """0: nothing ever waits here. What the kernel has no room for is gone."""
        return 0

    def close(self) -> None:
        """Stop reading and close the socket."""
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()

    def _failed(self, error: OSError, count: int) -> None:
        # Besides full buffers: unreachable networks and ICMP errors of datagrams before, which
        # concern one peer; its session ends by its own time-out.
        self.dropped += count
        if error.errno == errno.EIO and self.gso:
            self.gso = False  # the device below cannot do it after all

    def _read(self) -> None:
        for address, datagrams in self._waiting().items():
            try:
                self._burst(datagrams, address)
            except Exception as error:  # a bug met by one peer's datagrams is no other peer's
                context = {"message": f"datagrams of {address[0]}", "exception": error}
                self._loop.call_exception_handler(context)
        self._drained()

    def _waiting(self) -> dict[Address, list[bytes]]:
        """What the kernel holds, by peer; the rest comes with the next wake-up if it is a flood."""
        receive = self._socket.recvmsg
        waiting: dict[Address, list[bytes]] = {}
        room = _DATAGRAMS_PER_WAKEUP
        while room > 0:
            try:
                data, control, _, name = receive(_MAX_DATAGRAM, _CONTROL_BYTES)
            except OSError as error:
                if error.errno in _FULL:
                    break
                room -= 1
                continue  # an ICMP error of something sent before; the socket goes on
            peer = name[:2]
            datagrams = _segments(data, control[0][2]) if control else [data]
            if peer in waiting:
                waiting[peer] += datagrams
            else:
                waiting[peer] = datagrams
            room -= len(datagrams)
        return waiting


def _one_by_one(received: DatagramHandler | None) -> BurstHandler:
    if received is None:
        raise ValueError("nobody takes the datagrams")

    def burst(datagrams: list[bytes], address: Address) -> None:
        for data in datagrams:
            received(data, address)

    return burst


def _segments(data: bytes, control: bytes) -> list[bytes]:
    """The datagrams that the kernel joined; its note is their size, an ``int``."""
    size = int.from_bytes(control, sys.byteorder)
    return [data[offset : offset + size] for offset in range(0, len(data), size)]


def _run(datagrams: Sequence[bytes], start: int) -> int:
    """The end of a run that fits one GSO call: equal sizes, only the last may be smaller."""
    size = len(datagrams[start])
    most = max(1, min(_GSO_SEGMENTS, _GSO_BYTES // max(size, 1), len(datagrams) - start))
    for index in range(start + 1, start + most):
        length = len(datagrams[index])
        if length != size:
            return index + 1 if 0 < length < size else index
    return start + most


def _enlarge(bound: socket.socket, option: int) -> None:
    """A large buffer: beyond the system's bound where we may, else up to it."""
    try:
        if sys.platform.startswith("linux"):
            bound.setsockopt(socket.SOL_SOCKET, _FORCE[option], _BUFFER_BYTES)
            return
    except PermissionError:
        pass
    bound.setsockopt(socket.SOL_SOCKET, option, _BUFFER_BYTES)


def _join_arrivals(bound: socket.socket) -> None:
    """Let the kernel hand over runs of datagrams, if it can."""
    if sys.platform.startswith("linux"):
        with contextlib.suppress(OSError):
            bound.setsockopt(socket.SOL_UDP, _UDP_GRO, 1)


def _has_gso(bound: socket.socket) -> bool:
    if not sys.platform.startswith("linux"):
        return False
    try:
        bound.getsockopt(socket.SOL_UDP, _UDP_SEGMENT)
    except OSError:
        return False
    return True
