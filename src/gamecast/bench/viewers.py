"""Thousands of light viewers in one process: one epoll loop, no object per packet.

A sample of the viewers reads everything and looks for stamps, which proves every frame and measures
its delay. The others let the kernel throw their bytes away uncopied (``MSG_TRUNC``, tcp(7)) and are
checked by their number: a lost group is missing in it. They are not woken by every packet either,
but swept: what waits in their sockets is thrown away some 25 times a second. Linux only.
"""

from __future__ import annotations

import contextlib
import select
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gamecast.bench.crowd import scans
from gamecast.bench.figures import Figures
from gamecast.bench.stamp import SIZE, find_stamps
from gamecast.bench.tls import receive, wrapped

_READ = 512 * 1024
_KEEP = SIZE - 1
_OPEN_SECONDS = 0.003
"""Reading between two new viewers, so that a crowd does not arrive in one instant."""

_SWEEP_SECONDS = 0.04
"""Between two readings of a viewer that is only counted."""
_SWEPT_AT_ONCE = 50
_POLL_SECONDS = 0.001
_SO_RCVBUFFORCE = 33
_RECEIVE_BYTES = 1024 * 1024
"""What a keyframe and 40 ms need many times over: no server shall wait for a sweep."""

_SIGN_SECONDS = 20.0
"""Between two signs of life; servers give a silent player up after a minute and more."""

Opening = Callable[[socket.socket], bytes]
"""Speaks a protocol on a connected, blocking socket until media flows; returns what came of it."""

SignOfLife = Callable[[int], bytes]
"""What a viewer says who has received so many bytes."""


@dataclass(slots=True, eq=False)
class Viewer:
    """One connection."""

    sock: socket.socket
    figures: Figures
    tail: bytes = b""


