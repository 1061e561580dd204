"""The LL-HLS rendition of a stream: the packager, and those who wait for its next part."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence

from gamecast.media.packet import Packet
from gamecast.media.track import Track
from gamecast.packaging.hls import HlsPackager, HlsSettings
from gamecast.packaging.playlist import MediaPlaylist
from gamecast.relay.stream import Stream

KEY = "hls"

_UNWATCHED_SECONDS = 30.0
_PRESENT_SECONDS = 15.0
_MOST_COUNTED = 100_000


class HlsRendition:
    """Feeds the packager and wakes those who wait. Closed when nobody has asked for a while."""

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
        self._waiting: list[asyncio.Future[None]] = []
        self._asked_at = self._clock()
        self._seen: dict[int, float] = {}
        for packet in stream.cached(at_least_seconds=settings.part_hold_back + 0.5):
            self.packager.write(packet)

    # Rendition ----------------------------------------------------------------------------------

    def write(self, packet: Packet) -> None:
        """Take a packet; wake everybody if it completed a part."""
        if self.packager.write(packet):
            self._wake()

    def change_tracks(self, tracks: Sequence[Track]) -> None:
        """A discontinuity and a new initialisation segment."""
        self.packager.change_tracks(tracks)
        self._wake()

    def resume(self) -> None:
        """A discontinuity: another session of the publisher."""
        self.packager.discontinue()
        self._wake()

    def finish(self, reason: str) -> None:
        """ENDLIST."""
        self.packager.finish()
        self._wake()
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
        return not self._waiting and self._clock() - self._asked_at > _UNWATCHED_SECONDS

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

    async def reach(self, msn: int, part: int, *, patience: float) -> bool:
        """Wait until the playlist contains this part; ``False`` if it does not in time."""
        try:
            async with asyncio.timeout(patience):
                while not self.packager.reached(msn, part):
                    await self._change()
        except TimeoutError:
            return False
        return True

    async def playable(self, *, patience: float) -> bool:
        """Wait until there is a first part."""
        try:
            async with asyncio.timeout(patience):
                while not self.packager.playable:
                    await self._change()
        except TimeoutError:
            return False
        return True

    async def _change(self) -> None:
        future = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        try:
            await future
        except asyncio.CancelledError:
            if future in self._waiting:
                self._waiting.remove(future)
            raise

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)
