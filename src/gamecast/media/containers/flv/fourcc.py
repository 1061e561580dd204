"""The numbers and names that FLV and Enhanced RTMP give to codecs and packet types.

Sources: Adobe, "Video File Format Specification" version 10.1, annex E; Veovera, "Enhanced RTMP"
version 2, sections "Enhanced Audio" and "Enhanced Video".
"""

from __future__ import annotations

from enum import IntEnum

from gamecast.media.track import Codec

VIDEO_FOURCC = {
    Codec.H264: b"avc1",
    Codec.HEVC: b"hvc1",
    Codec.AV1: b"av01",
    Codec.VP9: b"vp09",
    Codec.VP8: b"vp08",
}
AUDIO_FOURCC = {
    Codec.AAC: b"mp4a",
    Codec.OPUS: b"Opus",
    Codec.MP3: b".mp3",
    Codec.FLAC: b"fLaC",
    Codec.AC3: b"ac-3",
    Codec.EAC3: b"ec-3",
}
VIDEO_CODEC = {fourcc: codec for codec, fourcc in VIDEO_FOURCC.items()}
AUDIO_CODEC = {fourcc: codec for codec, fourcc in AUDIO_FOURCC.items()}


class TagType(IntEnum):
    """FLV tag types, which are RTMP message types too (section E.4.1)."""

    AUDIO = 8
    VIDEO = 9
    SCRIPT = 18


class FrameType(IntEnum):
    """Upper bits of a video tag (section E.4.3.1)."""

    KEY = 1
    INTER = 2
    DISPOSABLE = 3
    GENERATED_KEY = 4
    COMMAND = 5


class VideoCodecId(IntEnum):
    """Lower bits of a legacy video tag; 12 is an extension in wide use in China."""

    AVC = 7
    HEVC = 12


class SoundFormat(IntEnum):
    """Upper bits of an audio tag (section E.4.2.1)."""

    MP3 = 2
    EX_HEADER = 9
    AAC = 10
    MP3_8K = 14


class LegacyPacketType(IntEnum):
    """AVCPacketType and AACPacketType (sections E.4.2.2 and E.4.3.2)."""

    SEQUENCE_HEADER = 0
    DATA = 1
    END_OF_SEQUENCE = 2


class VideoPacketType(IntEnum):
    """Lower bits of an enhanced video tag."""

    SEQUENCE_START = 0
    CODED_FRAMES = 1
    SEQUENCE_END = 2
    CODED_FRAMES_X = 3
    METADATA = 4
    MPEG2TS_SEQUENCE_START = 5
    MULTITRACK = 6
    MOD_EX = 7


class AudioPacketType(IntEnum):
    """Lower bits of an enhanced audio tag."""

    SEQUENCE_START = 0
    CODED_FRAMES = 1
    SEQUENCE_END = 2
    MULTICHANNEL_CONFIG = 4
    MULTITRACK = 5
    MOD_EX = 7


class MultitrackType(IntEnum):
    """AvMultitrackType."""

    ONE_TRACK = 0
    MANY_TRACKS = 1
    MANY_TRACKS_MANY_CODECS = 2
