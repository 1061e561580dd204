"""The SRT listener: one UDP socket, its sessions, and who is let in."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Coroutine, Iterable
from itertools import groupby
from operator import itemgetter

import structlog

from gamecast.net.admission import Admission
from gamecast.net.standstill import CATCH_UP_SECONDS, LATE_SECONDS
from gamecast.net.udp import Address, UdpSocket
from gamecast.protocols.srt import (
    Connection,
    ConnectionRequested,
    Listener,
    Reject,
    Settings,
)
from gamecast.relay.stream import Stream
from gamecast.server.auth_answers import Grant, Reason, Refusal
from gamecast.server.config import SrtSection
from gamecast.server.context import Context
from gamecast.server.srt.names import Asked, BadStreamId, parse
from gamecast.server.srt.player import SrtPlayer
from gamecast.server.srt.publisher import SrtPublisher
from gamecast.server.srt.session import LinkReport, SrtSession

log = structlog.get_logger(__name__)

_TICK = 0.005
"""Seconds between looks at the timers of all sessions: half of SRT's own interval."""
_ID_SIZE = 4
_ID = slice(12, 16)
"""Where the header says for which socket a datagram is."""

_REJECT = {
    Reason.MISSING: Reject.UNAUTHORIZED,
    Reason.DENIED: Reject.FORBIDDEN,
    Reason.INVALID_NAME: Reject.BAD_REQUEST,
    Reason.THROTTLED: Reject.OVERLOAD,
    Reason.UNAVAILABLE: Reject.INTERNAL,
}


