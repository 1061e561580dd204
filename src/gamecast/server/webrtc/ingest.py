"""From a publisher's RTP to packets: access units, tracks, timestamps that line up."""

from __future__ import annotations

from collections.abc import Callable

from gamecast.media.codecs import audio_track, is_keyframe
from gamecast.media.codecs.in_band import track_from_keyframe
from gamecast.media.codecs.opus import OpusConfig, build_opus_head
from gamecast.media.errors import MediaError
from gamecast.media.packet import Packet
from gamecast.media.payloads.formats import make_depacketizer
from gamecast.media.timing import Unwrapper
from gamecast.media.track import Codec, Kind, Track
from gamecast.protocols.webrtc.jitter import Run
from gamecast.protocols.webrtc.rtp import RtpPacket
from gamecast.protocols.webrtc.unwrap import SourceClock

_SYNC_SECONDS = 0.02
"""Sound and picture that are further apart than this by the sender reports are moved."""

Deliver = Callable[[Packet], None]


class SourceReader:
    """One RTP source: depacketizes, finds its configuration, puts it on the session's timeline."""

    def __init__(
        self, codec: Codec, *, track_id: int, clock_rate: int, start: float, channels: int
    ) -> None:
        """``start``: seconds on the session's timeline at which this source was first heard."""
        self.codec = codec
        self.track: Track | None = None
        self.wants_keyframe = False
        """A picture is missing: ask for a keyframe."""
        self._track_id = track_id
        self._clock_rate = clock_rate
        self._channels = channels
        self._depacketizer = make_depacketizer(codec)
        self._unwrapper = Unwrapper(32)
        self._offset: int | None = None
        self._start = round(start * clock_rate)
        self._broken = codec is not Codec.OPUS
        self._dropped = 0

    @property
    def kind(self) -> Kind:
        """Sound or picture."""
        return Kind.AUDIO if self.codec is Codec.OPUS else Kind.VIDEO

    def read(self, run: Run, deliver: Deliver) -> None:
        """Packets in order. Raises ``MediaError`` for a malformed one, when all have been read."""
        lost = run.lost_before > 0 or run.restarted
        malformed: MediaError | None = None
        for packet in run.packets:
            try:
                self._read(packet, lost, deliver)
            except MediaError as error:
                malformed = error
            lost = False
        if malformed is not None:
            raise malformed

    def _read(self, packet: RtpPacket, lost: bool, deliver: Deliver) -> None:
        depacketizer = self._depacketizer
        units = depacketizer.write(
            packet.payload, timestamp=packet.timestamp, marker=packet.marker, lost=lost
        )
        if depacketizer.dropped != self._dropped:
            self._dropped = depacketizer.dropped
            if self.kind is Kind.VIDEO:
                self._broken = self.wants_keyframe = True
        for unit in units:
            self._deliver(unit.data, unit.timestamp, deliver)

    def seconds(self, timestamp: int) -> float:
        """Where a timestamp stands on the session's timeline."""
        return self._place(timestamp) / self._clock_rate

    def shift(self, seconds: float) -> None:
        """Move everything from now on (lip-sync found out by sender reports)."""
        if self._offset is not None:
            self._offset += round(seconds * self._clock_rate)

    def _place(self, timestamp: int) -> int:
        extended = self._unwrapper.unwrap(timestamp)
        if self._offset is None:
            self._offset = self._start - extended
        return extended + self._offset

    def _deliver(self, data: bytes, timestamp: int, deliver: Deliver) -> None:
        dts = self._place(timestamp)
        if self.kind is Kind.AUDIO:
            if self.track is None:
                config = build_opus_head(OpusConfig(channels=self._channels))
                self.track = audio_track(Codec.OPUS, config, id=self._track_id)
            deliver(Packet(self.track, dts, dts, data))
            return
        keyframe = is_keyframe(self.codec, data)
        if keyframe:
            self._describe(data)
        if self.track is None or (self._broken and not keyframe):
            self.wants_keyframe = True
            return  # decoders would show garbage until the next keyframe
        self._broken = False
        deliver(Packet(self.track, dts, dts, data, keyframe=keyframe))

    def _describe(self, keyframe: bytes) -> None:
        try:
            track = track_from_keyframe(self.codec, keyframe, id=self._track_id)
        except MediaError:
            return  # parameter sets came earlier; the track that is known goes on
        if track != self.track:
            self.track = track


class LipSync:
    """Lines two sources of one peer up by their sender reports (RFC 3550 section 6.4.1)."""

    def correct(
        self,
        reference: tuple[SourceReader, SourceClock, int],
        other: tuple[SourceReader, SourceClock, int],
    ) -> None:
        """Move ``other`` so that equal wall clocks mean equal seconds.

        Each is a reader, its clock and a recent timestamp.
        """
        walls = [clock.wall_clock(timestamp) for _, clock, timestamp in (reference, other)]
        if walls[0] is None or walls[1] is None:
            return
        origins = [
            reader.seconds(timestamp) - wall
            for (reader, _, timestamp), wall in zip((reference, other), walls, strict=True)
            if wall is not None
        ]
        error = origins[0] - origins[1]
        if abs(error) > _SYNC_SECONDS:
            other[0].shift(error)
