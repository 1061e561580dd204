"""An SRT player: a viewer of the stream's TS rendition."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from gamecast.packaging.ts import TsPackager
from gamecast.protocols.srt import Connection, chunk_size
from gamecast.relay.lane import plain
from gamecast.relay.pace import Pace
from gamecast.relay.rendition import FlowRendition
from gamecast.relay.stream import Stream
from gamecast.relay.viewer import Viewer
from gamecast.server.convert import MakeConverter
from gamecast.server.flow import flow_outlet
from gamecast.server.needs import TS

KEY = "ts"
"""The rendition that HTTP-TS viewers share too."""
_BURST_RATE = 6_000_000
"""Bytes per second at which what has piled up (the group at the start) goes out, at least."""
_BURST_FACTOR = 3
_MAX_STEP = 0.05
_FULL, _LOW = 4 * 1024 * 1024, 1024 * 1024


class SrtPlayer:
    """Cuts flushed bytes into payloads; sends them at once, or paced while some wait.

    The group that a viewer begins with would overrun a router's queue if it left in one burst.
    """

    def __init__(
        self,
        connection: Connection,
        stream: Stream,
        *,
        address: str,
        pace: Pace,
        convert: MakeConverter | None,
        flush: Callable[[], None],
        ended: Callable[[str], None],
    ) -> None:
        """``flush`` sends what the connection has; ``ended``: the viewer has got all it will."""
        self._connection = connection
        self._size = chunk_size(connection)
        self._stream = stream
        self._pace = pace
        self._convert = convert
        self._left = False
        self._flush = flush
        self._ended = ended
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._pumped_at = 0.0
        self._finishing: str | None = None
        self._full = False
        self._rendition: FlowRendition | None = None
        self.viewer = Viewer(protocol="srt", sink=self, address=address, since=stream.clocks.wall())

    @property
    def channel(self) -> str:
        """What is watched."""
        return self._stream.name

    async def join(self) -> None:
        """Start, as soon as there is what a transport stream can carry: current group, then live.

        The connection is there already, for callers give up sooner than a converter may start.
        """
        outlet = flow_outlet(
            self._stream, KEY, TsPackager, self._pace, needs=TS, convert=self._convert
        )
        async with outlet.awaited() as rendition:
            if self._left:
                return
            if rendition is None:
                self._ended("no converter")
                return
            self._pumped_at = self._stream.clocks.monotonic()
            self._rendition = rendition
            rendition.join(self.viewer, plain)

    def leave(self) -> None:
        """Stop watching."""
        self._left = True
        rendition, self._rendition = self._rendition, None
        if rendition is not None:
            rendition.leave(self.viewer)
            self._stream.release(KEY)

    # Sink ---------------------------------------------------------------------------------------

    @property
    def write(self) -> Callable[[bytes], None]:
        """Takes whole transport packets."""
        return self._write

    def write_burst(self, pieces: list[bytes]) -> None:
        """As one, so that it is paced as a whole."""
        self._write(b"".join(pieces))

    def backlog(self) -> int:
        """Bytes not yet sent once."""
        return self._waiting_bytes + self._connection.unsent * self._size

    def finish(self, reason: str) -> None:
        """End after what waits has been sent, or at once when the viewer does not keep up."""
        self._finishing = reason
        if self._full or not self._waiting:
            self._ended(reason)

    # Sending ------------------------------------------------------------------------------------

    def _write(self, data: bytes) -> None:
        now = self._stream.clocks.monotonic()
        size = self._size
        payloads = [data[at : at + size] for at in range(0, len(data), size)]
        if self._waiting or len(data) > _BURST_RATE * _MAX_STEP or self._connection.unsent:
            self._waiting.extend(payloads)
            self._waiting_bytes += len(data)
            self.pump(now)
            return
        for payload in payloads:
            self._connection.send(payload, now)
        self._flush()

    def pump(self, now: float) -> None:
        """Send a part of what waits; called every few milliseconds."""
        if not self._waiting:
            self._pumped_at = now
            return
        rate = max(_BURST_RATE, _BURST_FACTOR * self._stream.bitrate / 8)
        room = rate * min(now - self._pumped_at, _MAX_STEP)
        self._pumped_at = now
        while self._waiting and room > 0 and not self._connection.unsent:
            payload = self._waiting.popleft()
            self._waiting_bytes -= len(payload)
            room -= len(payload)
            self._connection.send(payload, now)
        self._flush()
        self._judge(now)
        if not self._waiting and self._finishing is not None:
            self._ended(self._finishing)

    def _judge(self, now: float) -> None:
        """Tell the rendition when too much waits, and when that is over."""
        backlog = self.backlog()
        if self._full != (backlog > (_LOW if self._full else _FULL)):
            self._full = not self._full
            self.viewer.set_full(self._full, now)
