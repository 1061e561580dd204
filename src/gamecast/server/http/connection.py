"""The HTTP connection: uvicorn's protocol with deadlines, and ways past its request cycle.

uvicorn has no deadline for a header or a body and no cap per address (reliability rule R19), and it
gives an ASGI application no access to the transport, without which every viewer would cost a task
wake-up per frame. This subclass adds both, answers by itself what needs no application, and leaves
everything else to uvicorn.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, Protocol

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)
from uvicorn.server import ServerState

from gamecast.net.admission import Admission
from gamecast.server.http.answers import Answer, Parked, Pending, Ready
from gamecast.server.http.refusals import HEADER_TOO_LARGE, application_for, refusal
from gamecast.server.http.standstill import Standstill

EXTENSION = "gamecast.takeover"
"""Key in ``scope["extensions"]`` under which the :class:`HttpConnection` itself stands."""


class Takeover(Protocol):
    """What an application gives to get the transport's events after it has taken it over."""

    def data_received(self, data: bytes) -> None:
        """The peer sent more (WebSocket frames; anything on a plain body is noise)."""

    def writing_paused(self) -> None:
        """Above the high water mark."""

    def writing_resumed(self) -> None:
        """Below the low water mark."""

    def closed(self) -> None:
        """The connection is gone."""


@dataclass(slots=True, kw_only=True)
class HttpLimits:
    """Bounds on a peer that has not yet been given anything."""

    header_timeout: float
    idle_timeout: float
    body_timeout: float = 30.0
    """For a request's whole body, and for every step of reading an answer."""
    linger_timeout: float = 30.0
    """For every step of reading what is left when the connection has been closed."""
    max_header_bytes: int = 64 * 1024
    max_pipelined: int = 64
    """Requests that may wait for the one being answered."""
    admission: Admission = field(repr=False)


