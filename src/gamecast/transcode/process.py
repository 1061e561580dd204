"""One worker process as the server sees it: started, written to, watched, ended."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections import deque
from collections.abc import Callable
from typing import Protocol, cast

import structlog

from gamecast.transcode.wire import Message, MessageKind, MessageReader, WireError, build_message

log = structlog.get_logger(__name__)

_MODULE = "gamecast.transcode.worker"
_START_SECONDS = 30.0
_HUNG_SECONDS = 10.0
_WATCH_SECONDS = 1.0
_END_SECONDS = 1.0
_PIPE_SECONDS = 0.5
_MAX_LINE_NUMBER = 0xFFFF
_LOGGED_LINES = 40
_LOGGED_BYTES = 300


class Line(Protocol):
    """One track's way through a worker, as its owner has it."""

    def worker_ready(self) -> None:
        """The worker takes messages now."""

    def receive_message(self, message: Message) -> None:
        """The worker says something about this line; may raise ``WireError``."""

    def worker_lost(self, reason: str, *, blamed: bool) -> None:
        """The process is gone; ``blamed`` if it died over a packet of this line."""


class WorkerProcess(asyncio.SubprocessProtocol):
    """A worker process and its lines. It lives once; a new one is another object."""

    def __init__(self, kind: str, *, on_idle: Callable[[WorkerProcess], None]) -> None:
        """``kind``: ``"audio"`` or ``"video"``. ``on_idle`` is called when no line is left."""
        self.kind = kind
        self.lines: dict[int, Line] = {}
        self.ready = False
        self.lost = False
        """It is gone or on its way out: attach nothing to it."""
        self._on_idle = on_idle
        self._loop = asyncio.get_running_loop()
        self._gone: asyncio.Future[None] = self._loop.create_future()
        self._transport: asyncio.SubprocessTransport | None = None
        self._stdin: asyncio.WriteTransport | None = None
        self._reader = MessageReader()
        self._said = _Stderr(kind)
        self._number = 0
        self._doing: deque[tuple[int, float]] = deque()
        self._watch: asyncio.TimerHandle | None = None
        self._started = 0.0

    @property
    def pid(self) -> int | None:
        """Of the process; ``None`` before it is started."""
        return self._transport.get_pid() if self._transport is not None else None

    async def start(self) -> None:
        """Start the process; raises ``OSError``. It is usable when ``ready``."""
        self._started = self._loop.time()
        await self._loop.subprocess_exec(
            lambda: self, sys.executable, "-m", _MODULE, self.kind, close_fds=True
        )
        self._watch = self._loop.call_later(_WATCH_SECONDS, self._look)

    async def close(self) -> None:
        """End the process, kindly if it listens, and wait until nothing of it is left."""
        if self._transport is None:
            return
        if not self._gone.done():
            self._stop("closed")
            if self._stdin is not None:
                self._stdin.close()
            await asyncio.wait([self._gone], timeout=_END_SECONDS)
        if not self._gone.done():
            self.kill("did not end")
        await self._gone

    def kill(self, reason: str) -> None:
        """End the process now."""
        self._stop(reason)
        if self._transport is not None and self._transport.get_returncode() is None:
            with contextlib.suppress(ProcessLookupError):
                self._transport.kill()

    # Lines --------------------------------------------------------------------------------------

    def attach(self, line: Line) -> int:
        """Give a line a number; it is told when the worker is ready, perhaps at once."""
        while True:
            self._number = self._number % _MAX_LINE_NUMBER + 1
            if self._number not in self.lines:
                break
        self.lines[self._number] = line
        return self._number

    def detach(self, number: int) -> None:
        """Take a line off. What the worker still sends for it is ignored."""
        if self.lines.pop(number, None) is not None and not self.lost:
            self.send(MessageKind.CLOSE, number)
            if not self.lines:
                self._on_idle(self)

    def send(self, kind: MessageKind, number: int, body: bytes = b"") -> None:
        """Send a message; never blocks. Nothing happens when the process is gone."""
        self.send_bytes(build_message(kind, number, body))

    def send_packet(self, number: int, message: bytes) -> None:
        """Send a PACKET message; its line is to blame if the worker dies before it is TAKEN."""
        self._doing.append((number, self._loop.time()))
        self.send_bytes(message)

    def send_bytes(self, message: bytes) -> None:
        """Send a built message."""
        if self._stdin is not None and not self.lost:
            self._stdin.write(message)

    # asyncio.SubprocessProtocol -----------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The process has been started."""
        # uvloop's transports are not instances of asyncio's classes.
        self._transport = cast("asyncio.SubprocessTransport", transport)
        self._stdin = cast("asyncio.WriteTransport", self._transport.get_pipe_transport(0))

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Messages from the worker, or words for the log."""
        if fd == 2:
            self._said.receive_data(data)
            return
        if self.lost:
            return
        try:
            for message in self._reader.receive_data(data):
                self._receive_message(message)
        except WireError as error:
            self.kill(f"speaks nonsense: {error}")

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        """A pipe is closed; without both the worker is of no use, and mostly it has ended."""
        if fd in (0, 1) and not self.lost:
            self._loop.call_later(_PIPE_SECONDS, self.kill, "closed its pipe")

    def process_exited(self) -> None:
        """The process has ended."""
        code = self._transport.get_returncode() if self._transport is not None else None
        self._stop(f"ended with status {code}")

    def connection_lost(self, exc: Exception | None) -> None:
        """The process has ended and its pipes are closed."""
        self._stop("ended")
        self._said.finish()
        if self._transport is not None:
            self._transport.close()
        if not self._gone.done():
            self._gone.set_result(None)

    # Inside -------------------------------------------------------------------------------------

    def _receive_message(self, message: Message) -> None:
        if message.kind is MessageKind.READY:
            self.ready = True
            for each in list(self.lines.values()):
                each.worker_ready()
            return
        if message.kind is MessageKind.TAKEN:
            if not self._doing or self._doing[0][0] != message.line:
                raise WireError("TAKEN for a packet that was not sent")
            self._doing.popleft()
            if self._doing:  # it begins with the next one only now
                self._doing[0] = (self._doing[0][0], self._loop.time())
        line = self.lines.get(message.line)
        if line is not None:
            line.receive_message(message)

    def _stop(self, reason: str) -> None:
        """Tell the lines, once."""
        if self.lost:
            return
        self.lost = True
        if self._watch is not None:
            self._watch.cancel()
        blamed = self._doing[0][0] if self._doing else None
        lines, self.lines = self.lines, {}
        for number, line in lines.items():
            line.worker_lost(f"{self.kind} worker {reason}", blamed=number == blamed)
        self._on_idle(self)

    def _look(self) -> None:
        now = self._loop.time()
        self._watch = self._loop.call_later(_WATCH_SECONDS, self._look)
        if not self.ready and now - self._started > _START_SECONDS:
            self.kill("did not start")
        elif self.ready and self._doing and now - self._doing[0][1] > _HUNG_SECONDS:
            self.kill("hangs")


class _Stderr:
    """What a worker writes to standard error, in the log: few lines, and short ones."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._line = b""
        self._left = _LOGGED_LINES

    def receive_data(self, data: bytes) -> None:
        *lines, rest = (self._line + data[: 64 * 1024]).split(b"\n")
        self._line = rest[:_LOGGED_BYTES]
        for line in lines:
            self._log(line)

    def finish(self) -> None:
        self._log(self._line)
        self._line = b""

    def _log(self, line: bytes) -> None:
        text = line[:_LOGGED_BYTES].decode("utf-8", "replace").strip()
        if text and self._left:
            self._left -= 1
            log.warning("transcode.worker_says", worker=self._kind, line=text)
