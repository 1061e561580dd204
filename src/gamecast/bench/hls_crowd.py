"""Thousands of light HLS players in one process: one epoll loop."""

from __future__ import annotations

import select
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

from gamecast.bench.crowd import scans
from gamecast.bench.errors import BenchError
from gamecast.bench.figures import Figures
from gamecast.bench.hls_playlist import Listing, parse_listing
from gamecast.bench.hls_viewer import HlsViewer
from gamecast.bench.keep_alive import KeepAlive
from gamecast.bench.tls import SCHEMES

_BUFFER_BYTES = 512 * 1024
_OPEN_SECONDS = 0.003
_KEPT_LISTINGS = 64
_TIMER_SECONDS = 0.02


class HlsCrowd:
    """Viewers of HLS URLs (``index.m3u8``)."""

    def __init__(self, urls: Sequence[str], *, low_latency: bool) -> None:
        self.failed = 0
        self._urls = urls
        self._low_latency = low_latency
        self._viewers: list[HlsViewer] = []
        self._by_fd: dict[int, tuple[HlsViewer, KeepAlive]] = {}
        self._epoll = select.epoll()
        self._buffer = bytearray(_BUFFER_BYTES)
        self._listings: dict[bytes, Listing] = {}
        self._timers_at = 0.0

    @property
    def figures(self) -> list[Figures]:
        """Of all viewers."""
        return [viewer.figures for viewer in self._viewers]

    def grow(self, to: int, *, sample: int) -> None:
        """As :class:`gamecast.bench.crowd.Crowd`."""
        for number in range(len(self._viewers), to):
            url = self._urls[number % len(self._urls)]
            figures = Figures(scans=scans(number, to, sample), asked_at=time.monotonic())
            viewer = HlsViewer(
                url,
                figures,
                lambda viewer, url=url: self._connect(viewer, url),  # type: ignore[misc]
                self._parse,
                low_latency=self._low_latency,
            )
            self._viewers.append(viewer)
            self.run(time.monotonic() + _OPEN_SECONDS)

    def run(self, until: float) -> None:
        """Read until this time of ``time.monotonic``."""
        poll = self._epoll.poll
        while (left := until - time.monotonic()) > 0:
            for fd, _ in poll(min(left, _TIMER_SECONDS)):
                self._read(fd)
            self._fire()

    def close(self) -> None:
        """Close all."""
        for viewer in self._viewers:
            viewer.close()
        self._epoll.close()

    def _connect(self, viewer: HlsViewer, url: str) -> KeepAlive:
        parts = urlsplit(url)
        tls = parts.scheme in SCHEMES
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise BenchError("HLS viewers need http:// or https://")
        address = parts.hostname, parts.port or (443 if tls else 80)
        connection = KeepAlive(address, parts.netloc, self._buffer, tls=tls)
        fd = connection.sock.fileno()
        self._by_fd[fd] = viewer, connection
        self._epoll.register(fd, select.EPOLLIN)
        return connection

    def _read(self, fd: int) -> None:
        viewer, connection = self._by_fd[fd]
        try:
            answer = connection.readable()
            if answer is None:
                return
            viewer.answered(connection, answer)
        except (OSError, ValueError):  # gone, or it does not speak HTTP
            self._lose(fd)

    def _lose(self, fd: int) -> None:
        viewer, connection = self._by_fd.pop(fd)
        self._epoll.unregister(fd)
        connection.close()
        viewer.lost(connection)

    def _fire(self) -> None:
        now = time.monotonic()
        if now < self._timers_at:
            return
        self._timers_at = now + _TIMER_SECONDS
        for viewer in self._viewers:
            if viewer.wake_at is not None and now >= viewer.wake_at:
                viewer.wake()

    def _parse(self, body: bytes) -> Listing:
        """Each version of a playlist once: its bytes are the same for all who asked the same."""
        listing = self._listings.get(body)
        if listing is None:
            while len(self._listings) >= _KEPT_LISTINGS:
                del self._listings[next(iter(self._listings))]
            listing = self._listings[body] = parse_listing(body.decode())
        return listing
