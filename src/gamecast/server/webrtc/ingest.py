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
_SLEW = 4
"""One part of so many of the time that passes is taken to move them: a busy publisher's reports
contradict each other, and each jump would be seen, backwards as two pictures of the same moment."""

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
        self._begin(start)

    def _begin(self, start: float) -> None:
        self._depacketizer = make_depacketizer(self.codec)
        self._unwrapper = Unwrapper(32)
        self._offset: int | None = None
        self._unmoved = 0
        self._placed: int | None = None
        self._start = round(start * self._clock_rate)
        self._last: int | None = None
        self._broken = self.kind is Kind.VIDEO
        self._dropped = 0

    @property
    def kind(self) -> Kind:
        """Sound or picture."""
        return Kind.AUDIO if self.codec is Codec.OPUS else Kind.VIDEO

    def read(self, run: Run, deliver: Deliver) -> None:
        """Packets in order. Raises ``MediaError`` for a malformed one, when all have been read."""
        self._last = run.packets[-1].timestamp
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

    def go_on(self, *, after: float) -> None:
        """Another SSRC takes over, with numbers and timestamps of its own (RFC 3550 section 8.2).

        ``after``: seconds between the arrivals of the last packet of the old and the first of the
        new; so far are they apart on the session's timeline. A picture begins with a keyframe.
        """
        at = self._start if self._last is None else self._place(self._last) - self._unmoved
        self._begin(at / self._clock_rate + after)

    @property
    def last(self) -> int | None:
        """Timestamp of the last packet; ``None`` before the first of an SSRC."""
        return self._last

    def seconds(self, timestamp: int) -> float:
        """Where a timestamp belongs on the session's timeline, once all shifts are made."""
        return self._place(timestamp) / self._clock_rate

    def shift(self, seconds: float) -> None:
        """Move everything from now on, little by little (lip-sync by sender reports)."""
        if self._offset is not None:
            ticks = round(seconds * self._clock_rate)
            self._offset += ticks
            self._unmoved += ticks

    def _place(self, timestamp: int) -> int:
        extended = self._unwrapper.unwrap(timestamp)
        if self._offset is None:
            self._offset = self._start - extended
        return extended + self._offset

    def _slew(self, due: int) -> int:
        """Where what belongs at ``due`` is put: a part of a shift is made, the rest is to come."""
        at = due - self._unmoved
        most = abs(self._unmoved) if self._placed is None else max(0, at - self._placed) // _SLEW
        step = max(-most, min(most, self._unmoved))
        self._unmoved -= step
        self._placed = at + step
        return self._placed

    def _deliver(self, data: bytes, timestamp: int, deliver: Deliver) -> None:
        dts = self._slew(self._place(timestamp))
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
        reference: tuple[SourceReader, SourceClock | None],
        other: tuple[SourceReader, SourceClock | None],
    ) -> None:
        """Move ``other`` so that equal wall clocks mean equal seconds.

        Each is a reader and its clock; nothing happens before both have sent a report.
        """
        origins = [self._origin(*each) for each in (reference, other)]
        if origins[0] is None or origins[1] is None:
            return
        error = origins[0] - origins[1]
        if abs(error) > _SYNC_SECONDS:
            other[0].shift(error)

    @staticmethod
    def _origin(reader: SourceReader, clock: SourceClock | None) -> float | None:
        """Where the peer's wall clock was 0, in seconds of the session's timeline."""
        wall = None if clock is None or reader.last is None else clock.wall_clock(reader.last)
        return None if wall is None or reader.last is None else reader.seconds(reader.last) - wall
