"""Outlets: a rendition, and whatever has to be converted before it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

from gamecast.media.packet import Packet
from gamecast.media.track import Codec, Kind, Track
from gamecast.relay.rendition import Rendition
from gamecast.relay.stream import Stream
from gamecast.server.convert import MakeConverter
from gamecast.server.derived import DerivedStream, derive
from gamecast.server.needs import Needs

R = TypeVar("R", bound=Rendition)

PATIENCE = 5.0
"""Seconds that a viewer waits for a converter to start."""
_GROUP_SECONDS = 2.5
"""Longest group before a publisher that can be asked is asked for a keyframe: a browser sends none
by itself, HLS has to cut at them, and who comes next is to begin with one."""


class Outlet(Generic[R]):
    """Stands in a stream where the rendition would, and feeds it.

    While nothing needs converting it hands on what the stream brings. Otherwise the rendition is
    fed by a derived stream; when the stream's tracks change so that this changes, the rendition is
    moved and its viewers go on: they are told of other tracks, as they are of any.
    """

    def __init__(
        self,
        stream: Stream,
        key: str,
        *,
        needs: Needs,
        make: Callable[[Stream], R],
        convert: MakeConverter | None,
    ) -> None:
        """``make`` makes the rendition from the cached group of the stream that is to feed it.

        ``convert``: ``None`` to let everything go as it is.
        """
        self.rendition: R | None = None
        self._stream = stream
        self._key = key
        self._needs = needs
        self._make = make
        self._convert = convert
        self._steps: tuple[Codec, ...] = ()
        self._derived: DerivedStream | None = None
        self._fed = asyncio.Event()
        self._keyframe_at = stream.clocks.monotonic()
        self._picture: Track | None = None
        self._shown: dict[int, tuple[int, int]] = {}
        self._over = False
        self._waiting = 0
        self._route(stream.main_tracks)

    @property
    def source(self) -> Stream:
        """What feeds the rendition: the stream, or what is derived of it."""
        return self._stream if self._derived is None else self._derived.stream

    @asynccontextmanager
    async def awaited(self) -> AsyncIterator[R | None]:
        """The rendition, fed; ``None`` if it is not within :data:`PATIENCE` seconds.

        Inside, it is kept though nobody has joined it; at the end it is let go of if nobody has.
        """
        self._waiting += 1
        try:
            if not self._fed.is_set():
                await self._wait()
            yield self.rendition if self._fed.is_set() and not self._over else None
        finally:
            self._waiting -= 1
            self._stream.release(self._key)

    # Rendition ----------------------------------------------------------------------------------

    def write(self, packet: Packet) -> None:
        """Hand on a packet that needs no converting."""
        if self._derived is None:
            self._show(packet)

    def change_tracks(self, tracks: Sequence[Track]) -> None:
        """Other tracks may need other converters, or none."""
        self._route(tracks)

    def resume(self) -> None:
        """The publisher is back; a derived stream says so itself, when its keyframe has come."""
        if self._derived is None and self.rendition is not None:
            self.rendition.resume()

    def finish(self, reason: str) -> None:
        """The stream is over; a derived stream has a little more, and then says so itself."""
        fed_by_derived = self._derived is not None and self._fed.is_set()
        if self.rendition is not None and not fed_by_derived:
            self.rendition.finish(reason)
        self._over = True
        self._fed.set()

    def tick(self, now: float) -> None:
        """The rendition's; a keyframe, and another converter, where the last was long ago."""
        if self._derived is not None and self._derived.over:
            self._steps = ()
            self._route(self._stream.main_tracks)
        if self._picture is not None and now - self._keyframe_at > _GROUP_SECONDS:
            self.source.request_keyframe()
        if self.rendition is not None:
            self.rendition.tick(now)

    def audience(self) -> dict[str, int]:
        """The rendition's."""
        return self.rendition.audience() if self.rendition is not None else {}

    @property
    def unwatched(self) -> bool:
        """Nobody watches or waits."""
        if self._waiting or not (self.rendition is None or self.rendition.unwatched):
            return False
        self._detach()
        return True

    # Inside -------------------------------------------------------------------------------------

    async def _wait(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await self._fed.wait()

    def _route(self, tracks: Sequence[Track]) -> None:
        """Find out where the rendition is to be fed from, and go there."""
        steps = self._needs.steps(tracks) if self._convert is not None else ()
        if steps and steps == self._steps:
            return  # what feeds it is told of the change by its own parent
        if self._derived is not None:
            self._derived.flush()  # pictures that wait for sound: the next ones refer to them
        derived = None
        if steps and self._convert is not None:  # before the old one may go: they share encoders
            derived = self._derive(steps, tracks, self._convert)
        self._detach()
        self._steps, self._derived = steps, derived
        if derived is not None:
            derived.tell(self._attach)
        else:
            self._feed_from(self._stream, tracks)

    def _derive(
        self, steps: Sequence[Codec], tracks: Sequence[Track], convert: MakeConverter
    ) -> DerivedStream:
        """One stream of another, a step at a time; workers of all steps start at once."""
        first, *more = steps
        derived = derive(self._stream, first, track=_source(first, tracks), convert=convert)
        for codec in more:
            derived = derive(derived.stream, codec, track=_source(codec, tracks), convert=convert)
        return derived

    def _attach(self) -> None:
        """What is derived is ready."""
        source, is_new = self.source, self.rendition is None
        self._feed_from(source, source.main_tracks)
        for packet in [] if is_new else source.cached():
            self._show(packet)
        assert self.rendition is not None
        tap = _Tap(self.rendition, self._show)
        source.rendition(self._key, lambda: tap)

    def _feed_from(self, source: Stream, tracks: Sequence[Track]) -> None:
        if self.rendition is None:
            self.rendition = self._make(source)
            self._picture = next((each for each in tracks if each.kind is Kind.VIDEO), None)
            if not source.cached():
                source.request_keyframe()
        else:
            self.rendition.change_tracks(tracks)
        self._fed.set()

    def _show(self, packet: Packet) -> None:
        """Write what viewers have not had already, and can decode: after a move the picture may be
        another one, which has to begin with a keyframe, or the same one, which just goes on."""
        track = packet.track
        if self.rendition is None or self._had(packet):
            return
        if packet.is_video and track is not self._picture:
            if track != self._picture and not packet.keyframe:
                return
            self._picture = track
        if packet.is_video and packet.keyframe:
            self._keyframe_at = self._stream.clocks.monotonic()
        self._shown[track.id] = packet.dts, track.clock_rate
        self.rendition.write(packet)

    def _had(self, packet: Packet) -> bool:
        dts, clock_rate = self._shown.get(packet.track.id, (-1, 1))
        return packet.dts * clock_rate <= dts * packet.track.clock_rate

    def _detach(self) -> None:
        derived, self._derived = self._derived, None
        self._steps = ()
        if derived is not None:
            derived.forget(self._attach)
            derived.stream.remove(self._key)
        self._fed.clear()


class _Tap:
    """A rendition of a derived stream that feeds an outlet's; viewers are the outlet's matter."""

    unwatched = False
    """The outlet takes it out."""

    def __init__(self, rendition: Rendition, write: Callable[[Packet], None]) -> None:
        self.write = write
        self.change_tracks = rendition.change_tracks
        self.resume = rendition.resume
        self.finish = rendition.finish

    def tick(self, now: float) -> None:
        """The outlet does that."""

    def audience(self) -> dict[str, int]:
        """The outlet counts."""
        return {}


def _source(codec: Codec, tracks: Sequence[Track]) -> Track:
    """The track that a step turns into ``codec``."""
    kind = Kind.VIDEO if codec is Codec.H264 else Kind.AUDIO
    return next(track for track in tracks if track.kind is kind)
