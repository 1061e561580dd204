"""From a WHIP publisher's sources to the tracks of its stream."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import structlog

from gamecast.media.errors import MediaError
from gamecast.media.packet import Packet
from gamecast.media.track import Codec, Kind, Track
from gamecast.protocols.webrtc.media_receiver import MediaReceiver, PacketsReady
from gamecast.protocols.webrtc.sources import Source
from gamecast.protocols.webrtc.unwrap import SourceClock
from gamecast.server.webrtc.ingest import LipSync, SourceReader

log = structlog.get_logger(__name__)

_MOST_TRACKS = 8

Write = Callable[[Packet], None]


class Intake:
    """Reads what a receiver has put in order, and says which track each packet belongs to.

    Sound is track 1, the picture that viewers see is track 0; everything else follows.
    """

    def __init__(self, receiver: MediaReceiver, *, channel: str) -> None:
        """``channel``: for the log."""
        self._receiver = receiver
        self._channel = channel
        self._readers: dict[int, SourceReader] = {}
        self._sources: dict[int, Source] = {}
        self._last: dict[int, int] = {}
        self._main_area = 0
        self._main: int | None = None
        self._began: float | None = None
        self._lip_sync = LipSync()
        self._main_track: tuple[Track, Track] | None = None

    def read(self, ready: list[PacketsReady], now: float, write: Write) -> None:
        """Hand the packets in it to ``write``; what is malformed costs a picture, no more."""
        for group in ready:
            reader = self._reader(group.source, now)
            if reader is None:
                continue
            ssrc = group.source.ssrc
            self._last[ssrc] = group.runs[-1].packets[-1].timestamp
            self._read_runs(reader, group, partial(self._deliver, ssrc, write))
            if reader.wants_keyframe:
                reader.wants_keyframe = False
                self._receiver.request_keyframe(group.source)

    def align(self) -> None:
        """After sender reports: pictures to the sound (RFC 3550 section 6.4.1)."""
        readers = {ssrc: r for ssrc, r in self._readers.items() if ssrc in self._last}
        sound = next((s for s, r in readers.items() if r.kind is Kind.AUDIO), None)
        if sound is None:
            return
        for ssrc, reader in readers.items():
            if reader.kind is Kind.VIDEO:
                self._lip_sync.correct(self._clocked(sound), self._clocked(ssrc))

    def request_keyframe(self) -> None:
        """Pass a viewer's wish on; the receiver limits how often."""
        if self._main is not None:
            self._receiver.request_keyframe(self._sources[self._main])

    def _read_runs(self, reader: SourceReader, group: PacketsReady, deliver: Write) -> None:
        for run in group.runs:
            try:
                reader.read(run, deliver)
            except MediaError as error:
                log.info("whip.malformed", channel=self._channel, reason=str(error))
                reader.wants_keyframe = True

    def _reader(self, source: Source, now: float) -> SourceReader | None:
        reader = self._readers.get(source.ssrc)
        if reader is None and len(self._readers) < _MOST_TRACKS:
            if self._began is None:
                self._began = now
            codec = Codec(source.media.codec)
            first = codec is Codec.OPUS and not any(
                each.kind is Kind.AUDIO for each in self._readers.values()
            )
            reader = self._readers[source.ssrc] = SourceReader(
                codec,
                track_id=1 if first else 2 + len(self._readers),
                clock_rate=source.media.clock_rate,
                start=now - self._began + 1.0,
                channels=2,
            )
            self._sources[source.ssrc] = source
        return reader

    def _deliver(self, ssrc: int, write: Write, packet: Packet) -> None:
        """The largest layer of a simulcast is the stream's picture; the others are kept apart."""
        if packet.is_video:
            track = packet.track
            area = track.width * track.height or 1
            if packet.keyframe and (self._main is None or area > self._main_area):
                self._main, self._main_area = ssrc, area
            elif ssrc == self._main and packet.keyframe:
                self._main_area = area
            if ssrc == self._main:
                packet.track = self._as_main(packet)
        write(packet)

    def _as_main(self, packet: Packet) -> Track:
        known = self._main_track
        if known is None or known[0] is not packet.track:
            known = self._main_track = (packet.track, replace(packet.track, id=0))
        return known[1]

    def _clocked(self, ssrc: int) -> tuple[SourceReader, SourceClock, int]:
        clock = self._receiver.clock(self._sources[ssrc])
        return self._readers[ssrc], clock, self._last[ssrc]
