"""Stream: what one publisher publishes under one name, and the renditions made of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import TypeVar

from gamecast.media.errors import MediaError
from gamecast.media.group import GroupCache
from gamecast.media.packet import Packet
from gamecast.media.reorder import ReorderMeter
from gamecast.media.timing import Timeline
from gamecast.media.track import Kind, Track
from gamecast.relay.publisher import Publisher
from gamecast.relay.rendition import Rendition

R = TypeVar("R", bound=Rendition)

MAIN_TRACKS = 2
"""Tracks 0 and 1 are the picture and sound that renditions carry; others are kept for later."""

_SILENT_SECONDS = 5.0
_BITRATE_BURST = 1.5
"""Peaks above ``max_bitrate`` that the seconds-long measurement may show."""


@dataclass(slots=True, frozen=True, kw_only=True)
class Clocks:
    """Where time comes from, so that tests can hold it."""

    monotonic: Callable[[], float]
    """Seconds, for every decision."""
    wall: Callable[[], float]
    """Unix seconds, only for what people and players read."""


@dataclass(slots=True, frozen=True, kw_only=True)
class StreamLimits:
    """Times and sizes of one stream."""

    grace_seconds: float = 10.0
    ready_seconds: float = 1.0
    """Media to wait for a second kind of track before a stream counts as audio- or video-only."""
    group_seconds: float = 30.0
    group_bytes: int = 64 * 1024 * 1024
    takeovers_per_minute: int = 20
    max_bitrate: int = 0
    """Bits per second above which a publisher is refused; 0 for none."""


class StreamEvent(Enum):
    """What happens to a stream; the value is the word that pages and logs use."""

    STARTED = "started"
    TRACKS_CHANGED = "config_changed"
    PUBLISHER_LOST = "publisher_lost"
    PUBLISHER_BACK = "publisher_back"
    ENDED = "ended"


Notify = Callable[["Stream", StreamEvent], None]


class Ingest:
    """A publisher's hand on its stream. After a take-over it is dead and its writes do nothing."""

    def __init__(self, stream: Stream, publisher: Publisher) -> None:
        self.stream = stream
        self.publisher = publisher
        self.alive = True

    def write(self, packet: Packet) -> None:
        """Hand over one packet, timestamps as the publisher has them. Plain call, never awaits.

        Raises ``MediaError`` at a keyframe of a publisher that sends more than it may: close it.
        """
        if self.alive:
            self.stream.write(packet)
            if packet.is_video and packet.keyframe:
                self.stream.check_bitrate()

    def lost(self, reason: str) -> None:
        """The connection broke: viewers keep theirs for the grace time."""
        if self.alive:
            self.alive = False
            self.stream.publisher_lost(reason)

    def stop(self, reason: str) -> None:
        """The publisher said goodbye. Encoders also say it before a planned reconnect, and a
        person who pressed "stop" by mistake presses "start": the grace time applies alike."""
        self.lost(reason)


