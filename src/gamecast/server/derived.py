"""Derived streams: a stream with one of its tracks in another codec, made once for all viewers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import structlog

from gamecast.media.interleave import Interleaver, seconds_of
from gamecast.media.packet import Packet
from gamecast.media.track import Codec, Kind, Track
from gamecast.relay.stream import Stream, StreamEvent
from gamecast.server.convert import Converter, MakeConverter, close_soon

log = structlog.get_logger(__name__)

_LINGER_SECONDS = 15.0
"""One that has been watched is kept this long: who reloads must not restart an encoder."""
_PATIENCE = 3.0
"""Seconds that viewers wait for the sound of the cached group."""
_INSIDE = 0.1
"""Seconds of sound that an encoder keeps back: the last of a group never comes out by itself."""
_GROUP_SECONDS = 2.0
"""Longest group of a picture: browsers send keyframes when asked, and HLS has to cut at them."""
_SILENT_SECONDS = 2.0
"""A picture that has not come for so long needs a keyframe to begin with."""
_DEAD_SECONDS = 30.0
"""A converter that has made nothing for so long has given up; it may be worth another."""


class DerivedStream:
    """A rendition of its parent that is a stream in turn: renditions are made of it like of any.

    One step, one converter: sound to AAC, or the picture to H.264. What needs both is derived of
    what is derived, so that it shares the encoder with what needs only one. Everything else passes
    as it is; its times, and those of what is converted, are the parent's.
    """

    def __init__(
        self, parent: Stream, codec: Codec, *, track: Track, convert: MakeConverter
    ) -> None:
        """``track``: what is to become ``codec``; the worker starts even while there is no packet
        of it yet, for the parent may be a derived stream that has not begun."""
        self.codec = codec
        self.kind = track.kind
        self.stream = parent.child(self._happened)
        self.stream.attach(_Wishes(self))
        self._parent = parent
        self._clock = parent.clocks.monotonic
        self._interleaver = Interleaver()
        self._told: list[Callable[[], None]] = []
        self._begun = False
        self._wait_for: float | None = None
        self._keyframe_at: float | None = None
        self._began_at = self._given_at = self._heard_at = self._watched_at = self._clock()
        self._was_ready = False
        self._converter: Converter | None = convert(track, codec, self._converted)
        log.info("stream.converting", channel=parent.name, source=track.codec, to=codec)
        if parent.ready:
            self.begin()

    def begin(self) -> None:
        """The parent has begun: go on from its cached group."""
        if self._converter is None or self._begun:
            return
        self._begun = True
        self._began_at = self._clock()
        self._set_tracks(self._parent.main_tracks)
        cached = self._parent.cached()
        ours = [packet for packet in cached if packet.track.kind is self.kind]
        if ours and self.kind is Kind.AUDIO:
            self._wait_for = seconds_of(ours[-1]) - _INSIDE
        if not any(packet.is_video for packet in cached):
            self._parent.request_keyframe()
        self._converter.catch_up(ours)
        for packet in cached:
            if packet.track.kind is not self.kind:
                self._pass(self._interleaver.write(packet, self._began_at))

    # Rendition ----------------------------------------------------------------------------------

    def write(self, packet: Packet) -> None:
        """To the converter, or past it."""
        if self._converter is None:
            return
        now = self._clock()
        if packet.track.kind is self.kind:
            if now - self._given_at > _SILENT_SECONDS:
                self._heard_at = now  # nothing could come out while nothing went in
            self._given_at = now
            self._converter.write(packet)
        else:
            self._pass(self._interleaver.write(packet, now))

    def change_tracks(self, tracks: Sequence[Track]) -> None:
        """The converter takes another configuration as it comes; without a track that it could
        convert there is nothing left to do here."""
        source = next((track for track in tracks if track.kind is self.kind), None)
        if source is None or source.codec is self.codec:
            self.close()
        else:
            self._set_tracks(tracks)

    def resume(self) -> None:
        """Another session of the publisher begins with a keyframe, here too."""
        self.flush()
        self.stream.begin_session()

    def finish(self, reason: str) -> None:
        """The stream is over, and with it all that is made of this one."""
        self._told.clear()
        self.flush()
        self._stop_converter()
        self.stream.end(reason)

    def tick(self, now: float) -> None:
        """Nobody waits for ever; what has nothing to begin with gets a keyframe."""
        if now - self._began_at > _PATIENCE:
            self._wait_for = None
        silent = self.kind is Kind.VIDEO and now - self._heard_at > _SILENT_SECONDS
        if silent or not self.stream.ready:
            self._parent.request_keyframe()
        self._pass(self._interleaver.expire(now))
        self.stream.tick()
        self._settle()
        if self._watched:
            self._watched_at = now
        if self._given_at - self._heard_at > _DEAD_SECONDS:
            log.warning("stream.converter_dead", channel=self._parent.name, to=self.codec)
            self.close()

    def audience(self) -> dict[str, int]:
        """Nobody: viewers are counted where they have asked, at the parent."""
        return {}

    @property
    def unwatched(self) -> bool:
        """Nothing is made of it, and has not been for a while; or it has nothing to do."""
        if self._converter is not None:
            idle = self._clock() - self._watched_at
            if self._watched or (self._was_ready and idle <= _LINGER_SECONDS):
                return False
        self.close()
        return True

    # For what is made of it ---------------------------------------------------------------------

    @property
    def ready(self) -> bool:
        """Whether viewers can have all of it, the cached group with its sound included."""
        return self.stream.ready and self._wait_for is None and self._is_up_to_date()

    @property
    def over(self) -> bool:
        """It converts no more, and is of no use."""
        return self._converter is None

    def tell(self, ready: Callable[[], None]) -> None:
        """Call ``ready`` once, as soon as it is."""
        self._told.append(ready)
        self._settle()

    def forget(self, ready: Callable[[], None]) -> None:
        """Do not call it any more."""
        if ready in self._told:
            self._told.remove(ready)

    def flush(self) -> None:
        """Hand on what waits for the converter."""
        self._pass(self._interleaver.drain())

    def request_keyframe(self) -> None:
        """A viewer's wish: the converter's matter, or the publisher's."""
        if self.kind is Kind.AUDIO:
            self._parent.request_keyframe()
        elif self._converter is not None:
            self._converter.request_keyframe()

    def close(self) -> None:
        """End the worker, and those of what is derived of this."""
        self._stop_converter()
        for each in self.stream.renditions.values():
            if isinstance(each, DerivedStream):
                each.close()

    # Inside -------------------------------------------------------------------------------------

    @property
    def _watched(self) -> bool:
        return bool(self._told or self.stream.renditions)

    def _is_up_to_date(self) -> bool:
        """Whether the tracks are those that are made of the parent's: after a change it takes a
        moment until nothing is older. Sound may be missing, where a converter fails."""
        sources = {track.id: track for track in self._parent.main_tracks}
        tracks = {track.id: track for track in self.stream.main_tracks}
        if any(id not in tracks and each.kind is Kind.VIDEO for id, each in sources.items()):
            return False
        return all(
            id in sources and (track.codec is self.codec or track == sources[id])
            for id, track in tracks.items()
        )

    def _set_tracks(self, tracks: Sequence[Track]) -> None:
        picture = next((track.id for track in tracks if track.kind is Kind.VIDEO), None)
        self._interleaver.set_tracks([track.id for track in tracks], leader=picture)

    def _converted(self, packet: Packet) -> None:
        if self._converter is None:
            return  # it is being closed
        now, at = self._clock(), seconds_of(packet)
        self._heard_at = now
        if self.kind is Kind.VIDEO:
            self._keep_groups_short(packet, at, self._converter)
        if self._wait_for is not None and at >= self._wait_for:
            self._wait_for = None
        self._pass(self._interleaver.write(packet, now))

    def _keep_groups_short(self, packet: Packet, at: float, converter: Converter) -> None:
        if packet.keyframe or self._keyframe_at is None:
            self._keyframe_at = at
        elif at - self._keyframe_at >= _GROUP_SECONDS:
            self._keyframe_at = at
            converter.request_keyframe()

    def _pass(self, packets: Iterable[Packet]) -> None:
        for packet in packets:
            self.stream.pass_on(packet)
        self._settle()

    def _settle(self) -> None:
        if not self._told or not self.ready:
            return
        self._was_ready = True
        told, self._told = self._told, []
        for tell in told:
            tell()

    def _happened(self, _: Stream, event: StreamEvent) -> None:
        if event is StreamEvent.STARTED:
            for each in self.stream.renditions.values():
                if isinstance(each, DerivedStream):
                    each.begin()

    def _stop_converter(self) -> None:
        converter, self._converter = self._converter, None
        if converter is not None:
            close_soon(converter)


@dataclass(slots=True)
class _Wishes:
    """The publisher that a derived stream has: it takes wishes."""

    derived: DerivedStream
    protocol: str = "converter"
    software: str = ""
    address: str = ""
    credential: str = ""

    def end(self, reason: str) -> None:
        """It ends with its parent."""

    def request_keyframe(self) -> None:
        """Pass it on."""
        self.derived.request_keyframe()


def derive(parent: Stream, codec: Codec, *, track: Track, convert: MakeConverter) -> DerivedStream:
    """The parent with ``track`` in this codec: the one there is, or a new one."""
    key = f"derived:{codec}"
    parent.release(key)  # one that had nothing left to do
    return parent.rendition(key, lambda: DerivedStream(parent, codec, track=track, convert=convert))
