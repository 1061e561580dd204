"""Video messages into tracks and packets: legacy H.264 and HEVC, and Enhanced RTMP.

Sources: Adobe, "Video File Format Specification" version 10.1, section E.4.3; Veovera, "Enhanced
RTMP" version 2, section "Enhanced Video". HEVC as codec id 12 follows common practice.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from gamecast.media.codecs import av1, frames, nal, vp8, vp9
from gamecast.media.codecs.tracks import video_track
from gamecast.media.containers.flv import enhanced, metadata
from gamecast.media.containers.flv.fourcc import (
    VIDEO_CODEC,
    FrameType,
    LegacyPacketType,
    VideoCodecId,
    VideoPacketType,
)
from gamecast.media.containers.flv.state import Numbers
from gamecast.media.errors import MediaError
from gamecast.media.packet import Packet
from gamecast.media.timing import MillisecondRetimer
from gamecast.media.track import VIDEO_CLOCK_RATE, Codec, Color, Kind, Track

_LEGACY = {VideoCodecId.AVC: Codec.H264, VideoCodecId.HEVC: Codec.HEVC}
_LENGTH_SIZE_AT = {Codec.H264: 4, Codec.HEVC: 21}
"""Where ``avcC`` and ``hvcC`` keep lengthSizeMinusOne, in the two low bits of a byte."""
_UNSPECIFIED = (None, Color(), Color(full_range=True))
_SECOND = 1_000_000_000
_HALF_SECOND = _SECOND // 2


@dataclass(slots=True)
class _Input:
    """What is known of one track."""

    id: int
    codec: Codec | None = None
    config: bytes = b""
    """As the encoder sent it, to tell a repeated sequence header from a new one."""
    length_size: int = 4
    base: Track | None = None
    """As the bitstream describes it."""
    color: Color | None = None
    """From a metadata frame, for bitstreams that do not say."""
    track: Track | None = None
    """``base`` with ``color``: what packets refer to."""


@dataclass(slots=True)
class _Timing:
    """Decoding stamp and composition time in milliseconds, and what is to be added, in ticks."""

    stamp: int
    composition: int
    ticks: int = 0


class VideoReader:
    """The video half of a ``TagReader``."""

    __slots__ = ("_inputs", "_numbers", "_retimer", "_tracks")

    def __init__(
        self, tracks: dict[int, Track], numbers: Numbers, retimer: MillisecondRetimer
    ) -> None:
        self._tracks = tracks
        self._numbers = numbers
        self._retimer = retimer
        self._inputs: dict[int, _Input] = {}

    def read(self, stamp: int, payload: bytes) -> list[Packet]:
        """Packets of one message stamped in milliseconds. Raises :class:`MediaError`."""
        if not payload:
            return []
        if payload[0] & 0x80:
            return self._read_enhanced(stamp, payload)
        return self._read_legacy(stamp, payload)

    def _read_legacy(self, stamp: int, payload: bytes) -> list[Packet]:
        if payload[0] >> 4 == FrameType.COMMAND:
            return []
        codec = _LEGACY.get(payload[0] & 0x0F)  # type: ignore[call-overload]
        if codec is None:
            raise MediaError(f"unsupported FLV video codec {payload[0] & 0x0F}")
        if len(payload) < 5:
            raise MediaError("FLV video tag is cut short")
        track = self._input(0)
        if track is None or payload[1] == LegacyPacketType.END_OF_SEQUENCE:
            return []
        if payload[1] == LegacyPacketType.SEQUENCE_HEADER:
            self._configure(track, codec, payload[5:])
            return []
        if payload[1] != LegacyPacketType.DATA:
            raise MediaError(f"unknown FLV video packet type {payload[1]}")
        timing = _Timing(stamp, _signed24(payload, 2))
        packet = self._packet(track, codec, timing, payload[5:])
        return [] if packet is None else [packet]

    def _read_enhanced(self, stamp: int, payload: bytes) -> list[Packet]:
        message = enhanced.parse_video(payload)
        nanoseconds = message.nanoseconds
        timing = _Timing(stamp, 0, (nanoseconds * VIDEO_CLOCK_RATE + _HALF_SECOND) // _SECOND)
        packets: list[Packet] = []
        for part in message.parts:
            packet = self._read_part(message.packet_type, part, timing, payload)
            if packet is not None:
                packets.append(packet)
        return packets

    def _read_part(
        self, packet_type: int, part: enhanced.Part, timing: _Timing, payload: bytes
    ) -> Packet | None:
        codec = VIDEO_CODEC.get(part.fourcc)
        if codec is None:
            raise MediaError(f"unsupported video FourCC {part.fourcc!r}")
        track = self._input(part.track_id)
        if track is None:
            return None
        if packet_type in (VideoPacketType.CODED_FRAMES, VideoPacketType.CODED_FRAMES_X):
            start = part.start
            timing.composition = 0
            if packet_type == VideoPacketType.CODED_FRAMES and codec in _LENGTH_SIZE_AT:
                if part.end - start < 3:
                    raise MediaError("enhanced video frame is cut short")
                timing.composition = _signed24(payload, start)
                start += 3
            return self._packet(track, codec, timing, payload[start : part.end])
        self._control(packet_type, track, codec, payload[part.start : part.end])
        return None

    def _control(self, packet_type: int, track: _Input, codec: Codec, body: bytes) -> None:
        if packet_type == VideoPacketType.SEQUENCE_START:
            self._configure(track, codec, body)
        elif packet_type == VideoPacketType.MPEG2TS_SEQUENCE_START:
            if codec is not Codec.AV1:
                raise MediaError(f"no MPEG-2 TS sequence start is defined for {codec}")
            self._configure(track, codec, _av1c_from_descriptor(body))
        elif packet_type == VideoPacketType.METADATA:
            self._recolor(track, metadata.parse_color(body))
        elif packet_type != VideoPacketType.SEQUENCE_END:
            raise MediaError(f"unknown enhanced video packet type {packet_type}")

    def _input(self, number: int) -> _Input | None:
        found = self._inputs.get(number)
        if found is None:
            id = self._numbers.allocate(Kind.VIDEO)
            if id is None:
                return None
            found = self._inputs[number] = _Input(id)
        return found

    def _configure(self, track: _Input, codec: Codec, config: bytes) -> None:
        if codec is track.codec and config == track.config:
            return
        if codec is Codec.VP8:
            self._start_over(track, codec, config)
            return
        made, length_size = _normalised(codec, config)
        new = video_track(codec, made, id=track.id)
        self._start_over(track, codec, config)
        track.length_size = length_size
        # VP9 has no size in its configuration, nor has AV1 without a sequence header in it; the
        # first keyframe gives what is missing, see _complete.
        if new.width:
            self._announce(track, new)

    def _start_over(self, track: _Input, codec: Codec, config: bytes) -> None:
        track.codec, track.config, track.base, track.track = codec, config, None, None
        self._tracks.pop(track.id, None)

    def _announce(self, track: _Input, base: Track) -> None:
        track.base = base
        new = base
        if track.color is not None and base.color in _UNSPECIFIED:
            full_range = base.color is not None and base.color.full_range
            new = replace(base, color=replace(track.color, full_range=full_range))
        if new != track.track:
            track.track = self._tracks[track.id] = new

    def _recolor(self, track: _Input, color: Color | None) -> None:
        track.color = color
        if track.base is not None:
            self._announce(track, track.base)

    def _packet(self, track: _Input, codec: Codec, timing: _Timing, data: bytes) -> Packet | None:
        if codec is not track.codec:
            if codec not in (Codec.VP8, Codec.VP9):
                return None  # nothing can be decoded before the sequence header
            self._start_over(track, codec, b"")
        if codec in _LENGTH_SIZE_AT:
            data = nal.normalise(data, track.length_size)
        elif codec is Codec.AV1:
            data = av1.normalise(data)
        if not data:
            return None
        keyframe = frames.is_keyframe(codec, data)
        if keyframe and codec not in _LENGTH_SIZE_AT:
            self._complete(track, codec, data)
        if track.track is None:
            return None
        dts, pts = self._retimer.video(track.track, timing.stamp, timing.composition)
        return Packet(track.track, dts + timing.ticks, pts + timing.ticks, data, keyframe)

    def _complete(self, track: _Input, codec: Codec, data: bytes) -> None:
        """Take from a keyframe what the configuration lacks, and follow a change of size."""
        known = track.track
        if codec is Codec.AV1:
            if known is None:
                self._announce(track, video_track(codec, av1.build_av1c(data), id=track.id))
            return
        if codec is Codec.VP8:
            width, height = vp8.frame_size(data)
        else:
            header = vp9.parse_frame_header(data)
            width, height = header.width, header.height
        if known is not None and (known.width, known.height) == (width, height):
            return
        config = track.config
        if codec is Codec.VP9 and not config:
            config = vp9.build_vpcc(vp9.config_from_keyframe(data))
        made = video_track(codec, config, id=track.id, width=width, height=height)
        self._announce(track, made)


def _normalised(codec: Codec, config: bytes) -> tuple[bytes, int]:
    """The configuration with 4-byte lengths, and how long they were."""
    at = _LENGTH_SIZE_AT.get(codec)
    if at is None or len(config) <= at:
        return config, 4
    length_size = (config[at] & 3) + 1
    if length_size == 3:
        raise MediaError("3-byte NAL unit lengths, which the standard forbids")
    return config[:at] + bytes([config[at] | 3]) + config[at + 1 :], length_size


def _signed24(payload: bytes, position: int) -> int:
    return int.from_bytes(payload[position : position + 3], "big", signed=True)


def _av1c_from_descriptor(body: bytes) -> bytes:
    """``av1C`` without a sequence header, from an AV1 video descriptor (AV1 in MPEG-2 TS, 2.2).

    Its first three bytes of content are those of ``av1C``; the fourth differs in two bits.
    """
    if body[:1] == b"\x80" and len(body) >= 6:
        body = body[2:]
    if len(body) < 4:
        raise MediaError("AV1 video descriptor is cut short")
    return body[:3] + bytes([body[3] & 0x1F])