class Stream:
    """Tracks, the current group and the renditions. Packets come in by :class:`Ingest`.

    Its timeline is continuous across publishers: a publisher that returns within the grace time
    goes on where the last one stopped, so that no viewer has to reconnect.
    """

    def __init__(
        self, name: str, *, title: str, clocks: Clocks, limits: StreamLimits, notify: Notify
    ) -> None:
        self.name = name
        self.title = title
        self.clocks = clocks
        self.started_at = clocks.wall()
        self.started_monotonic = clocks.monotonic()
        self.tracks: dict[int, Track] = {}
        self.meters: dict[int, ReorderMeter] = {}
        self.ready = False
        self.publisher: Publisher | None = None
        self.last_publisher: Publisher | None = None
        self.ended = False
        self._limits = limits
        self._notify = notify
        self._ingest: Ingest | None = None
        self._timeline = Timeline()
        self._cache = self._new_cache()
        self._renditions: dict[str, Rendition] = {}
        self._lost_at: float | None = None
        self._takeovers: list[float] = []
        self._needs_keyframe = False
        self._first_dts: float | None = None
        self._session_first: float | None = None
        self._seen: dict[int, float] = {}

    # Publishing ---------------------------------------------------------------------------------

    def may_take_over(self, publisher: Publisher) -> bool:
        """Whether this publisher may have the stream now (and is not one of two that fight)."""
        if self._ingest is None:
            return True
        if not publisher.credential or self._ingest.publisher.credential != publisher.credential:
            return False
        now = self.clocks.monotonic()
        self._takeovers = [at for at in self._takeovers if now - at < 60.0]
        return len(self._takeovers) < self._limits.takeovers_per_minute

    def attach(self, publisher: Publisher) -> Ingest:
        """Make this the stream's publisher; a present one is ended."""
        previous, self._ingest = self._ingest, Ingest(self, publisher)
        if previous is not None:
            previous.alive = False
            self._takeovers.append(self.clocks.monotonic())
            previous.publisher.end("taken over by the same key")
        back = self.last_publisher is not None
        self.publisher = self.last_publisher = publisher
        self._lost_at = None
        if back:
            self.begin_session()
            self._notify(self, StreamEvent.PUBLISHER_BACK)
        return self._ingest

    def begin_session(self) -> None:
        """Say that what comes from here on is another session of the publisher."""
        self._timeline.begin_session(gap=0.0)
        self._needs_keyframe = any(t.kind is Kind.VIDEO for t in self.main_tracks)
        self._session_first = None

    def write(self, packet: Packet) -> None:
        """One packet of the present publisher: re-timed, cached, handed to every rendition."""
        packet.wall = self.clocks.wall()
        self._timeline.write(packet)
        self.pass_on(packet)

    def pass_on(self, packet: Packet) -> None:
        """One packet whose times are right as they are: cached, handed to every rendition.

        It is left as it is, so that it may be a packet of another stream too (:meth:`child`).
        """
        track = packet.track
        if self.tracks.get(track.id) is not track:
            self._change_track(track)
        self.meters[track.id].write(packet)
        self._seen[track.id] = packet.wall
        if track.id >= MAIN_TRACKS:
            return
        if self._needs_keyframe and not self._session_can_start(packet):
            return
        self._cache.write(packet)
        if not self.ready:
            self._become_ready(packet)
            return
        for rendition in self._renditions.values():
            rendition.write(packet)

    def check_bitrate(self) -> None:
        """Raise ``MediaError`` if the publisher sends more than the limit allows."""
        limit = self._limits.max_bitrate
        if limit and self.bitrate > limit * _BITRATE_BURST:
            raise MediaError(f"bitrate of {self.bitrate} bit/s is above the limit")

    def publisher_lost(self, reason: str) -> None:
        """The publisher's connection ended; the grace time starts."""
        self._ingest = None
        self.publisher = None
        self._lost_at = self.clocks.monotonic()
        self._notify(self, StreamEvent.PUBLISHER_LOST)
        if not self.ready or not self._limits.grace_seconds:
            self.end(reason)

    def end_by(self, publisher: Publisher, reason: str) -> None:
        """Its publisher ended the stream on purpose: no grace time. This also ends a grace time
        that is its own (the connection went first); what another has taken over goes on."""
        if self.last_publisher is publisher:
            self.end(reason)

    def end(self, reason: str) -> None:
        """Off air: viewers are ended in their protocol's way, a present publisher is closed."""
        if self.ended:
            return
        self.ended = True
        self.ready = False
        ingest, self._ingest = self._ingest, None
        if ingest is not None:
            ingest.alive = False
            ingest.publisher.end(reason)
        self.publisher = None
        for rendition in list(self._renditions.values()):
            rendition.finish(reason)
        self._renditions.clear()
        self._notify(self, StreamEvent.ENDED)

    def request_keyframe(self) -> None:
        """Pass a viewer's wish for a keyframe to the publisher."""
        if self.publisher is not None:
            self.publisher.request_keyframe()

    # Watching -----------------------------------------------------------------------------------

    def child(self, notify: Notify) -> Stream:
        """A stream of the same name and age for what is made of this one; fill it by ``pass_on``.

        Its events go to ``notify`` alone: nobody else has heard of it.
        """
        limits = replace(self._limits, max_bitrate=0)
        child = Stream(
            self.name, title=self.title, clocks=self.clocks, limits=limits, notify=notify
        )
        child.started_at = self.started_at
        child.started_monotonic = self.started_monotonic
        return child

    @property
    def main_tracks(self) -> list[Track]:
        """The tracks that renditions carry, in order of their ids."""
        return [self.tracks[id] for id in sorted(self.tracks) if id < MAIN_TRACKS]

    def cached(self, *, at_least_seconds: float = 0.0) -> list[Packet]:
        """Packets from the start of the current group (and the one before if that is too short)."""
        return self._cache.packets(at_least_seconds=at_least_seconds)

    def rendition(self, key: str, make: Callable[[], R]) -> R:
        """The rendition of this key, made by ``make`` if nobody watches it yet."""
        found = self._renditions.get(key)
        if found is None:
            found = self._renditions[key] = make()
        return found  # type: ignore[return-value]  # a key names one class

    def find_rendition(self, key: str) -> Rendition | None:
        """The rendition of this key if it exists."""
        return self._renditions.get(key)

    def release(self, key: str) -> None:
        """Let a rendition go if it is unwatched."""
        found = self._renditions.get(key)
        if found is not None and found.unwatched:
            del self._renditions[key]

    def remove(self, key: str) -> None:
        """Let a rendition go, watched or not; harmless where there is none."""
        self._renditions.pop(key, None)

    @property
    def renditions(self) -> dict[str, Rendition]:
        """The renditions that exist, by key (a copy)."""
        return dict(self._renditions)

    @property
    def keyframe_interval(self) -> float:
        """Seconds between keyframes as measured; 0 where there is no video."""
        for track in self.main_tracks:
            if track.kind is Kind.VIDEO:
                return self.meters[track.id].keyframe_interval
        return 0.0

    @property
    def bitrate(self) -> int:
        """Bits of media per second of the main tracks, over the last seconds."""
        return round(sum(self.meters[track.id].bitrate for track in self.main_tracks))

    def audience(self) -> dict[str, int]:
        """Viewers by protocol, with ``total``."""
        counts: Counter[str] = Counter()
        for rendition in self._renditions.values():
            counts.update(rendition.audience())
        return {"total": counts.total(), **counts}

    # Time ---------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Once a second: grace time over? renditions unwatched? viewers stalled?"""
        now = self.clocks.monotonic()
        if self._lost_at is not None and now - self._lost_at >= self._limits.grace_seconds:
            self.end("the publisher did not come back")
            return
        self._drop_silent_tracks()
        for key, rendition in list(self._renditions.items()):
            rendition.tick(now)
            self.release(key)

    # Inside -------------------------------------------------------------------------------------

    def _new_cache(self) -> GroupCache:
        return GroupCache(
            max_seconds=self._limits.group_seconds, max_bytes=self._limits.group_bytes
        )

    def _session_can_start(self, packet: Packet) -> bool:
        """After a return: wait for the keyframe, or take it that there is only sound now."""
        if packet.is_video and packet.keyframe:
            self._needs_keyframe = False
            for rendition in self._renditions.values():
                rendition.resume()
            return True
        seconds = packet.dts / packet.track.clock_rate
        if self._session_first is None:
            self._session_first = seconds
        elif not packet.is_video and seconds - self._session_first > 5.0:
            self._needs_keyframe = False
            return True
        return False

    def _change_track(self, track: Track) -> None:
        known = self.tracks.get(track.id)
        self.tracks[track.id] = track
        if known == track:
            return  # a publisher that came back with what it had
        if track.id not in self.meters:
            self.meters[track.id] = ReorderMeter()
        if self.ready and track.id < MAIN_TRACKS:
            self._tracks_changed([known or track])

    def _tracks_changed(self, changed: Sequence[Track]) -> None:
        # First: a rendition that looks at the cache must not find the old configuration's packets.
        if all(track.kind is Kind.AUDIO for track in changed):
            for track in changed:
                self._cache.forget(track.id)
        else:
            self._cache = self._new_cache()
        # One that needs something converted now adds what converts it to the stream's renditions.
        for rendition in list(self._renditions.values()):
            rendition.change_tracks(self.main_tracks)
        self._notify(self, StreamEvent.TRACKS_CHANGED)

    def _drop_silent_tracks(self) -> None:
        # A track that has stopped while the other goes on would stall every player that waits for
        # both; when it speaks again it is announced like a late track.
        newest = max(self._seen.values(), default=0.0)
        ids = [id for id, at in self._seen.items() if newest - at > _SILENT_SECONDS]
        silent = [self.tracks[id] for id in ids if id < MAIN_TRACKS]
        for id in ids:
            del self._seen[id], self.tracks[id]
        if self.ready and silent:
            self._tracks_changed(silent)

    def _become_ready(self, packet: Packet) -> None:
        seconds = packet.dts / packet.track.clock_rate
        if self._first_dts is None:
            self._first_dts = seconds
        kinds = {track.kind for track in self.main_tracks}
        waited = seconds - self._first_dts >= self._limits.ready_seconds
        if (len(kinds) == 2 or waited) and self._cache.packets():
            self.ready = True
            self._notify(self, StreamEvent.STARTED)


def describe_tracks(tracks: Sequence[Track]) -> str:
    """One line for logs: ``h264 1920x1080, aac 48000 Hz``."""
    return ", ".join(
        f"{t.codec} {t.width}x{t.height}"
        if t.kind is Kind.VIDEO
        else f"{t.codec} {t.sample_rate} Hz"
        for t in tracks
    )
