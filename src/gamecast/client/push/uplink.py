"""UplinkDestination: what every destination on a network does, whatever its protocol.

It queues, drops by rule, connects, keeps at it, ends in an orderly way. A protocol adds how a
connection is opened (``_open``), which is then a :class:`Link`.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import Literal, Protocol

from gamecast.client.push.destination import Metadata
from gamecast.client.push.network import NetworkThread
from gamecast.client.push.queue import SendQueue
from gamecast.client.push.retry import Backoff
from gamecast.client.push.stats import DestinationStats, State
from gamecast.media.packet import Packet
from gamecast.media.track import Kind, Track

STALL = 10.0
"""Seconds without a byte going out, while some wait, after which the connection is given up."""
WATCH = 0.5
"""Seconds between looks at the connection."""
MAX_MOVES = 3
"""Redirections in a row that are followed without a pause."""


class LinkError(Exception):
    """The connection failed or ended; the message is the server's or the system's reason."""

    def __init__(self, message: str, *, refused: bool = False, move_to: str | None = None) -> None:
        """``refused``: the server said no. ``move_to``: the URL where it wants us instead."""
        super().__init__(message)
        self.refused = refused
        self.move_to = move_to


def key_refused(reason: str) -> LinkError:
    """The server does not let us publish, for which a wrong key is the usual reason."""
    return LinkError(f"refused: {reason}; is the stream key right?", refused=True)


def settle(
    started: asyncio.Future[None], over: asyncio.Future[LinkError], error: LinkError
) -> None:
    """Say once that a link has ended: to whoever waits for its end, or still for its start."""
    if not over.done():
        over.set_result(error)
    if not started.done():
        started.set_exception(error)
        started.exception()  # seen: nobody may be waiting for it any more


def tls_problem(error: ssl.SSLError) -> str:
    """What went wrong with TLS, in one line."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the server's certificate is not trusted: {error.verify_message}"
    return f"TLS: {error.reason or error}"


class Link(Protocol):
    """One connection that takes media."""

    over: asyncio.Future[LinkError]
    """Why it ended."""

    @property
    def writable(self) -> bool:
        """Whether it takes more now; ``on_writable`` is called when it does again."""

    def send(self, packet: Packet) -> None:
        """Write one packet."""

    def bytes_sent(self) -> int:
        """Bytes that the network has taken."""

    def backlog(self) -> int:
        """Bytes that it has not taken yet."""

    def round_trip_time(self) -> float | None:
        """Seconds, where it is known."""

    def describe(self, stats: DestinationStats) -> None:
        """Put what else is known of the connection into the statistics."""

    def say_goodbye(self) -> None:
        """End in an orderly way when everything is sent."""

    def abort(self) -> None:
        """Close now."""