class HttpConnection(HttpToolsProtocol):
    """One HTTP connection, until an application takes its transport over."""

    limits: HttpLimits
    ready: Ready | None = None
    """Both are set on a subclass by :func:`connection_class`."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._deadline: asyncio.TimerHandle | None = None
        self._header_bytes = 0
        self._fed = 0
        self._in_header = True
        self._completed = False
        self._answered = False
        self._admitted = False
        self._takeover: Takeover | None = None
        self._running: RequestResponseCycle | None = None
        self._parked: Parked | None = None

    # Deadlines and caps -------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Admit the connection and start the header's deadline."""
        super().connection_made(transport)
        self._standstill = Standstill(transport, seconds=self.limits.body_timeout)
        self._admitted = self.limits.admission.enter(self._address)
        if not self._admitted:
            transport.write(refusal(503, b"too many connections"))
            transport.close()
            return
        self._arm(self.limits.header_timeout, 408, b"request header too slow")

    def data_received(self, data: bytes) -> None:
        """Feed the parser, or whoever has taken over."""
        if self._takeover is not None:
            self._takeover.data_received(data)
            return
        if not self._admitted or self.transport.is_closing():
            return
        if self._in_header and self._deadline is None:
            self._arm(self.limits.header_timeout, 408, b"request header too slow")
        self._completed = False
        self._fed = self._header_bytes + len(data)
        super().data_received(data)
        if self._in_header and not self._completed:
            self._header_bytes += len(data)
            if self._header_bytes > self.limits.max_header_bytes:
                self._refuse(431, HEADER_TOO_LARGE)

    def on_message_begin(self) -> None:
        """A request's first byte: uvicorn resets its scope; the extension goes in."""
        if len(self.pipeline) >= self.limits.max_pipelined:
            raise ValueError("too many requests are waiting")  # the parser's caller answers 400
        super().on_message_begin()
        self._in_header = True
        self.scope["extensions"] = {EXTENSION: self}  # type: ignore[dict-item]

    def on_headers_complete(self) -> None:
        """The header is whole; from here the body has its own deadline."""
        self._in_header = False
        self._header_bytes = 0
        self._disarm()
        self._unset_keepalive_if_required()  # of an answer to what came in the same piece
        self._answered = self._answer_here()
        if self._answered:
            return
        super().on_headers_complete()
        if self.cycle is not None and not self.cycle.response_complete and self._has_body():
            self._arm(self.limits.body_timeout, 408, b"request body too slow")

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        # With pipelining ``self.cycle`` is the request read last, not the one that is answered.
        self._running = cycle
        app = application_for(cycle.scope, app, max_header_bytes=self.limits.max_header_bytes)
        super()._start_asgi_task(cycle, app)

    def on_message_complete(self) -> None:
        """The body is whole."""
        self._disarm()
        self._in_header = self._completed = True
        if not self._answered:
            super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """The transport is gone."""
        self._disarm()
        self._standstill.stop()
        self._unpark()
        if self._admitted:
            self._admitted = False
            self.limits.admission.leave(self._address)
        takeover, self._takeover = self._takeover, None
        super().connection_lost(exc)
        if takeover is not None:
            takeover.closed()

    @property
    def _address(self) -> str:
        return self.client[0] if self.client else ""

    def _has_body(self) -> bool:
        return any(
            name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
            for name, value in self.headers
        )

    def _arm(self, seconds: float, status: int, reason: bytes) -> None:
        self._disarm()
        self._deadline = self.loop.call_later(seconds, self._refuse, status, reason)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _refuse(self, status: int, reason: bytes) -> None:
        self._deadline = None
        if not self.transport.is_closing():
            if self._may_still_answer():
                self.transport.write(refusal(status, reason))
            self.transport.close()

    def _may_still_answer(self) -> bool:
        """Whether the next byte on the wire would be the status of the request that came last."""
        running = self._running
        if running is None or running.response_complete:
            return True
        return running is self.cycle and not self._in_header and not running.response_started

    # Answers of its own -------------------------------------------------------------------------

    def _answer_here(self) -> bool:
        """Answer or park what needs no application, unless another request is being answered."""
        busy = self.cycle is not None and not self.cycle.response_complete
        large = self._fed > self.limits.max_header_bytes
        if self.ready is None or busy or large or self.flow.write_paused:
            return False
        if self.parser.get_method() != b"GET" or self.parser.get_http_version() != "1.1":
            return False
        if not self.parser.should_keep_alive():
            return False
        found = self.ready.find(self.url, self.headers, self._address)
        if isinstance(found, Answer):
            self._give(found)
        elif found is not None:
            self._park(found)
        return found is not None

    def _park(self, pending: Pending) -> None:
        self._parked = Parked(pending)
        self.cycle = self._running = self._parked
        pending.start(self._give)

    def _give(self, answer: Answer) -> None:
        if self._parked is not None:
            self._parked.response_complete = True
            self._parked = None
        if not self.transport.is_closing():
            self.transport.writelines(answer.wire(self.server_state.default_headers))
        self.on_response_complete()

    def _unpark(self) -> None:
        """The connection ends before the answer: nobody waits for it any more."""
        parked, self._parked = self._parked, None
        if parked is not None:
            parked.response_complete = True
            parked.pending.stop()

    # Taking over --------------------------------------------------------------------------------

    def take_over(
        self,
        takeover: Takeover,
        status: int,
        headers: list[tuple[bytes, bytes]],
        *,
        high_water: int,
    ) -> asyncio.Transport:
        """Send a response head and hand the transport to ``takeover`` for the rest of its life.

        The caller writes the body, in the framing that its headers name, and closes the transport.
        """
        if self._running is None:
            raise RuntimeError("there is no request to answer")
        self._running.response_started = self._running.response_complete = True
        self.pipeline.clear()  # requests behind this one: its answer has no end to wait for
        self.takeover_transport(takeover, high_water)
        head = [STATUS_LINE[status]]
        for name, value in [*self.server_state.default_headers, *headers]:
            head += [name, b": ", value, b"\r\n"]
        head.append(b"\r\n")
        self.transport.write(b"".join(head))
        return self.transport

    def takeover_transport(self, takeover: Takeover, high_water: int) -> None:
        """Give all further events of the transport to ``takeover``."""
        self._disarm()
        self._standstill.stop()
        self._unset_keepalive_if_required()
        self._takeover = takeover
        self.flow.resume_reading()
        self.transport.set_write_buffer_limits(high=high_water)

    def _unsupported_upgrade_warning(self) -> None:
        """An upgrade that no application took is answered as the plain request that it also is."""

    def pause_writing(self) -> None:
        """Above the high water mark: an answer has to be read, if slowly."""
        if self._takeover is not None:
            self._takeover.writing_paused()
        else:
            super().pause_writing()
            self._standstill.watch()

    def resume_writing(self) -> None:
        """Below the low water mark."""
        if self._takeover is not None:
            self._takeover.writing_resumed()
        else:
            super().resume_writing()
            self._standstill.stop()

    def shutdown(self) -> None:
        """The server stops: viewers are ended by their streams, requests by uvicorn."""
        if self._parked is not None:
            self._unpark()
            self.transport.write(refusal(503, b"the server stops", b"retry-after: 1"))
            self.transport.close()
        elif self._takeover is None:
            super().shutdown()


def connection_class(limits: HttpLimits, ready: Ready | None = None) -> type[HttpConnection]:
    """A connection class with these limits, as uvicorn makes connections from a class."""

    class LimitedHttpConnection(HttpConnection):
        pass

    LimitedHttpConnection.limits = limits
    LimitedHttpConnection.ready = ready
    return LimitedHttpConnection
