"""Rendition: one wire format of a stream, made once and shared by all its viewers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Protocol

from gamecast.media.chunk import Chunk
from gamecast.media.packet import Packet
from gamecast.media.track import Track
from gamecast.relay.lane import Framing, Lane
from gamecast.relay.pace import Pace
from gamecast.relay.viewer import Limits, Viewer


class Rendition(Protocol):
    """What a stream feeds: flow renditions below, and the playlist ones of the server."""

    def write(self, packet: Packet) -> None:
        """Take one packet in decoding order."""

    def change_tracks(self, tracks: Sequence[Track]) -> None:
        """The stream has other tracks, or a track has a new configuration, from here on."""

    def resume(self) -> None:
        """The publisher was away and is back: the next packet is a keyframe of its new session."""

    def finish(self, reason: str) -> None:
        """The stream is over."""

    def tick(self, now: float) -> None:
        """Called about once a second with the monotonic clock."""

    def audience(self) -> dict[str, int]:
        """Viewers now, by the word that the API counts them under."""

    @property
    def unwatched(self) -> bool:
        """Nobody needs it any more: the stream lets go of it."""


class Packager(Protocol):
    """Packets to chunks, pure. One lives in each rendition."""

    def set_tracks(self, tracks: Sequence[Track]) -> bytes:
        """(Re)start with these tracks. Returns what present viewers must read on a change."""

    def header(self) -> bytes:
        """What a new viewer reads before the current group."""

    def write(self, packet: Packet) -> Iterable[Chunk]:
        """The chunks that this packet completes."""

    def drain(self) -> Iterable[Chunk]:
        """What is held back, at the end of a stream or before its tracks change."""


_AUDIO_HOLD = 0.05
"""Seconds that audio waits for a video frame to share its flush."""
_LARGE = 48 * 1024
"""Bytes beyond which a flush costs by the byte, not by the call: it waits for nothing more."""
_LATE = 0.003
"""Seconds after which a picture that is waited for is late, and those that wait for it leave."""

CallLater = Callable[[float, Callable[[], None]], object]
"""``loop.call_later``: runs a function after some seconds."""


class FlowRendition:
    """A format that flows: FLV, fragmented MP4, MPEG-TS, RTMP messages.

    Chunks are flushed on every picture, or on every few: a picture is held while the next one is
    expected within what :class:`Pace` allows. Sound rides with pictures. Each flush is framed once
    per lane and written to all of its viewers.
    """

    def __init__(
        self,
        packager: Packager,
        *,
        tracks: Sequence[Track],
        packets: Iterable[Packet],
        pace: Pace,
        clock: Callable[[], float],
        call_later: CallLater,
        limits: Limits | None = None,
    ) -> None:
        """``packets`` is the stream's cached group: it starts as if it had been there then."""
        self._packager = packager
        self._pace = pace
        self._clock = clock
        self._call_later = call_later
        self._limits = limits or Limits()
        self._lanes: dict[Framing, Lane] = {}
        self._header_version = 1
        self._group: list[bytes] = []
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self._pending_starts_group = False
        self._held_since: float | None = None
        self._flushes = 0
        self._flushed_at = clock()
        self._last_dts = 0.0
        self._has_video = False
        self._set_tracks(tracks)
        for packet in packets:
            self._gather(packager.write(packet))
        self._flush()

    @property
    def lanes(self) -> list[Lane]:
        """The lanes in use."""
        return list(self._lanes.values())

    @property
    def viewers(self) -> list[Viewer]:
        """All viewers of all lanes."""
        return [viewer for lane in self._lanes.values() for viewer in lane.viewers]

    @property
    def unwatched(self) -> bool:
        """No viewer is left."""
        return not any(self._lanes.values())

    def join(self, viewer: Viewer, frame: Framing) -> None:
        """Start a viewer: header, current group, then live."""
        self._flush()
        lane = self._lanes.get(frame)
        if lane is None:
            lane = self._lanes[frame] = Lane(frame, limits=self._limits)
            lane.seed(self._group)
        lane.join(viewer, self._packager.header(), self._header_version)

    def leave(self, viewer: Viewer) -> None:
        """Stop a viewer; a lane that nobody reads goes with its last one."""
        for frame, lane in list(self._lanes.items()):
            lane.leave(viewer)
            if not lane:
                del self._lanes[frame]

    def sent_bytes(self, viewer: Viewer) -> int:
        """Bytes that a viewer has been given so far."""
        for lane in self._lanes.values():
            if viewer in lane.viewers:
                return lane.sent_bytes - viewer.base_bytes - viewer.dropped_bytes
        return 0

    def write(self, packet: Packet) -> None:
        """Package one packet; flush if it is time."""
        self._gather(self._packager.write(packet))
        if packet.is_video or not self._has_video:
            self._flush_unless_more_fits(packet)
        elif self._pending and self._held_since is None and self._audio_held_long():
            self._flush()

    def change_tracks(self, tracks: Sequence[Track]) -> None:
        """Give present viewers the new configuration; later ones find it in the header."""
        self._gather(self._packager.drain())
        self._flush()
        inline = self._set_tracks(tracks)
        self._header_version += 1
        self._group = []
        for lane in self._lanes.values():
            lane.interject(inline, self._header_version)

    def resume(self) -> None:
        """Nothing to do: timestamps go on and the next packet starts a group."""

    def finish(self, reason: str) -> None:
        """Flush what is held and end every viewer."""
        self._gather(self._packager.drain())
        self._flush()
        for lane in list(self._lanes.values()):
            lane.finish(reason)

    def audience(self) -> dict[str, int]:
        """Viewers by protocol."""
        return Counter(viewer.protocol for viewer in self.viewers)

    def tick(self, now: float) -> None:
        """Close viewers that stopped reading."""
        for lane in list(self._lanes.values()):
            lane.reap(now)

    def _set_tracks(self, tracks: Sequence[Track]) -> bytes:
        self._has_video = any(track.kind == "video" for track in tracks)
        return self._packager.set_tracks(tracks)

    def _gather(self, chunks: Iterable[Chunk]) -> None:
        for chunk in chunks:
            if chunk.starts_group:
                self._flush()
                self._pending_starts_group = True
            self._pending.append(chunk.data)
            self._pending_bytes += len(chunk.data)

    def _audio_held_long(self) -> bool:
        # Audio rides with the next video frame to save a system call per viewer, but a video track
        # that pauses must not hold it.
        return self._clock() - self._flushed_at > _AUDIO_HOLD

    def _flush_unless_more_fits(self, packet: Packet) -> None:
        seconds = packet.dts / packet.track.clock_rate
        spacing, self._last_dts = seconds - self._last_dts, seconds
        if not self._pending:
            return
        now = self._clock()
        since = now if self._held_since is None else self._held_since
        hold = self._pace.hold(sum(map(len, self._lanes.values())))
        is_large = self._pending_bytes > _LARGE
        if is_large or spacing <= 0 or now + spacing > since + hold:
            self._flush()
        elif self._held_since is None:
            self._held_since = now
            self._call_later(hold + _LATE, partial(self._wait_no_longer, self._flushes))

    def _wait_no_longer(self, flushes: int) -> None:
        if self._flushes == flushes:
            self._flush()

    def _flush(self) -> None:
        self._held_since = None
        if not self._pending:
            return
        self._flushes += 1
        data = self._pending[0] if len(self._pending) == 1 else b"".join(self._pending)
        starts_group = self._pending_starts_group
        self._pending = []
        self._pending_bytes = 0
        self._pending_starts_group = False
        self._flushed_at = self._clock()
        if starts_group:
            self._group = [data]
        elif self._group:
            self._group.append(data)
        if not self._lanes:
            return
        header = self._packager.header() if starts_group else b""
        for lane in list(self._lanes.values()):
            lane.push(
                data,
                starts_group=starts_group,
                header=header,
                header_version=self._header_version,
            )
