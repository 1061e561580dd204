"""WhipLink: one WebRTC session with a WHIP server, from ICE to BYE."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

from gamecast.client.push.stats import DestinationStats
from gamecast.client.push.uplink import LinkError, settle
from gamecast.client.push.whip_tcp import TcpFallback, TcpHooks
from gamecast.media.errors import MediaError
from gamecast.media.packet import Packet
from gamecast.media.payloads.base import Packetizer
from gamecast.net.udp import UdpSocket
from gamecast.protocols.webrtc.address import Address
from gamecast.protocols.webrtc.events import (
    Closed,
    Connected,
    Event,
    PairSelected,
    RtcpReceived,
)
from gamecast.protocols.webrtc.ice_client import IceClientAgent
from gamecast.protocols.webrtc.media_sender import MediaSender
from gamecast.protocols.webrtc.session import Session

_HELD_UP = 0.05
"""Seconds that packets may wait for their turn before the uplink counts as full.

What waits then waits in our queue, where it is measured, dropped by rule and lowers the bitrate.
"""
MIN_SILENCE, MAX_SILENCE = 3.0, 12.0
"""Seconds without a word from the server after which it is gone: three times its longest pause."""
_TICK = 0.5
_KEYFRAME_EVERY = 1.0
"""Seconds between keyframes on request: each costs bits on every destination."""


@dataclass(slots=True, kw_only=True)
class Hooks:
    """What a link calls."""

    writable: Callable[[], None]
    keyframe: Callable[[], None]
    """The server lost a picture and wants a fresh start."""
    leave: Callable[[], Coroutine[Any, Any, None]]
    """Deletes the resource on the server."""


@dataclass(slots=True)
class Ways:
    """How the server may be reached."""

    socket: socket.socket
    """A bound UDP socket, which the link takes over."""
    fallback: TcpFallback


class WhipLink:
    """A link over UDP, or TCP where that fails.

    ``started`` and ``over`` are futures of the running loop.
    """

    def __init__(
        self,
        session: Session,
        sender: MediaSender,
        packetizers: Mapping[int, Packetizer],
        ways: Ways,
        hooks: Hooks,
    ) -> None:
        """``packetizers`` by track id, for the tracks that the server takes."""
        self._loop = asyncio.get_running_loop()
        self.started: asyncio.Future[None] = self._loop.create_future()
        self.over: asyncio.Future[LinkError] = self._loop.create_future()
        self._session = session
        self._sender = sender
        self._packetizers = packetizers
        self._hooks = hooks
        self._socket: UdpSocket | None = UdpSocket(ways.socket, self._received, drained=self._flush)
        self._fallback = ways.fallback
        self._fallback.begin(
            TcpHooks(
                opened=self._tcp_opened,
                received=self._received,
                drained=self._flush,
                lost=self._tcp_lost,
            )
        )
        self._was_writable = True
        self._keyframe_at = float("-inf")
        self._heard_at = self._loop.time()
        self._longest_pause = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._goodbye: asyncio.Task[None] | None = None
        self._flush()

    # Link ---------------------------------------------------------------------------------------

    @property
    def writable(self) -> bool:
        """Whether packets get their turn without waiting long."""
        return (
            self._socket is not None
            and self._session.is_connected
            and self._sender.wait() < _HELD_UP
            and not self._fallback.backlog()
        )

    @property
    def is_tcp(self) -> bool:
        """Whether media goes by TCP."""
        return _is_tcp(self._session.selected)

    def send(self, packet: Packet) -> None:
        """Write one packet."""
        packetizer = self._packetizers.get(packet.track.id)
        if packetizer is None or self._socket is None:
            return
        if packet.is_video and packet.pts != packet.dts:
            self._end(LinkError("WHIP cannot carry B-frames: encode without them", refused=True))
            return
        try:
            payloads = packetizer.packetize(packet.data)
        except MediaError as error:
            self._end(LinkError(str(error)))
            return
        self._sender.write(
            packet.track.kind.value,
            payloads,
            timestamp=packet.pts,
            seconds=packet.pts / packet.track.clock_rate,
            wall=time.time(),
        )
        self._flush()

    def bytes_sent(self) -> int:
        """Bytes of RTP that have left."""
        return self._sender.statistics.bytes_sent

    def backlog(self) -> int:
        """Bytes that wait for their turn."""
        return self._sender.backlog + self._fallback.backlog()

    def round_trip_time(self) -> float | None:
        """Seconds, from our reports to the server's."""
        return self._sender.statistics.rtt

    def describe(self, stats: DestinationStats) -> None:
        """Losses, and what the path is thought to take."""
        known = self._sender.statistics
        stats.packets_sent = known.packets_sent
        stats.packets_lost = known.packets_lost
        stats.packets_retransmitted = known.packets_repeated
        # What TCP takes shows in what it has not taken.
        stats.bandwidth = None if self.is_tcp else round(self._sender.estimator.bitrate)

    def say_goodbye(self) -> None:
        """Send what waits and BYE, delete the resource, close."""
        self._send_media(everything=True)
        if self._session.is_connected:
            self._session.send_rtcp(self._sender.goodbye())
            self._send_datagrams()
        self._goodbye = self._loop.create_task(self._leave())

    async def _leave(self) -> None:
        await self._hooks.leave()
        self.abort()

    def abort(self) -> None:
        """Close now."""
        if self._socket is not None:
            self._session.close()
            self._send_datagrams()
        if self._goodbye is not None and self._goodbye is not asyncio.current_task():
            self._goodbye.cancel()
        self._end(LinkError("closed"))

    # Inside -------------------------------------------------------------------------------------

    def _received(self, data: bytes, address: Address) -> None:
        self._handle(self._session.receive_datagram(data, address, self._loop.time()))

    def _tcp_opened(self, address: Address) -> None:
        agent, now = self._session.agent, self._loop.time()
        if isinstance(agent, IceClientAgent):
            agent.add(address, now)
            self._handle(self._session.handle_timer(now))
            self._flush()

    def _tcp_lost(self, address: Address) -> None:
        if self._session.selected == address:
            self._end(LinkError("the server closed the connection"))

    def _fire(self) -> None:
        self._timer = None
        now = self._loop.time()
        self._handle(self._session.handle_timer(now))
        if self._session.is_connected and now - self._heard_at > self._patience():
            self._end(LinkError("the server has gone silent"))
        self._flush()

    def _patience(self) -> float:
        return min(MAX_SILENCE, max(MIN_SILENCE, 3 * self._longest_pause))

    def _handle(self, events: list[Event]) -> None:
        now = self._loop.time()
        for event in events:
            match event:
                case PairSelected():
                    self._sender.over_tcp = self.is_tcp
                    if not self.is_tcp:
                        self._fallback.close()
                case Connected():
                    self._heard_at = now
                    if not self.started.done():
                        self.started.set_result(None)
                case RtcpReceived():
                    self._heard(event, now)
                case Closed():
                    self._end(LinkError(event.reason))
                case _:
                    pass

    def _heard(self, event: RtcpReceived, now: float) -> None:
        self._longest_pause = max(self._longest_pause, now - self._heard_at)
        self._heard_at = now
        wanted = self._sender.receive_rtcp(event.packets, now, time.time())
        if wanted and now - self._keyframe_at >= _KEYFRAME_EVERY:
            self._keyframe_at = now
            self._hooks.keyframe()

    def _flush(self) -> None:
        if self._socket is None:
            return
        self._send_media()
        self._send_datagrams()
        self._rearm()
        writable = self.writable
        if writable and not self._was_writable:
            # Not from here: the packet on its way in must be queued first.
            self._loop.call_soon(self._hooks.writable)
        self._was_writable = writable

    def _send_media(self, *, everything: bool = False) -> None:
        if not self._session.is_connected:
            return
        now, wall = self._loop.time(), time.time()
        for header, payload in self._sender.packets_to_send(now, wall, everything=everything):
            self._session.send_rtp(header, payload)
        reports = self._sender.reports_to_send(now, wall)
        if reports:
            self._session.send_rtcp(reports)

    def _send_datagrams(self) -> None:
        if self._socket is None:
            return
        for to, run in groupby(self._session.datagrams_to_send(), itemgetter(1)):
            datagrams = [data for data, _ in run]
            if _is_tcp(to):
                self._fallback.send_batch(datagrams, to)
            else:
                self._socket.send_batch(datagrams, (to[0], to[1]))

    def _rearm(self) -> None:
        times = [self._session.next_timer(), self._loop.time() + _TICK]
        if self._session.is_connected:
            times.append(self._sender.next_timer())
        at = min(each for each in times if each is not None)
        if self._timer is not None:
            if self._timer_at <= at:
                return
            self._timer.cancel()
        self._timer_at = at
        self._timer = self._loop.call_at(at, self._fire)

    def _end(self, error: LinkError) -> None:
        sock, self._socket = self._socket, None
        if sock is not None:
            sock.close()
        self._fallback.close()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        settle(self.started, self.over, error)


def _is_tcp(address: Address | None) -> bool:
    return address is not None and "tcp" in address
