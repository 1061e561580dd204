"""Readers: PES payloads of one elementary stream into packets."""

from __future__ import annotations

from typing import Protocol

from gamecast.media.codecs import h264, hevc
from gamecast.media.codecs.frames import packet_samples
from gamecast.media.codecs.in_band import config_from_units
from gamecast.media.codecs.nal import join_nal_units, split_annexb
from gamecast.media.codecs.tracks import video_track
from gamecast.media.containers.mpegts.frames import Framer
from gamecast.media.packet import Packet
from gamecast.media.timing import TickRetimer
from gamecast.media.track import VIDEO_CLOCK_RATE, Codec, Track

_MAX_REST = 16 * 1024
"""Bytes of an unfinished audio frame that are kept for the next PES packet."""
_UNKNOWN_FRAME = VIDEO_CLOCK_RATE // 50


class Reader(Protocol):
    """One elementary stream."""

    tracks: dict[int, Track]
    """Where it puts its track; given by the demuxer."""

    def read(self, payload: bytes, pts: int | None, dts: int | None) -> list[Packet]:
        """The packets that a PES packet completes; raises ``MediaError`` on what is no media."""

    def lose(self) -> None:
        """Something before the next PES packet is missing."""


class _NalCodec:
    """What the two NAL unit codecs differ in."""

    def __init__(self, codec: Codec) -> None:
        self.codec = codec
        if codec is Codec.H264:
            self.sets: tuple[int, ...] = (h264.NalType.SPS, h264.NalType.PPS)
            self.sps: int = h264.NalType.SPS
            self.aud: int = h264.NalType.AUD
            self.first_vcl, self.last_vcl = 1, 5
            self.first_key, self.last_key = 5, 5
        else:
            self.sets = (hevc.NalType.VPS, hevc.NalType.SPS, hevc.NalType.PPS)
            self.sps = hevc.NalType.SPS
            self.aud = hevc.NalType.AUD
            self.first_vcl, self.last_vcl = 0, 31
            self.first_key, self.last_key = 16, 23

    def kind(self, unit: bytes) -> int:
        return unit[0] & 0x1F if self.codec is Codec.H264 else unit[0] >> 1 & 0x3F

    def config(self, sets: dict[int, list[bytes]]) -> bytes:
        return config_from_units(self.codec, [unit for units in sets.values() for unit in units])


class VideoReader:
    """H.264 or HEVC with start codes.

    Access unit delimiters and parameter sets that the track's configuration holds are left out,
    as ISO/IEC 14496-15 wants it; every other NAL unit is kept as it came.
    """

    def __init__(self, codec: Codec, track_id: int, retimer: TickRetimer) -> None:
        self._codec = _NalCodec(codec)
        self._id = track_id
        self._retimer = retimer
        self.tracks: dict[int, Track] = {}
        self._track: Track | None = None
        self._sets: dict[int, list[bytes]] = {}
        self._known: frozenset[bytes] = frozenset()
        self._last: int | None = None

    def read(self, payload: bytes, pts: int | None, dts: int | None) -> list[Packet]:
        """The access unit in a PES packet (several, if delimiters stand between them)."""
        packets = []
        for units in self._access_units(split_annexb(payload)):
            if dts is None or pts is None:
                pts = dts = None if self._last is None else self._last + self._frame_ticks
            packet = self._packet(units, pts, dts)
            if packet is not None:
                packets.append(packet)
            self._last = dts
            pts = dts = None
        return packets

    def lose(self) -> None:
        """Nothing is kept from one PES packet to the next."""

    @property
    def _frame_ticks(self) -> int:
        fps = self._track.fps if self._track is not None else None
        return round(VIDEO_CLOCK_RATE / fps) if fps else _UNKNOWN_FRAME

    def _access_units(self, units: list[bytes]) -> list[list[tuple[int, bytes]]]:
        """NAL units with their types, a list per access unit, delimiters left out."""
        kind_of, aud = self._codec.kind, self._codec.aud
        found: list[list[tuple[int, bytes]]] = [[]]
        for unit in units:
            kind = kind_of(unit)
            if kind != aud:
                found[-1].append((kind, unit))
            elif found[-1]:
                found.append([])
        return [access_unit for access_unit in found if access_unit]

    def _packet(
        self, units: list[tuple[int, bytes]], pts: int | None, dts: int | None
    ) -> Packet | None:
        codec = self._codec
        kinds = [kind for kind, _ in units]
        if codec.sps in kinds:
            self._learn(units)
        track = self._track
        if track is None or dts is None or pts is None:
            return None
        if not any(codec.first_vcl <= kind <= codec.last_vcl for kind in kinds):
            return None
        keyframe = any(codec.first_key <= kind <= codec.last_key for kind in kinds)
        data = join_nal_units([unit for _, unit in units if unit not in self._known])
        placed, shown = self._retimer.video(track, pts, dts)
        return Packet(track, placed, shown, data, keyframe)

    def _learn(self, units: list[tuple[int, bytes]]) -> None:
        """Take the parameter sets of an access unit that has an SPS; a change makes a track."""
        sets = dict(self._sets)
        for kind in self._codec.sets:
            found = list(dict.fromkeys(unit for known, unit in units if known == kind))
            if found:
                sets[kind] = found
        if sets == self._sets or not all(sets.get(kind) for kind in self._codec.sets):
            return
        track = video_track(self._codec.codec, self._codec.config(sets), id=self._id)
        self._sets = sets
        self._known = frozenset(unit for found in sets.values() for unit in found)
        self._track = self.tracks[self._id] = track


class AudioReader:
    """Audio frames, which need not be aligned to PES packets."""

    def __init__(self, framer: Framer, track_id: int, retimer: TickRetimer) -> None:
        self._framer = framer
        self._id = track_id
        self._retimer = retimer
        self.tracks: dict[int, Track] = {}
        self._track: Track | None = None
        self._config: object = None
        self._rest = b""
        self._stamp: float | None = None

    def read(self, payload: bytes, pts: int | None, dts: int | None) -> list[Packet]:
        """The frames that end in this PES packet.

        Its stamp is that of the first frame that begins in it (H.222.0 section 2.4.3.7).
        """
        boundary = len(self._rest)
        data = self._rest + payload if self._rest else payload
        self._rest = b""
        packets = []
        position = 0
        while (frame := self._framer.next(data, position)) is not None:
            if pts is not None and frame.start >= boundary:
                self._stamp, pts = pts, None
            position = frame.end
            track = self._track
            if track is None or frame.config != self._config:
                track = self._framer.track(frame, self._id)
                self._track = self.tracks[self._id] = track
                self._config = frame.config
            packet = self._packet(track, frame.payload)
            if packet is not None:
                packets.append(packet)
        self._rest = data[position:] if len(data) - position <= _MAX_REST else b""
        if pts is not None and self._rest and len(self._rest) <= len(payload):
            self._stamp = pts  # the frame that begins here is the first of this PES packet
        return packets

    def lose(self) -> None:
        """The rest of an unfinished frame will not come."""
        self._rest = b""

    def _packet(self, track: Track, payload: bytes) -> Packet | None:
        if self._stamp is None or not payload:
            return None
        samples = packet_samples(track, payload)
        dts = self._retimer.audio(track, round(self._stamp), samples)
        self._stamp += samples * 90_000 / track.clock_rate
        return Packet(track, dts, dts, payload)