class StreamCrowd:
    """Viewers of bodies without end."""

    failed = 0

    def __init__(
        self,
        openings: Sequence[tuple[tuple[str, int], Opening]],
        sign_of_life: SignOfLife | None = None,
        *,
        tls: bool = False,
    ) -> None:
        """Addresses and what to say there, at first and from time to time.

        Viewers are spread over the addresses. With TLS all bytes are read, which costs more.
        """
        self._tls = tls
        self._openings = openings
        self._sign_of_life = sign_of_life
        self._sign_at = time.monotonic() + _SIGN_SECONDS
        self._viewers: list[Viewer] = []
        self._by_fd: dict[int, Viewer] = {}
        self._counted: list[Viewer] = []
        self._sweep_began = 0.0
        self._swept = 0
        self._epoll = select.epoll()
        self._buffer = bytearray(_KEEP + _READ)
        self._view = memoryview(self._buffer)

    @property
    def figures(self) -> list[Figures]:
        """Of all viewers."""
        return [viewer.figures for viewer in self._viewers]

    def grow(self, to: int, *, sample: int) -> None:
        """As :class:`gamecast.bench.crowd.Crowd`; any viewer's refusal is raised.

        Of those that are there, some scan no more if that would be too many. Those whose connection
        has ended have been counted, and others take their place.
        """
        self._forget_closed()
        for number, viewer in enumerate(self._viewers):
            if viewer.figures.scans and not scans(number, to, sample):
                viewer.figures.scans, viewer.tail = False, b""
        for number in range(len(self._viewers), to):
            address, opening = self._openings[number % len(self._openings)]
            self._open(address, opening, scans=scans(number, to, sample))
            self.run(time.monotonic() + _OPEN_SECONDS)

    def _forget_closed(self) -> None:
        for viewer in [viewer for viewer in self._viewers if viewer.figures.closed]:
            self._viewers.remove(viewer)
            if viewer in self._counted:
                self._counted.remove(viewer)
            del self._by_fd[viewer.sock.fileno()]
            viewer.sock.close()
        self._swept = 0

    def _open(self, address: tuple[str, int], opening: Opening, *, scans: bool) -> None:
        begin = time.monotonic()
        sock = socket.socket()
        try:
            _enlarge(sock)
            sock.settimeout(10)
            sock.connect(address)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls:
                sock = wrapped(sock, address[0])
            rest = opening(sock)
        except BaseException:
            sock.close()
            raise
        sock.setblocking(False)
        now = time.monotonic()
        figures = Figures(scans=scans, asked_at=begin, connect_seconds=now - begin, last_at=now)
        viewer = Viewer(sock, figures)
        self._viewers.append(viewer)
        self._by_fd[sock.fileno()] = viewer
        self._epoll.register(sock.fileno(), select.EPOLLIN)
        if rest:
            self._buffer[: len(rest)] = rest
            self._arrived(viewer, len(rest))
            if scans:
                self._scan(viewer, len(rest))

    def run(self, until: float) -> None:
        """Read until this time of ``time.monotonic``."""
        poll, by_fd = self._epoll.poll, self._by_fd
        while (left := until - time.monotonic()) > 0:
            for fd, _ in poll(min(left, _POLL_SECONDS)):
                viewer = by_fd[fd]
                if viewer.figures.scans:
                    self._read_and_scan(viewer)
                else:
                    self._discard(viewer)
                    self._epoll.unregister(fd)
                    self._counted.append(viewer)
            self._sweep()
            if self._sign_of_life is not None and time.monotonic() >= self._sign_at:
                self._sign(self._sign_of_life)

    def _sign(self, sign_of_life: SignOfLife) -> None:
        self._sign_at = time.monotonic() + _SIGN_SECONDS
        for viewer in self._viewers:
            with contextlib.suppress(OSError):  # reading will find out why
                viewer.sock.send(sign_of_life(viewer.figures.received))

    def _sweep(self) -> None:
        """Some of those whose turn it is, evenly over the time of a sweep."""
        now = time.monotonic()
        share = (now - self._sweep_began) / _SWEEP_SECONDS
        due = min(int(len(self._counted) * share), self._swept + _SWEPT_AT_ONCE)
        for viewer in self._counted[self._swept : due]:
            if not viewer.figures.closed:
                self._discard(viewer)
        self._swept = due
        if due >= len(self._counted):
            self._sweep_began, self._swept = now, 0

    def close(self) -> None:
        """Close all."""
        for viewer in self._viewers:
            viewer.sock.close()
        self._epoll.close()

    def _discard(self, viewer: Viewer) -> None:
        while True:
            try:
                count = receive(viewer.sock, self._view, _READ, socket.MSG_TRUNC)
            except BlockingIOError:
                return
            except OSError:
                count = 0
            self._arrived(viewer, count)
            if not self._tls or not count:  # one call gives no more than a record of TLS
                return

    def _read_and_scan(self, viewer: Viewer) -> None:
        kept = len(viewer.tail)
        self._buffer[:kept] = viewer.tail
        try:
            count = receive(viewer.sock, self._view[kept:], _READ)
        except BlockingIOError:
            return
        except OSError:
            count = 0
        self._arrived(viewer, count)
        self._scan(viewer, kept + count)

    def _arrived(self, viewer: Viewer, count: int) -> None:
        if not count:
            viewer.figures.closed = True
            if viewer.figures.scans:
                self._epoll.unregister(viewer.sock.fileno())
            return
        viewer.figures.arrived(count, time.monotonic())

    def _scan(self, viewer: Viewer, end: int) -> None:
        wall, now = time.time_ns(), time.monotonic()
        for stamp in find_stamps(self._buffer, end):
            viewer.figures.see(stamp, wall_ns=wall, now=now)
        # One byte less than a stamp: a whole one is never found twice, one that is cut is not lost.
        viewer.tail = bytes(self._view[max(0, end - _KEEP) : end])


def _enlarge(sock: socket.socket) -> None:
    """Before it connects: that settles how far the window can grow."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_BYTES)
    except PermissionError:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BYTES)
