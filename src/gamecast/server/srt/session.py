"""One SRT connection on the server: a publisher or a player, never both."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import structlog

from gamecast.media.errors import MediaError
from gamecast.net.udp import Address, UdpSocket
from gamecast.protocols.srt import (
    Connection,
    ConnectionClosed,
    Event,
    PayloadsReceived,
    Statistics,
)
from gamecast.server.srt.player import SrtPlayer
from gamecast.server.srt.publisher import SrtPublisher

log = structlog.get_logger(__name__)

_LAST_WORDS = 0.3
"""Seconds beyond the latency that a player has for its last packets before it is closed."""
_MAX_LAST_WORDS = 3.0


@dataclass(slots=True, kw_only=True)
class LinkReport:
    """What is known of one connection: for the API and metrics."""

    role: str
    """``publisher`` or ``viewer``."""
    channel: str
    address: str
    encrypted: bool
    statistics: Statistics


class SrtSession:
    """Joins a connection to its role."""

    def __init__(
        self,
        connection: Connection,
        address: Address,
        driver: UdpSocket,
        *,
        closed: Callable[[SrtSession], None],
    ) -> None:
        """``closed`` is told once, when the connection has ended."""
        self.connection = connection
        self.address = address
        self.publisher: SrtPublisher | None = None
        self.player: SrtPlayer | None = None
        self._driver = driver
        self._closed = closed
        self._over = False
        self._loop = asyncio.get_running_loop()
        self._log = log.bind(peer=f"{address[0]}:{address[1]}")

    def receive_burst(self, datagrams: Iterable[bytes], now: float) -> None:
        """Datagrams of the peer that came together; call ``flush`` after them."""
        events = self.connection.receive_burst(datagrams, now)
        if events:
            self._handle(events)

    def handle_timer(self, now: float) -> None:
        """Every few milliseconds."""
        timer = self.connection.next_timer()
        if timer is not None and timer <= now:
            self._handle(self.connection.handle_timer(now))
            self.flush()
        if self.player is not None:
            self.player.pump(now)

    def flush(self) -> None:
        """Send what the connection has to send."""
        datagrams = self.connection.data_to_send()
        if datagrams:
            self._driver.send_batch(datagrams, self.address)

    def report(self, now: float) -> LinkReport:
        """How the connection does."""
        ingest = self.publisher.ingest if self.publisher is not None else None
        if self.player is not None:
            channel = self.player.channel
        else:
            channel = ingest.stream.name if ingest is not None else ""
        return LinkReport(
            role="viewer" if self.player is not None else "publisher",
            channel=channel,
            address=str(self.address[0]),
            encrypted=self.connection.encrypted,
            statistics=self.connection.statistics(now),
        )

    def end(self, reason: str) -> None:
        """Close from our side, now."""
        if self._over:
            return
        self.connection.close(self._loop.time(), reason)
        self.flush()
        self._finish(reason, orderly=False)

    def end_later(self, reason: str) -> None:
        """Close a player when its last packets have had their time."""
        wait = min(self.connection.peer_latency + _LAST_WORDS, _MAX_LAST_WORDS)
        self._loop.call_later(wait, self.end, reason)

    def _handle(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, PayloadsReceived):
                self._receive(event.payloads)
            elif isinstance(event, ConnectionClosed):
                self._finish(event.reason, orderly=event.orderly)

    def _receive(self, payloads: list[bytes]) -> None:
        if self.publisher is None or self._over:
            return  # what a player sends is noise
        try:
            self.publisher.receive(payloads)
        except MediaError as error:
            self._log.info("srt.bad_media", reason=str(error))
            self.end(str(error))

    def _finish(self, reason: str, *, orderly: bool) -> None:
        if self._over:
            return
        self._over = True
        totals = self.connection.statistics(self._loop.time())
        self._log.info(
            "srt.closed",
            reason=reason,
            rtt_ms=round(totals.ms_rtt, 1),
            lost=totals.pkt_rcv_loss + totals.pkt_snd_loss,
            dropped=totals.pkt_rcv_drop + totals.pkt_snd_drop,
            retransmitted=totals.pkt_retrans,
        )
        if self.player is not None:
            self.player.leave()
        if self.publisher is not None and orderly:
            self.publisher.stopped()
        elif self.publisher is not None:
            self.publisher.lost(reason)
        self._closed(self)
