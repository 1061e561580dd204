"""SrtDestination: publishes MPEG-TS to one SRT server and keeps at it."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Sequence

from gamecast.client.push.destination import Metadata
from gamecast.client.push.network import NetworkThread
from gamecast.client.push.srt_line import SrtLine
from gamecast.client.push.srt_target import SrtTarget
from gamecast.client.push.stats import DestinationStats
from gamecast.client.push.uplink import LinkError, UplinkDestination, key_refused, settle
from gamecast.media.containers.mpegts import Muxer, can_carry
from gamecast.media.packet import Packet
from gamecast.media.track import Track
from gamecast.net.udp import Address, UdpSocket
from gamecast.protocols.srt import (
    PAYLOAD_SIZE,
    Caller,
    Connected,
    ConnectionClosed,
    Event,
    PayloadsReceived,
    Reject,
    chunk_size,
)

_GOODBYE = 1.8
"""Seconds that an end may take at most: a little less than ``UplinkDestination`` waits for it."""
_LATE = 0.3
"""Seconds by which a server may be late in taking what its latency holds: what it has not taken
when we close, libsrt forgets."""
_LEAST_WAIT = 0.002


class SrtDestination(UplinkDestination):
    """An uplink over SRT."""

    def __init__(
        self,
        target: SrtTarget,
        network: NetworkThread,
        *,
        on_change: Callable[[], None],
        keep_trying: bool = False,
    ) -> None:
        """As ``UplinkDestination``."""
        super().__init__(target.shown, network, on_change=on_change, keep_trying=keep_trying)
        self._target = target
        self._tracks: Sequence[Track] = ()

    def _prepare(self, tracks: Sequence[Track], metadata: Metadata) -> None:
        self._tracks = tracks

    async def _open(self) -> SrtLink:
        missing = [track.codec.value for track in self._tracks if not can_carry(track)]
        if missing:
            raise LinkError(f"MPEG-TS cannot carry {missing[0]}", refused=True)
        link = await _dial(self._target, self._tracks, self._pump)
        try:
            await link.started
        except BaseException:
            link.abort()
            raise
        return link


async def _dial(
    target: SrtTarget, tracks: Sequence[Track], on_writable: Callable[[], None]
) -> SrtLink:
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(target.host, target.port, type=socket.SOCK_DGRAM)
    except socket.gaierror:
        raise LinkError(f"no such host: {target.host}") from None
    family, _, _, _, address = found[0]
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.setblocking(False)
    try:
        sock.bind(("::" if family == socket.AF_INET6 else "0.0.0.0", 0))
        return SrtLink(target, tracks, on_writable, sock, (str(address[0]), int(address[1])))
    except OSError as error:
        sock.close()
        raise LinkError(f"{target.host}:{target.port}: {error.strerror or error}") from error


class SrtLink:
    """One connection. ``started`` and ``over`` are futures of the running loop."""

    def __init__(
        self,
        target: SrtTarget,
        tracks: Sequence[Track],
        on_writable: Callable[[], None],
        sock: socket.socket,
        address: Address,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self.started: asyncio.Future[None] = self._loop.create_future()
        self.over: asyncio.Future[LinkError] = self._loop.create_future()
        self._host = target.host
        self._muxer = Muxer(tracks)
        self._on_writable = on_writable
        self._address = address
        self._socket: UdpSocket | None = UdpSocket(sock, self._received, drained=self._drained)
        self._caller = Caller(target.settings, now=self._loop.time(), random_bytes=os.urandom)
        self._line = SrtLine(self._loop.time())
        self._was_writable = True
        self._bytes = 0
        self._goodbye_by: float | None = None
        self._confirmed_at: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._flush()

    # Link ---------------------------------------------------------------------------------------

    @property
    def writable(self) -> bool:
        """Whether what was sent gets through about as fast as it is sent."""
        connection = self._caller.connection
        if connection is None or self._socket is None:
            return False
        return self._line.carries_more(connection, self._loop.time())

    def send(self, packet: Packet) -> None:
        """Write one packet as transport packets, seven to a payload."""
        connection = self._caller.connection
        if connection is None:
            return
        data = self._muxer.write(packet)
        now = self._loop.time()
        size = chunk_size(connection)
        for at in range(0, len(data), size):
            connection.send(data[at : at + size], now)
        self._bytes += len(data)
        self._flush()

    def bytes_sent(self) -> int:
        """Bytes of transport packets handed over and not still waiting."""
        return self._bytes - self.backlog()

    def backlog(self) -> int:
        """Bytes that the server has not confirmed: what SRT took says nothing of the line."""
        connection = self._caller.connection
        if connection is None:
            return 0
        return (connection.unsent + connection.in_flight) * PAYLOAD_SIZE

    def round_trip_time(self) -> float | None:
        """Seconds, as SRT measures it."""
        connection = self._caller.connection
        return connection.rtt if connection is not None else None

    def describe(self, stats: DestinationStats) -> None:
        """Losses, which other protocols hide."""
        connection = self._caller.connection
        if connection is not None:
            totals = connection.statistics(self._loop.time())
            stats.packets_sent = totals.pkt_sent
            stats.packets_lost = totals.pkt_snd_loss
            stats.packets_retransmitted = totals.pkt_retrans
            stats.packets_dropped = totals.pkt_snd_drop

    def say_goodbye(self) -> None:
        """Close once the server has confirmed everything, and had the time to play it."""
        self._goodbye_by = self._loop.time() + _GOODBYE
        self._rearm()

    def abort(self) -> None:
        """Close now."""
        connection = self._caller.connection
        if connection is not None and self._socket is not None:
            connection.close(self._loop.time())
            self._flush()
        self._end(LinkError("closed"))

    # Inside -------------------------------------------------------------------------------------

    def _received(self, data: bytes, address: Address) -> None:
        if address == self._address:
            self._handle(self._caller.receive_datagram(data, self._loop.time()))

    def _drained(self) -> None:
        self._flush()
        writable = self.writable
        if writable and not self._was_writable:
            self._on_writable()
        self._was_writable = writable

    def _fire(self) -> None:
        self._timer = None
        now = self._loop.time()
        self._handle(self._caller.handle_timer(now))
        if self._goodbye_by is not None and self._may_go(now, self._goodbye_by):
            self.abort()
        self._drained()

    def _may_go(self, now: float, deadline: float) -> bool:
        """Whether the server has everything, and has had the time to play it."""
        connection = self._caller.connection
        if connection is None or now >= deadline:
            return True
        if connection.in_flight or connection.unsent:
            return False
        if self._confirmed_at is None:
            self._confirmed_at = now
        return now >= self._confirmed_at + connection.peer_latency + _LATE

    def _handle(self, events: list[Event]) -> None:
        for event in events:
            match event:
                case Connected():
                    if not self.started.done():
                        self.started.set_result(None)
                case ConnectionClosed():
                    self._end(self._ending(event))
                case PayloadsReceived():
                    pass  # servers have nothing to tell a publisher

    def _ending(self, event: ConnectionClosed) -> LinkError:
        if event.reject is None:
            return LinkError(event.reason)
        if event.reject == Reject.TIMEOUT:
            where = f"{self._host}:{self._address[1]}"
            return LinkError(
                f"{where} does not answer (is the server running? is UDP let through?)"
            )
        if event.reject in (Reject.UNAUTHORIZED, Reject.FORBIDDEN, Reject.NOT_FOUND):
            return key_refused(event.reason)
        return LinkError(f"refused: {event.reason}", refused=True)

    def _flush(self) -> None:
        if self._socket is None:
            return
        datagrams = self._caller.data_to_send()
        if datagrams:
            self._socket.send_batch(datagrams, self._address)
        self._rearm()

    def _rearm(self) -> None:
        if self._timer is not None or self._socket is None:
            return
        due = self._caller.next_timer()
        if due is not None:
            wait = max(due - self._loop.time(), _LEAST_WAIT)
            self._timer = self._loop.call_later(wait, self._fire)

    def _end(self, error: LinkError) -> None:
        sock, self._socket = self._socket, None
        if sock is not None:
            sock.close()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        settle(self.started, self.over, error)