class UplinkDestination:
    """Connects, sends, drops by rule, reconnects. Lives in the network thread's loop."""

    def __init__(
        self,
        shown: str,
        network: NetworkThread,
        *,
        on_change: Callable[[], None],
        keep_trying: bool = False,
    ) -> None:
        """``on_change`` is called, in the loop's thread, when ``stats.state`` has changed.

        Without ``keep_trying`` a first connection that fails is final; one that was live
        is always tried again.
        """
        self.stats = DestinationStats(shown)
        self._network = network
        self._on_change = on_change
        self._keep_trying = keep_trying
        self._queue = SendQueue()
        self._backoff = Backoff()
        self._has_video = True
        self._link: Link | None = None
        self._await_keyframe = True
        self._was_live = False
        self._sent_before = 0
        self._finishing = asyncio.Event()
        self._drained = asyncio.Event()
        self._task: Future[None] | None = None

    # From other threads -------------------------------------------------------------------------

    def start(self, tracks: Sequence[Track], metadata: Metadata) -> None:
        """Begin to connect."""
        self._has_video = any(track.kind is Kind.VIDEO for track in tracks)
        self._prepare(tracks, metadata)
        self._task = self._network.submit(self._serve())

    def write(self, packet: Packet) -> None:
        """Take one packet."""
        self._network.call(self._accept, packet)

    def finish(self, timeout: float) -> None:
        """Send what waits, say goodbye."""
        if self._task is None:
            return
        self._network.call(self._finishing.set)
        with suppress(TimeoutError):
            self._task.result(timeout)
        self._task.cancel()

    # In the loop --------------------------------------------------------------------------------

    def _accept(self, packet: Packet) -> None:
        if self._link is None:
            self.stats.frames_dropped += packet.is_video and self._was_live
            return
        if self._await_keyframe:
            if not (packet.is_video and packet.keyframe):
                return
            self._await_keyframe = False
        self._queue.push(packet)
        self._pump()

    def _pump(self) -> None:
        """Hand packets to the kernel while it takes them."""
        link = self._link
        while link is not None and link.writable:
            packet = self._queue.pop()
            if packet is None:
                break
            link.send(packet)
            self.stats.frames_sent += packet.is_video
        if link is not None and link.writable:
            self._drained.set()
        else:
            self._drained.clear()
        self._count()

    def _count(self) -> None:
        stats, queue = self.stats, self._queue
        if self._link is not None:
            stats.bytes_sent = self._sent_before + self._link.bytes_sent()
        stats.frames_dropped += queue.take_dropped()
        stats.queue_seconds = queue.duration()
        stats.queue_bytes = queue.bytes

    async def _serve(self) -> None:
        moves = 0
        while not self._finishing.is_set():
            self._change(State.CONNECTING if not self._was_live else State.RECONNECTING)
            try:
                await self._session()
                break
            except LinkError as error:
                self.stats.problem = self._scrub(str(error))
                if not self._was_live and not self._keep_trying and not error.move_to:
                    self._change(State.FAILED)
                    return
                moves = moves + 1 if self._follow(error) else MAX_MOVES
                delay = 0.0 if moves < MAX_MOVES else self._backoff.next()
            self._change(State.RECONNECTING)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._finishing.wait(), delay)
        self._change(State.ENDED)

    # For the protocol ---------------------------------------------------------------------------

    def _prepare(self, tracks: Sequence[Track], metadata: Metadata) -> None:
        """Take note of what will be sent."""
        raise NotImplementedError

    async def _open(self) -> Link:
        """Connect and wait until the server takes media. Raises ``LinkError``."""
        raise NotImplementedError

    def _scrub(self, text: str) -> str:
        """What a server said, without our secrets."""
        return text

    def _follow(self, error: LinkError) -> bool:
        """Go where the server wants us; ``False`` where it does not say or makes no sense."""
        return False

    # One connection -----------------------------------------------------------------------------

    async def _session(self) -> None:
        """One connection, until the push ends. Raises ``LinkError`` when it is lost."""
        opening = asyncio.ensure_future(self._open())
        ending = asyncio.ensure_future(self._finishing.wait())
        try:
            await asyncio.wait((opening, ending), return_when=asyncio.FIRST_COMPLETED)
            if not opening.done():
                return
            link = opening.result()
            try:
                await self._live(link, ending)
            finally:
                self._leave(link)
        finally:
            for task in (opening, ending):
                task.cancel()
            await asyncio.gather(opening, ending, return_exceptions=True)

    async def _live(self, link: Link, ending: asyncio.Future[Literal[True]]) -> None:
        self._enter(link)
        watching = asyncio.ensure_future(self._watch(link))
        try:
            await asyncio.wait((link.over, ending, watching), return_when=asyncio.FIRST_COMPLETED)
            if link.over.done():
                raise link.over.result()
            if watching.done():
                raise LinkError(f"nothing could be sent for {STALL:.0f} seconds")
            await self._end(link)
        finally:
            watching.cancel()

    def _enter(self, link: Link) -> None:
        self._link = link
        self._queue = SendQueue()
        self._await_keyframe = self._has_video
        self.stats.reconnects += self._was_live
        self._was_live = True
        self._backoff.reset()
        self.stats.problem = ""
        self._change(State.LIVE)

    def _leave(self, link: Link) -> None:
        self._sent_before += link.bytes_sent()
        self._link = None
        link.abort()
        self._queue.clear()
        self._count()
        self.stats.rtt = self.stats.bandwidth = None

    async def _watch(self, link: Link) -> None:
        """Return when the connection makes no progress though something waits."""
        loop = asyncio.get_running_loop()
        last_bytes, last_at = link.bytes_sent(), loop.time()
        while True:
            await asyncio.sleep(WATCH)
            self._count()
            self.stats.rtt = link.round_trip_time()
            link.describe(self.stats)
            sent = link.bytes_sent()
            if sent != last_bytes or not (link.backlog() or self._queue):
                last_bytes, last_at = sent, loop.time()
            elif loop.time() - last_at > STALL:
                return

    async def _end(self, link: Link) -> None:
        """Drain, say goodbye, and wait until the server has it all (or is gone)."""
        self._pump()
        drained = asyncio.ensure_future(self._drained.wait())
        try:
            await asyncio.wait((drained, link.over), return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            left = self._queue.duration()
            self.stats.problem = f"takes no more data: the last {left:.1f} s did not get there"
            self._change(State.FAILED)
            raise
        finally:
            drained.cancel()
        if link.over.done():
            raise link.over.result()
        self._count()
        link.say_goodbye()
        await asyncio.wait((link.over,), timeout=2.0)
        self.stats.served_to_end = True

    def _change(self, state: State) -> None:
        if self.stats.state is not state:
            self.stats.state = state
            self._on_change()
