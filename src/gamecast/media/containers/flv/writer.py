"""TagWriter: packets into the messages that FLV files, HTTP-FLV and RTMP share.

Source: Adobe, "Video File Format Specification" version 10.1, sections E.4.2 and E.4.3; Veovera,
"Enhanced RTMP" version 2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from gamecast.media.containers.flv import enhanced, metadata, tags
from gamecast.media.containers.flv.fourcc import (
    AUDIO_FOURCC,
    VIDEO_FOURCC,
    AudioPacketType,
    FrameType,
    SoundFormat,
    TagType,
    VideoCodecId,
    VideoPacketType,
)
from gamecast.media.packet import Packet
from gamecast.media.track import Codec, Kind, Track

Message = tuple[int, int, bytes]
"""Tag type, timestamp in milliseconds modulo 2**32, payload."""

_KEY, _INTER = FrameType.KEY << 4 | VideoCodecId.AVC, FrameType.INTER << 4 | VideoCodecId.AVC
# 44 kHz, 16 bit, stereo: what the standard has AAC say, whatever the audio is.
_AAC = bytes([SoundFormat.AAC << 4 | 0x0F])
_MP3_RATES = {11_025: 1, 22_050: 2, 44_100: 3}
"""SoundRate (section E.4.2.1); MP3 at other rates is written as Enhanced RTMP."""
_MAX_CTS = (1 << 23) - 1
_NO_CONFIG = frozenset({Codec.VP8, Codec.MP3, Codec.AC3, Codec.EAC3})
_REORDERED = frozenset({Codec.H264, Codec.HEVC})


class TagWriter:
    """Writes the packets of some tracks as FLV tags or RTMP messages.

    H.264, AAC and MP3 take the legacy form, which every player reads; all else is Enhanced RTMP.
    The
    tracks with ids 0 and 1 are the first of their kind; those from 2 on become multitrack
    messages, so leave them out for players that do not know these.

    Times are rounded to milliseconds so that ``pts`` is exact to the millisecond too: the
    composition time is the difference of the rounded times, not the rounded difference.
    """

    __slots__ = ("_metadata", "_tracks", "_writers")

    def __init__(
        self, tracks: Iterable[Track], *, extra: Mapping[str, metadata.Scalar] | None = None
    ) -> None:
        """``extra`` are more ``onMetaData`` properties, for example an encoder's name."""
        self._tracks = {track.id: track for track in tracks}
        self._metadata = metadata.describe(list(self._tracks.values()), extra)
        self._writers = {track.id: _frame_writer(track) for track in self._tracks.values()}

    def header(self, *, has_audio: bool | None = None, has_video: bool | None = None) -> bytes:
        """The FLV file header and PreviousTagSize0; by default for the tracks of this writer."""
        kinds = {track.kind for track in self._tracks.values()}
        return tags.file_header(
            has_audio=Kind.AUDIO in kinds if has_audio is None else has_audio,
            has_video=Kind.VIDEO in kinds if has_video is None else has_video,
        )

    def sequence_headers(self, timestamp_ms: int) -> list[Message]:
        """What a player needs before the first packet: ``onMetaData`` and every configuration."""
        timestamp = timestamp_ms & 0xFFFFFFFF
        script = metadata.script_payload("onMetaData", self._metadata)
        messages: list[Message] = [(TagType.SCRIPT, timestamp, script)]
        for track in self._tracks.values():
            payload = sequence_header(track)
            if payload:
                messages.append((_TAG_TYPE[track.kind], timestamp, payload))
        return messages

    def message(self, packet: Packet) -> Message:
        """``packet`` as one message; ``KeyError`` when its track is not one of this writer's."""
        rate = packet.track.clock_rate
        half = rate >> 1
        dts = (packet.dts * 1000 + half) // rate
        cts = (packet.pts * 1000 + half) // rate - dts
        write = self._writers[packet.track.id]
        return _TAG_TYPE[packet.track.kind], dts & 0xFFFFFFFF, write(packet, cts)

    @staticmethod
    def tag(tag_type: int, timestamp_ms: int, payload: bytes) -> bytes:
        """A message as an FLV tag with its PreviousTagSize."""
        return tags.encode_tag(tag_type, timestamp_ms & 0xFFFFFFFF, payload)

    @staticmethod
    def script_tag(name: str, value: object, timestamp_ms: int) -> bytes:
        """A script data tag of a name and one value (see ``amf0.encode`` for its types)."""
        payload = metadata.script_payload(name, value)
        return tags.encode_tag(TagType.SCRIPT, timestamp_ms & 0xFFFFFFFF, payload)