class SrtServer:
    """Accepts SRT. Datagrams find their session by socket id, and only from its address."""

    def __init__(self, config: SrtSection, context: Context) -> None:
        self._config = config
        self._context = context
        self._loop = asyncio.get_running_loop()
        self._driver: UdpSocket | None = None
        self._listener: Listener | None = None
        self._sessions: dict[int, SrtSession] = {}
        self._touched: dict[SrtSession, None] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._ticked_at = 0.0
        self.admission = Admission(
            most=config.max_connections, most_per_address=config.max_connections_per_address
        )

    async def listen(self, sock: socket.socket) -> None:
        """Accept on a bound UDP socket."""
        settings = Settings(
            latency=self._config.latency,
            peer_latency=self._config.latency,
            idle_timeout=self._config.idle_timeout,
            hold=self._config.hold,
        )
        self._driver = UdpSocket(sock, burst=self._received, drained=self._flush)
        self._listener = Listener(settings, now=self._loop.time(), random_bytes=os.urandom)

    async def close(self) -> None:
        """Say goodbye to everybody and close the socket."""
        if self._timer is not None:
            self._timer.cancel()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for session in list(self._sessions.values()):
            session.end("the server is stopping")
        if self._driver is not None:
            self._driver.close()

    def links(self) -> list[LinkReport]:
        """How every connection does."""
        now = self._loop.time()
        return [session.report(now) for session in self._sessions.values()]

    # Datagrams ----------------------------------------------------------------------------------

    def _received(self, datagrams: list[bytes], address: Address) -> None:
        now = self._loop.time()
        for socket_id, run in groupby(datagrams, itemgetter(_ID)):
            number = int.from_bytes(socket_id, "big") if len(socket_id) == _ID_SIZE else -1
            session = self._sessions.get(number)
            if session is not None:
                if session.address == address:
                    session.receive_burst(run, now)
                    self._touched[session] = None
            elif number == 0:
                self._listen_to(run, address, now)

    def _listen_to(self, datagrams: Iterable[bytes], address: Address, now: float) -> None:
        """Handshakes: what is for no socket yet."""
        if self._listener is None:
            return
        for data in datagrams:
            request = self._listener.receive_datagram(data, address, now)
            if request is not None:
                self._spawn(self._answer(self._listener, request))

    def _flush(self) -> None:
        """After each burst of datagrams."""
        for session in self._touched:
            session.flush()
        self._touched.clear()
        self._flush_listener()

    def _flush_listener(self) -> None:
        if self._listener is None or self._driver is None:
            return
        for data, address in self._listener.data_to_send():
            self._driver.send(data, address)

    def _tick(self) -> None:
        now = self._loop.time()
        before, self._ticked_at = self._ticked_at, now
        if now - before > LATE_SECONDS:  # peers may have kept their time, and we did not
            self._timer = self._loop.call_later(CATCH_UP_SECONDS, self._tick)
            return
        for session in list(self._sessions.values()):
            session.handle_timer(now)
        self._timer = self._loop.call_later(_TICK, self._tick) if self._sessions else None

    # Who is let in ------------------------------------------------------------------------------

    async def _answer(self, listener: Listener, request: ConnectionRequested) -> None:
        peer = f"{request.address[0]}:{request.address[1]}"
        reject: int | None = Reject.OVERLOAD
        if self.admission.enter(request.address[0]):
            session = None
            try:
                session, reject = await self._admit(listener, request)
            finally:
                if session is None:
                    self.admission.leave(request.address[0])
        if reject is not None:
            log.info("srt.refused", peer=peer, code=int(reject))
            listener.reject(request, reject, self._loop.time())
        self._flush_listener()

    async def _admit(
        self, listener: Listener, request: ConnectionRequested
    ) -> tuple[SrtSession | None, int | None]:
        """The session of a caller that is let in, or the code to refuse it with."""
        try:
            asked = parse(request.stream_id)
        except BadStreamId as error:
            return None, error.reject
        answer: Grant | Stream | Reject
        if asked.publish:
            answer = await self._may_publish(asked, request)
        else:
            answer = await self._may_play(asked, request)
        if isinstance(answer, Reject):
            return None, answer
        channel = answer.channel if isinstance(answer, Grant) else answer.name
        connection = listener.accept(
            request, passphrase=self._config.passphrase_of(channel), now=self._loop.time()
        )
        if connection is None:
            log.info("srt.refused", peer=request.address[0], reason="encryption does not fit")
            return None, None
        session = self._start(connection, request)
        if isinstance(answer, Grant):
            self._publish(session, answer)
        else:
            self._play(session, answer)
        return session, None

    async def _may_publish(self, asked: Asked, request: ConnectionRequested) -> Grant | Reject:
        answer = await self._context.authenticator.authorize_publish(
            name=asked.name, key=asked.key, address=request.address[0]
        )
        if isinstance(answer, Refusal):
            return _REJECT[answer.reason]
        stream = self._context.directory.publishing(answer.channel)
        if stream is not None and not stream.may_take_over(self._publisher(answer, request)):
            return Reject.CONFLICT
        return answer

    async def _may_play(self, asked: Asked, request: ConnectionRequested) -> Stream | Reject:
        name = asked.name or ""
        answer = await self._context.authenticator.authorize_play(
            name=name, credential=asked.key, address=request.address[0]
        )
        if isinstance(answer, Refusal):
            return _REJECT[answer.reason]
        return self._context.directory.get(name) or Reject.NOT_FOUND

    def _publisher(self, grant: Grant, request: ConnectionRequested) -> SrtPublisher:
        return SrtPublisher(
            address=request.address[0],
            grant=grant,
            end=lambda reason: None,
        )

    # Sessions -----------------------------------------------------------------------------------

    def _start(self, connection: Connection, request: ConnectionRequested) -> SrtSession:
        if self._driver is None:
            raise RuntimeError("listen first")
        session = SrtSession(connection, request.address, self._driver, closed=self._ended)
        self._sessions[connection.local_id] = session
        self._flush_listener()
        if self._timer is None:
            self._ticked_at = self._loop.time()
            self._timer = self._loop.call_later(_TICK, self._tick)
        return session

    def _publish(self, session: SrtSession, grant: Grant) -> None:
        publisher = SrtPublisher(
            address=session.address[0],
            grant=grant,
            end=session.end,
        )
        session.publisher = publisher
        publisher.ingest = self._context.directory.publish(
            grant.channel, title=grant.title, publisher=publisher
        )
        log.info(
            "srt.publish",
            channel=grant.channel,
            peer=session.address[0],
            encrypted=session.connection.encrypted,
            latency_ms=round(session.connection.latency * 1000),
        )

    def _play(self, session: SrtSession, stream: Stream) -> None:
        session.player = SrtPlayer(
            session.connection,
            stream,
            address=session.address[0],
            pace=self._context.pace,
            convert=self._context.convert,
            flush=session.flush,
            ended=session.end_later,
        )
        self._spawn(session.player.join())
        log.info("srt.play", channel=stream.name, peer=session.address[0])

    def _ended(self, session: SrtSession) -> None:
        self._sessions.pop(session.connection.local_id, None)
        self.admission.leave(session.address[0])
        if self._listener is not None:
            self._listener.forget(session.connection)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
