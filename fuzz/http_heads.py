"""The target for HTTP requests: our connection, with uvicorn below it, on a transport of memory."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Sequence

from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.server import ServerState

from gamecast.net.admission import Admission
from gamecast.server.http.connection import HttpLimits, connection_class

TURNS = 20
"""Of the loop: enough for an answer to each of the requests that may wait."""


class MemoryTransport(asyncio.Transport):
    """Keeps what is written; closing takes effect at once, as for a peer that has read all."""

    def __init__(self) -> None:
        super().__init__({"peername": ("198.51.100.7", 40_000), "sockname": ("192.0.2.1", 80)})
        self.written = bytearray()
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not self.closed:  # what comes later is dropped, as asyncio does
            self.written += data

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        """All is there anyway."""

    def resume_reading(self) -> None:
        """See above."""


async def _ok(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("ok")(scope, receive, send)


@functools.cache
def _config() -> tuple[asyncio.AbstractEventLoop, Config]:
    admission = Admission(most=1, most_per_address=1)
    limits = HttpLimits(header_timeout=60, idle_timeout=60, admission=admission)
    config = Config(_ok, http=connection_class(limits), ws="none", lifespan="off", log_config=None)
    config.load()
    return asyncio.new_event_loop(), config


def http_heads(data: bytes) -> None:
    """A connection that says this, in two pieces: it is answered, refused, or waits for more.

    An exception in the application would be a 500, which is no answer here.
    """
    answers = answers_to(data[: len(data) // 2], data[len(data) // 2 :])
    assert not answers or answers.startswith((b"HTTP/1.1 200 ", b"HTTP/1.1 4"))
    assert answers.count(b"HTTP/1.1 ") <= 1 + data.count(b"\n")


def answers_to(*parts: bytes) -> bytes:
    """Everything that a connection of its own says to these bytes, which come one by one."""
    loop, config = _config()
    return loop.run_until_complete(_talk(parts, config))


async def _talk(parts: Sequence[bytes], config: Config) -> bytes:
    transport = MemoryTransport()
    connection = config.http_protocol_class(  # type: ignore[call-arg]
        config=config, server_state=ServerState(), app_state={}
    )
    connection.connection_made(transport)
    for part in parts:
        if part and not transport.closed:
            connection.data_received(part)
        for _ in range(TURNS):
            await asyncio.sleep(0)
    connection.connection_lost(None)
    return bytes(transport.written)
