"""Thousands of light viewers in one process: one epoll loop, no object per packet.

A sample of the viewers reads everything and looks for stamps, which proves every frame and measures
its delay. The others let the kernel throw their bytes away uncopied (``MSG_TRUNC``, tcp(7)) and are
checked by their number: a lost group is missing in it. Linux only.
"""

from __future__ import annotations

import select
import socket
import time
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field

from gamecast.bench.stamp import SIZE, find_stamps

_READ = 512 * 1024
_KEEP = SIZE - 1

Opening = Callable[[socket.socket], bytes]
"""Speaks a protocol on a connected, blocking socket until media flows; returns what came of it."""


@dataclass(slots=True, eq=False)
class Viewer:
    """One connection and what is known of it."""

    sock: socket.socket
    scans: bool
    connect_seconds: float
    """From ``connect`` to the protocol's yes."""
    asked_at: float
    received: int = 0
    """Bytes."""
    first_media_seconds: float = 0.0
    last_at: float = 0.0
    longest_gap: float = 0.0
    """Seconds without a byte."""
    closed: bool = False
    frames: int = 0
    missed_frames: int = 0
    missed_groups: int = 0
    number: int = -1
    group: int = -1
    tail: bytes = b""
    delays: array[float] = field(default_factory=lambda: array("d"))
    """Seconds from a frame's stamp to its arrival, once measuring has begun."""


class ViewerSet:
    """Opens viewers and reads them all."""

    def __init__(self) -> None:
        self.viewers: list[Viewer] = []
        self.measuring = False
        self._by_fd: dict[int, Viewer] = {}
        self._epoll = select.epoll()
        self._buffer = bytearray(_KEEP + _READ)
        self._view = memoryview(self._buffer)

    def open(self, address: tuple[str, int], opening: Opening, *, scans: bool) -> None:
        """Connect one more viewer; raises ``OSError`` or what ``opening`` raises."""
        begin = time.monotonic()
        sock = socket.create_connection(address, timeout=10)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            asked = time.monotonic()
            rest = opening(sock)
        except BaseException:
            sock.close()
            raise
        sock.setblocking(False)
        now = time.monotonic()
        viewer = Viewer(sock, scans, now - begin, asked, last_at=now)
        self.viewers.append(viewer)
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
            for fd, _ in poll(min(left, 0.1)):
                viewer = by_fd[fd]
                if viewer.scans:
                    self._read_and_scan(viewer)
                else:
                    self._discard(viewer)

    def reset(self) -> None:
        """Begin to measure: what came before does not count."""
        self.measuring = True
        now = time.monotonic()
        for viewer in self.viewers:
            viewer.received = viewer.frames = viewer.missed_frames = viewer.missed_groups = 0
            viewer.longest_gap = 0.0
            viewer.last_at = now
            viewer.delays = array("d")

    def close(self) -> None:
        """Close all."""
        for viewer in self.viewers:
            viewer.sock.close()
        self._epoll.close()

    def _discard(self, viewer: Viewer) -> None:
        try:
            count = viewer.sock.recv_into(self._view, _READ, socket.MSG_TRUNC)
        except BlockingIOError:
            return
        except OSError:
            count = 0
        self._arrived(viewer, count)

    def _read_and_scan(self, viewer: Viewer) -> None:
        kept = len(viewer.tail)
        self._buffer[:kept] = viewer.tail
        try:
            count = viewer.sock.recv_into(self._view[kept:], _READ)
        except BlockingIOError:
            return
        except OSError:
            count = 0
        self._arrived(viewer, count)
        self._scan(viewer, kept + count)

    def _arrived(self, viewer: Viewer, count: int) -> None:
        now = time.monotonic()
        if not count:
            viewer.closed = True
            self._epoll.unregister(viewer.sock.fileno())
            return
        if not viewer.first_media_seconds:
            viewer.first_media_seconds = now - viewer.asked_at
        viewer.longest_gap = max(viewer.longest_gap, now - viewer.last_at)
        viewer.last_at = now
        viewer.received += count

    def _scan(self, viewer: Viewer, end: int) -> None:
        now = time.time_ns()
        for stamp in find_stamps(self._buffer, end):
            viewer.frames += 1
            if 0 <= viewer.number < stamp.number - 1:
                viewer.missed_frames += stamp.number - 1 - viewer.number
                viewer.missed_groups += max(1, stamp.group - viewer.group - 1)
            viewer.number, viewer.group = stamp.number, stamp.group
            if self.measuring:
                viewer.delays.append((now - stamp.time_ns) / 1e9)
        # One byte less than a stamp: a whole one is never found twice, one that is cut is not lost.
        viewer.tail = bytes(self._view[max(0, end - _KEEP) : end])
