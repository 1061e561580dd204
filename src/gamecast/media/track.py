"""Track: one elementary stream and its codec configuration."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

VIDEO_CLOCK_RATE = 90_000
"""Ticks per second of every video track inside the program."""


class Kind(StrEnum):
    """What a track carries."""

    VIDEO = "video"
    AUDIO = "audio"


class Codec(StrEnum):
    """Codecs by the names that the API, the command line and the logs use."""

    H264 = "h264"
    HEVC = "hevc"
    AV1 = "av1"
    VP8 = "vp8"
    VP9 = "vp9"
    AAC = "aac"
    OPUS = "opus"
    MP3 = "mp3"
    FLAC = "flac"
    AC3 = "ac3"
    EAC3 = "eac3"


@dataclass(slots=True, frozen=True)
class Color:
    """Colour description by the code points of ITU-T H.273 (CICP); 2 means unspecified."""

    primaries: int = 2
    transfer: int = 2
    matrix: int = 2
    full_range: bool = False


@dataclass(slots=True, frozen=True, kw_only=True)
class Track:
    """One elementary stream. A changed configuration is a new ``Track`` with the same ``id``.

    ``config`` is the decoder configuration in the form that MP4 stores it: the body of ``avcC``,
    ``hvcC``, ``av1C`` or ``vpcC``; the AudioSpecificConfig; the ``OpusHead`` packet of RFC 7845
    section 5.1; the FLAC STREAMINFO block; empty where the codec has none (VP8, MP3, AC-3).

    Build one with ``gamecast.media.codecs.video_track`` or ``audio_track``, which fill in
    what the configuration says.
    """

    id: int
    """Unique in its stream: 0 is the first video track, 1 the first audio track, others follow."""
    kind: Kind
    codec: Codec
    clock_rate: int
    """Ticks per second of this track's packets: 90 000 for video, the sample rate for audio."""
    config: bytes = b""
    codec_string: str = ""
    """RFC 6381, for example ``avc1.64001f`` or ``mp4a.40.2``."""
    width: int = 0
    height: int = 0
    fps: Fraction | None = None
    """Nominal frame rate from the configuration; ``None`` where it does not say."""
    reorder_depth: int = 0
    """Frames by which the configuration allows output to lag decoding; 0 means no B-frames."""
    color: Color | None = None
    sample_rate: int = 0
    channels: int = 0
    samples_per_frame: int = 0
    """Samples in one audio frame (1024 for AAC-LC, 960 for 20 ms Opus); 0 where it varies."""
