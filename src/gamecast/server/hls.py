"""The LL-HLS rendition of a stream: the packager, and those who wait for its next part."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Hashable, Sequence
from typing import Any, TypeVar

from gamecast.media.packet import Packet
from gamecast.media.track import Track
from gamecast.packaging.hls import HlsPackager, HlsSettings
from gamecast.packaging.playlist import MediaPlaylist
from gamecast.relay.stream import Stream
from gamecast.server.convert import MakeConverter
from gamecast.server.hls_waiting import WaitingRoom
from gamecast.server.needs import HLS
from gamecast.server.outlet import Outlet

T = TypeVar("T")

KEY = "hls"

_UNWATCHED_SECONDS = 30.0
_PRESENT_SECONDS = 15.0
_MOST_COUNTED = 100_000


class HlsRendition:
    """Feeds the packager and tells those who wait. Closed when nobody has asked for a while."""

    def __init__(
        self,
        stream: Stream,
        settings: HlsSettings,
        *,
        on_finish: Callable[[HlsRendition], None] = lambda _: None,
    ) -> None:
        """Starts from the cached group, so that the first playlist has something to play.

        ``on_finish`` is told when the stream is over: players still want the rest of it.
        """
        self._on_finish = on_finish
        self._clock = stream.clocks.monotonic
        elapsed = stream.clocks.monotonic() - stream.started_monotonic
        self.packager = HlsPackager(
            stream.main_tracks,
            settings,
            # Segments are a second or longer, so this is beyond what an earlier rendition reached.
            first_msn=int(elapsed / min(1.0, settings.segment)),
            keyframe_seconds=stream.keyframe_interval,
        )
        self.playlist = MediaPlaylist(self.packager, epoch=secrets.token_hex(8))
        self.epoch = self.playlist.epoch
        self.waiting = WaitingRoom(clock=self._clock)
        self._made: dict[Hashable, Any] = {}
        self._asked_at = self._clock()
        self._seen: dict[int, float] = {}
        for packet in stream.cached(at_least_seconds=settings.part_hold_back + 0.5):
            self.packager.write(packet)

    # Rendition ----------------------------------------------------------------------------------

    def write(self, packet: Packet) -> None:
        """Take a packet; tell those who wait for the part that it completed."""
        if self.packager.write(packet):
            self._changed()

    def change_tracks(self, tracks: Sequence[Track]) -> None:
        """A discontinuity and a new initialisation segment."""
        self.packager.change_tracks(tracks)
        self._changed()

    def resume(self) -> None:
        """A discontinuity: another session of the publisher."""
        self.packager.discontinue()
        self._changed()

    def finish(self, reason: str) -> None:
        """ENDLIST."""
        self.packager.finish()
        self._changed()
        self._on_finish(self)

    def tick(self, now: float) -> None:
        """Forget those who have gone."""
        gone = [who for who, at in self._seen.items() if now - at > _PRESENT_SECONDS]
        for who in gone:
            del self._seen[who]

    def audience(self) -> dict[str, int]:
        """Players that asked for something lately."""
        return {KEY: len(self._seen)} if self._seen else {}

    @property
    def unwatched(self) -> bool:
        """Nobody has asked for anything for a while."""
        return not len(self.waiting) and self._clock() - self._asked_at > _UNWATCHED_SECONDS

    # For the HTTP side --------------------------------------------------------------------------

    def seen(self, who: int) -> None:
        """Somebody (a hash of address and player) asked for something."""
        self._asked_at = self._clock()
        if len(self._seen) < _MOST_COUNTED or who in self._seen:
            self._seen[who] = self._asked_at

    def piece(self, msn: int, part: int | None = None) -> bytes | None:
        """A part, or a whole segment, that exists and is still kept."""
        segment = self.packager.segment(msn)
        if segment is None:
            return None
        if part is not None:
            return segment.parts[part].data if part < len(segment.parts) else None
        return segment.data if segment.duration is not None else None

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What ``make`` returns: made once, the same object for everybody until a part is added.

        ``key`` says what it is; peers must not choose it freely.
        """
        if key not in self._made:
            self._made[key] = make()
        made: T = self._made[key]
        return made

    @property
    def patience(self) -> float:
        """Seconds that a request may wait: three target durations (section 6.2.5.2)."""
        return 3.0 * self.packager.target_duration

    async def reach(self, msn: int, part: int) -> bool:
        """Wait until the playlist contains this part; ``False`` if it does not in time."""
        if self.packager.reached(msn, part):
            return True
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

        def told(in_time: bool) -> None:
            if not future.done():
                future.set_result(in_time)

        self.waiting.enter(msn, part, told, patience=self.patience)
        try:
            return await future
        finally:
            self.waiting.leave(msn, part, told)

    async def playable(self) -> bool:
        """Wait until there is a first part; ``False`` if there is none in time."""
        if not self.packager.playable:
            await self.reach(*self.packager.position)
        return self.packager.playable

    def _changed(self) -> None:
        self._made.clear()
        self.waiting.release(self.packager.reached)


def hls_outlet(
    stream: Stream,
    settings: HlsSettings,
    *,
    convert: MakeConverter | None,
    on_finish: Callable[[HlsRendition], None],
) -> Outlet[HlsRendition]:
    """The stream's outlet for HLS; the first player makes it."""

    def make(source: Stream) -> HlsRendition:
        return HlsRendition(source, settings, on_finish=on_finish)

    return stream.rendition(KEY, lambda: Outlet(stream, KEY, needs=HLS, make=make, convert=convert))


def find_hls(stream: Stream) -> HlsRendition | None:
    """The stream's HLS rendition, if somebody watches it."""
    outlet = stream.find_rendition(KEY)
    rendition = outlet.rendition if isinstance(outlet, Outlet) else None
    return rendition if isinstance(rendition, HlsRendition) else None
