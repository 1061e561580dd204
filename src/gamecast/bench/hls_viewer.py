"""A light HLS player: asks for what hls.js asks for, in the same order, and shows nothing.

Low latency: index, media playlist, initialisation segment, the parts from the distance that the
playlist wants; then blocking reloads (RFC 8216bis section 6.2.5.2) as delta updates on one
connection, and every new part on another. Without: a reload each target duration, and segments.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from urllib.parse import urljoin, urlsplit

from gamecast.bench.errors import BenchError
from gamecast.bench.figures import Figures
from gamecast.bench.hls_playlist import Listing, Piece, variant_uri
from gamecast.bench.keep_alive import Answer, KeepAlive
from gamecast.bench.stamp import find_stamps

_RETRY_SECONDS = 0.25
_MOST_RETRIES = 40


class HlsViewer:
    """Two connections. The owner calls ``playlist_came`` and ``media_came`` with their answers."""

    def __init__(
        self,
        url: str,
        figures: Figures,
        connect: Callable[[HlsViewer], KeepAlive],
        parse: Callable[[bytes], Listing],
        *,
        low_latency: bool,
    ) -> None:
        self.figures = figures
        self.wake_at: float | None = None
        """When to call :meth:`wake`."""
        self._connect = connect
        self._parse = parse
        self._low_latency = low_latency
        self._url = url
        self._playlists = connect(self)
        self._media: KeepAlive | None = None
        self._queue: deque[tuple[Piece, float | None]] = deque()
        self._current: tuple[Piece, float | None] | None = None
        self._last: tuple[int, int] | None = None
        self._began_at = 0.0
        self._position = 0.0
        """Seconds of media behind the end of the first playlist that were asked for."""
        self._retries = 0
        self._target = ""
        self._cookies: dict[str, str] = {}
        self._ask_playlist(url)

    def close(self) -> None:
        """Close both."""
        self._playlists.close()
        if self._media is not None:
            self._media.close()

    def answered(self, connection: KeepAlive, answer: Answer) -> None:
        """A whole response. Raises :class:`BenchError` for what no player could go on with."""
        if connection is self._playlists:
            self._playlist_came(answer)
        else:
            self._media_came(answer)

    def lost(self, connection: KeepAlive) -> None:
        """The server closed one: legal between requests (RFC 9112 section 9.5)."""
        if connection.waiting:
            self.figures.closed = True
        elif connection is self._playlists:
            self._playlists = self._connect(self)
        else:
            self._media = None

    def wake(self) -> None:
        """The time of a reload, or of another try."""
        self.wake_at = None
        self._ask_playlist(self._target)

    # Playlists ----------------------------------------------------------------------------------

    def _ask_playlist(self, url: str) -> None:
        self._target = url
        parts = urlsplit(url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._playlists.get(target, keep=True, cookie="; ".join(self._cookies.values()))

    def _playlist_came(self, answer: Answer) -> None:
        for cookie in answer.cookies:
            self._cookies[cookie.partition("=")[0]] = cookie
        if answer.location:
            self._url = urljoin(self._target, answer.location)
            self._ask_playlist(self._url)
            return
        if answer.status != 200:
            self._try_again(answer)
            return
        self._retries = 0
        if not self._began_at:
            variant = variant_uri(answer.body.decode())
            if variant:
                self._url = urljoin(self._url, variant)
                self._ask_playlist(self._url)
                return
        listing = self._parse(answer.body)
        pieces = listing.pieces if self._low_latency else listing.segments
        if self._began_at:
            self._go_on(pieces, listing)
        elif pieces:
            self._begin(pieces, listing)
        self._reload(listing)

    def _try_again(self, answer: Answer) -> None:
        self._retries += 1
        if self._retries > _MOST_RETRIES or answer.status in (401, 403):
            raise BenchError(f"the playlist: HTTP {answer.status}")
        self.wake_at = time.monotonic() + _RETRY_SECONDS

    def _reload(self, listing: Listing) -> None:
        if listing.ended:
            self.figures.closed = True
        elif self._low_latency and listing.can_block and listing.pieces:
            msn, part = listing.next
            query = f"_HLS_msn={msn}&_HLS_part={part}"
            if listing.can_skip:
                query += "&_HLS_skip=YES"
            self._ask_playlist(f"{self._url}{'&' if '?' in self._url else '?'}{query}")
        else:
            self._target = self._url
            pause = listing.target_duration if self._began_at else _RETRY_SECONDS
            self.wake_at = time.monotonic() + pause / 2

    def _begin(self, pieces: list[Piece], listing: Listing) -> None:
        now = time.monotonic()
        self.figures.connect_seconds = now - self.figures.asked_at
        wanted = listing.part_hold_back if self._low_latency else listing.hold_back
        self._began_at = now + wanted
        self.figures.stall_after = 3 * max(piece.duration for piece in pieces)
        distance = 0.0
        first = len(pieces) - 1
        for number in range(len(pieces) - 1, -1, -1):
            distance += pieces[number].duration
            if pieces[number].independent:
                first = number
                if distance >= wanted:
                    break
        if listing.init_uri:
            self._queue.append((Piece(0, 0, listing.init_uri, 0.0), None))
        self._queue.extend((piece, None) for piece in pieces[first:])
        self._last = pieces[-1].key
        self._ask_media()

    def _go_on(self, pieces: list[Piece], listing: Listing) -> None:
        for piece in pieces:
            if self._last is not None and piece.key > self._last:
                follows = ((self._last[0], self._last[1] + 1), (self._last[0] + 1, 0))
                self.figures.missed_parts += piece.key not in follows
                self.figures.discontinuities += piece.discontinuous
                self._queue.append((piece, self._began_at + self._position))
                self._position += piece.duration
                self._last = piece.key
        self._ask_media()

    # Parts and segments -------------------------------------------------------------------------

    def _ask_media(self) -> None:
        if self._current is not None or not self._queue:
            return
        if self._media is None:
            self._media = self._connect(self)
        self._current = self._queue.popleft()
        target = urlsplit(urljoin(self._url, self._current[0].uri))
        query = f"?{target.query}" if target.query else ""
        cookie = "; ".join(self._cookies.values())
        self._media.get(target.path + query, keep=self.figures.scans, cookie=cookie)

    def _media_came(self, answer: Answer) -> None:
        if self._current is None:
            return  # nobody asked for it
        (piece, deadline), self._current = self._current, None
        now, wall = time.monotonic(), time.time_ns()
        if answer.status != 200:
            self.figures.missed_parts += 1
        elif piece.duration:
            self.figures.arrived(answer.size, now)
            self.figures.parts += 1
            self.figures.late_parts += deadline is not None and now > deadline
            for stamp in find_stamps(answer.body, len(answer.body)):
                self.figures.see(stamp, wall_ns=wall, now=now)
        self._ask_media()
