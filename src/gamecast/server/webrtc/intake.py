"""From a WHIP publisher's sources to the tracks of its stream."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import structlog

from gamecast.media.errors import MediaError
from gamecast.media.packet import Packet
from gamecast.media.track import Codec, Kind, Track
from gamecast.protocols.webrtc.media_receiver import MediaReceiver, PacketsReady
from gamecast.protocols.webrtc.sources import Source
from gamecast.protocols.webrtc.unwrap import SourceClock
from gamecast.server.webrtc.ingest import LipSync, SourceReader
from gamecast.server.webrtc.layers import LayerChoice, LayerKey

log = structlog.get_logger(__name__)

_MOST_TRACKS = 8

Write = Callable[[Packet], None]


@dataclass(slots=True)
class _Feed:
    """A media section, or a layer of it, whatever SSRC it has at the moment."""

    reader: SourceReader
    source: Source
    heard_at: float


class Intake:
    """Reads what a receiver has put in order, and says which track each packet belongs to.

    Sound is track 1, the picture that viewers see is track 0; everything else follows.
    """

    def __init__(self, receiver: MediaReceiver, *, channel: str) -> None:
        """``channel``: for the log."""
        self._receiver = receiver
        self._channel = channel
        self._feeds: dict[LayerKey, _Feed] = {}
        self._began: float | None = None
        self._layers = LayerChoice()
        self._lip_sync = LipSync()
        self._main_track: tuple[Track, Track] | None = None

    def read(self, ready: list[PacketsReady], now: float, write: Write) -> None:
        """Hand the packets in it to ``write``; what is malformed costs a picture, no more."""
        for group in ready:
            key = _key(group.source)
            feed = self._feed(key, group.source, now)
            if feed is None:
                continue
            feed.heard_at = now
            self._read_runs(feed.reader, group, partial(self._deliver, key, now, write))
            if feed.reader.wants_keyframe:
                feed.reader.wants_keyframe = False
                self._receiver.request_keyframe(group.source)

    def align(self) -> None:
        """After sender reports: pictures to the sound, or to each other where there is none."""
        feeds = list(self._feeds.values())
        sounds = (each for each in feeds if each.reader.kind is Kind.AUDIO)
        reference = next(sounds, None) or self._main
        if reference is None:
            return
        for feed in feeds:
            if feed.reader.kind is Kind.VIDEO and feed is not reference:
                self._lip_sync.correct(self._clocked(reference), self._clocked(feed))

    def request_keyframe(self) -> None:
        """Pass a viewer's wish on; the receiver limits how often."""
        if self._main is not None:
            self._receiver.request_keyframe(self._main.source)

    @property
    def _main(self) -> _Feed | None:
        """What viewers see."""
        key = self._layers.main
        return None if key is None else self._feeds[key]

    def _read_runs(self, reader: SourceReader, group: PacketsReady, deliver: Write) -> None:
        for run in group.runs:
            try:
                reader.read(run, deliver)
            except MediaError as error:
                log.info("whip.malformed", channel=self._channel, reason=str(error))
                reader.wants_keyframe = True

    def _feed(self, key: LayerKey, source: Source, now: float) -> _Feed | None:
        feed = self._feeds.get(key)
        if feed is None:
            if len(self._feeds) >= _MOST_TRACKS:
                return None
            feed = self._feeds[key] = _Feed(self._new_reader(source, now), source, now)
        elif feed.source.ssrc != source.ssrc:
            # By arrival: what its timestamps mean, only a sender report of its own will tell.
            feed.reader.go_on(after=now - feed.heard_at)
            feed.source = source
        return feed

    def _new_reader(self, source: Source, now: float) -> SourceReader:
        if self._began is None:
            self._began = now
        codec = Codec(source.media.codec)
        first = codec is Codec.OPUS and not any(
            each.reader.kind is Kind.AUDIO for each in self._feeds.values()
        )
        return SourceReader(
            codec,
            track_id=1 if first else 2 + len(self._feeds),
            clock_rate=source.media.clock_rate,
            start=now - self._began + 1.0,
            channels=2,
        )

    def _deliver(self, key: LayerKey, now: float, write: Write, packet: Packet) -> None:
        """The stream's picture becomes track 0; the other layers are kept apart."""
        if packet.is_video:
            area = packet.track.width * packet.track.height
            if self._layers.takes(key, area=area, keyframe=packet.keyframe, now=now):
                packet.track = self._as_main(packet)
            best = self._layers.best(now)
            if best is not None and best != self._layers.main:
                self._receiver.request_keyframe(self._feeds[best].source)
        write(packet)

    def _as_main(self, packet: Packet) -> Track:
        known = self._main_track
        if known is None or known[0] is not packet.track:
            known = self._main_track = (packet.track, replace(packet.track, id=0))
        return known[1]

    def _clocked(self, feed: _Feed) -> tuple[SourceReader, SourceClock | None]:
        return feed.reader, self._receiver.clock(feed.source)


def _key(source: Source) -> LayerKey:
    """Of a layer, for as long as the session lasts: media sections need not have a ``mid``."""
    return id(source.media), source.rid