_TAG_TYPE = {Kind.VIDEO: TagType.VIDEO, Kind.AUDIO: TagType.AUDIO}


def sequence_header(track: Track) -> bytes:
    """The payload that carries ``track.config``; empty for codecs without one."""
    if track.codec in _NO_CONFIG:
        return b""
    number = max(0, track.id - 1)
    if track.codec is Codec.H264 and not number:
        return bytes([_KEY, 0, 0, 0, 0]) + track.config
    if track.codec is Codec.AAC and not number:
        return _AAC + b"\x00" + track.config
    if track.kind is Kind.VIDEO:
        fourcc, start = VIDEO_FOURCC[track.codec], VideoPacketType.SEQUENCE_START
        return enhanced.video_header(FrameType.KEY, start, fourcc, number) + track.config
    fourcc, start_audio = AUDIO_FOURCC[track.codec], AudioPacketType.SEQUENCE_START
    return enhanced.audio_header(start_audio, fourcc, number) + _audio_config(track)


def _audio_config(track: Track) -> bytes:
    if track.codec is Codec.FLAC:
        # The signature and the header of a last metadata block of type STREAMINFO, 34 bytes.
        return b"fLaC\x80\x00\x00\x22" + track.config
    return track.config


_FrameWriter = Callable[[Packet, int], bytes]


def _frame_writer(track: Track) -> _FrameWriter:
    """A function that puts the right header in front of a packet of ``track``."""
    number = max(0, track.id - 1)
    if track.codec is Codec.H264 and not number:
        return _write_avc
    if track.codec is Codec.AAC and not number:
        return lambda packet, _cts: b"".join((_AAC, b"\x01", packet.data))
    if track.codec is Codec.MP3 and not number and track.sample_rate in _MP3_RATES:
        mp3 = bytes([_mp3_flags(track)])
        return lambda packet, _cts: mp3 + packet.data
    if track.kind is Kind.AUDIO:
        header = enhanced.audio_header(
            AudioPacketType.CODED_FRAMES, AUDIO_FOURCC[track.codec], number
        )
        return lambda packet, _cts: header + packet.data
    return _enhanced_video_writer(track.codec, number)


def _mp3_flags(track: Track) -> int:
    rate = _MP3_RATES[track.sample_rate]
    return SoundFormat.MP3 << 4 | rate << 2 | 0x02 | (track.channels > 1)


def _write_avc(packet: Packet, cts: int) -> bytes:
    first = _KEY if packet.keyframe else _INTER
    return b"".join((bytes((first, 1)), _signed24(cts), packet.data))


def _enhanced_video_writer(codec: Codec, number: int) -> _FrameWriter:
    def header(frame_type: FrameType, packet_type: VideoPacketType) -> bytes:
        return enhanced.video_header(frame_type, packet_type, VIDEO_FOURCC[codec], number)

    types = (FrameType.INTER, FrameType.KEY)
    timed = [header(frame_type, VideoPacketType.CODED_FRAMES) for frame_type in types]
    if codec not in _REORDERED:
        return lambda packet, _cts: timed[packet.keyframe] + packet.data
    untimed = [header(frame_type, VideoPacketType.CODED_FRAMES_X) for frame_type in types]

    def write(packet: Packet, cts: int) -> bytes:
        if cts == 0:
            return untimed[packet.keyframe] + packet.data
        return b"".join((timed[packet.keyframe], _signed24(cts), packet.data))

    return write


def _signed24(value: int) -> bytes:
    bounded = max(-_MAX_CTS - 1, min(value, _MAX_CTS))
    return (bounded & 0xFFFFFF).to_bytes(3, "big")
