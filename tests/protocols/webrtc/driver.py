"""Just enough asyncio around the stack to meet real peers: one UDP socket, one HTTP endpoint."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Awaitable, Callable
from types import TracebackType

from gamecast.protocols.webrtc.address import Address
from gamecast.protocols.webrtc.answer import Agreement
from gamecast.protocols.webrtc.candidate import host_candidates
from gamecast.protocols.webrtc.certificate import generate_certificate
from gamecast.protocols.webrtc.credentials import IceCredentials
from gamecast.protocols.webrtc.dtls import make_context
from gamecast.protocols.webrtc.events import Closed, Event
from gamecast.protocols.webrtc.ice import IceLiteAgent
from gamecast.protocols.webrtc.mux import Router
from gamecast.protocols.webrtc.session import DtlsParameters, Session
from gamecast.protocols.webrtc.transport import LocalTransport

EventHandler = Callable[[Session, Event], None]
HttpHandler = Callable[[str, str, str], Awaitable[tuple[int, str, str]]]
"""``(method, path, body) -> (status, content type, body)``."""


class RtcServer(asyncio.DatagramProtocol):
    """All sessions of a test on one loopback socket."""

    def __init__(self, on_event: EventHandler) -> None:
        self.router: Router[Session] = Router()
        self.sessions: list[Session] = []
        self.certificate = generate_certificate(time.time())
        self._context = make_context(self.certificate)
        self._on_event = on_event
        self._transport: asyncio.DatagramTransport | None = None
        self._timers: dict[int, asyncio.TimerHandle] = {}

    async def __aenter__(self) -> RtcServer:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: self, local_addr=("127.0.0.1", 0)
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for timer in self._timers.values():
            timer.cancel()
        assert self._transport is not None
        self._transport.close()
        await asyncio.sleep(0)

    @property
    def port(self) -> int:
        """Where the socket listens."""
        assert self._transport is not None
        return int(self._transport.get_extra_info("sockname")[1])

    def local(self) -> LocalTransport:
        """Fresh credentials for one more session."""
        return LocalTransport(
            credentials=IceCredentials.generate(os.urandom),
            fingerprint=self.certificate.fingerprint,
            candidates=host_candidates(["127.0.0.1"], self.port),
        )

    def open(self, local: LocalTransport, agreement: Agreement) -> Session:
        """The session of an answer."""
        session = Session(
            IceLiteAgent(local.credentials, agreement.remote.credentials.ufrag),
            DtlsParameters(
                context=self._context,
                is_client=agreement.remote.we_are_dtls_client,
                fingerprints=agreement.remote.fingerprints,
            ),
            now=time.monotonic(),
        )
        self.router.add(local.credentials.ufrag, session)
        self.sessions.append(session)
        self._settle(session, [])
        return session

    def datagram_received(self, data: bytes, addr: Address) -> None:
        """From asyncio."""
        found = self.router.receive_datagram(data, addr, time.monotonic())
        if found is not None:
            self._settle(*found)

    def error_received(self, exc: Exception) -> None:
        """A peer that closed its port; its session ends by consent."""

    def flush(self, session: Session) -> None:
        """Send what is due and set the timer."""
        assert self._transport is not None
        for data, address in session.datagrams_to_send():
            self._transport.sendto(data, address)
        handle = self._timers.pop(id(session), None)
        if handle is not None:
            handle.cancel()
        at = session.next_timer()
        if at is not None:
            delay = max(0.0, at - time.monotonic())
            loop = asyncio.get_running_loop()
            self._timers[id(session)] = loop.call_later(delay, self._timer, session)

    def send(self, data: bytes, size: int, address: Address) -> None:
        """A sealed batch, cut into datagrams."""
        assert self._transport is not None
        for offset in range(0, len(data), size):
            self._transport.sendto(bytes(data[offset : offset + size]), address)

    def _timer(self, session: Session) -> None:
        self._settle(session, session.handle_timer(time.monotonic()))

    def _settle(self, session: Session, events: list[Event]) -> None:
        self.flush(session)
        for event in events:
            if isinstance(event, Closed):
                self.router.remove(session)
            self._on_event(session, event)


@contextlib.asynccontextmanager
async def http_server(handler: HttpHandler):  # type: ignore[no-untyped-def]
    """A tiny HTTP/1.1 server; yields its base URL."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            method, path = head.split(" ")[:2]
            headers = dict(
                line.lower().split(":", 1) for line in head.split("\r\n")[1:] if ":" in line
            )
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            status, kind, answer = await handler(method, path, body.decode())
            data = answer.encode()
            writer.write(
                f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(data)}\r\n"
                f"Location: /session\r\nConnection: close\r\n\r\n".encode()
                + data
            )
            await writer.drain()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await server.wait_closed()
