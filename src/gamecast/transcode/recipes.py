"""Recipes: what a transcode turns a track into."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gamecast.media.track import Codec

_AUDIO_BITRATE = {Codec.OPUS: 128_000, Codec.AAC: 160_000}
_CATCH_UP = 0.2
_WHOLE_GROUP = 30.0
_VIDEO = (Codec.H264, Codec.VP8)


class Profile(StrEnum):
    """H.264 profiles that the re-encode can be asked for (ITU-T H.264 section A.2)."""

    HIGH = "high"
    CONSTRAINED_BASELINE = "constrained-baseline"


@dataclass(slots=True, frozen=True, kw_only=True)
class AudioRecipe:
    """Any audio codec to 48 kHz stereo Opus (20 ms packets) or AAC-LC."""

    codec: Codec = Codec.OPUS
    """``OPUS`` or ``AAC``."""
    bitrate: int = 0
    """Bits per second; 0 means 128 000 for Opus, 160 000 for AAC."""
    catch_up_seconds: float = -1.0
    """How much of a cached group is transcoded too; by default 0.2 for Opus, which goes to players
    that begin now, and all of it for AAC, whose players begin with the group."""

    def __post_init__(self) -> None:
        if self.codec not in _AUDIO_BITRATE:
            raise ValueError(f"no audio is made of {self.codec}")
        if not self.bitrate:
            object.__setattr__(self, "bitrate", _AUDIO_BITRATE[self.codec])
        if self.catch_up_seconds < 0:
            seconds = _CATCH_UP if self.codec is Codec.OPUS else _WHOLE_GROUP
            object.__setattr__(self, "catch_up_seconds", seconds)


@dataclass(slots=True, frozen=True, kw_only=True)
class VideoRecipe:
    """Any video codec to one of the same size in which no picture is reordered."""

    codec: Codec = Codec.H264
    """``H264``, or ``VP8`` for those who cannot decode that."""
    profile: Profile = Profile.HIGH
    """Of H.264."""
    bitrate: int = 0
    """Most bits per second; 0 means a little more than the source has, or by the picture's size."""
    max_bitrate: int = 8_000_000
    """Upper bound of a bitrate that is measured or guessed."""
    encoder: str = "auto"
    """``auto`` (hardware if it works, else software) or FFmpeg's name, such as ``libx264``."""
    threads: int = 0
    """Encoder threads; 0 means as many as the machine has cores, at most 4."""

    def __post_init__(self) -> None:
        if self.codec not in _VIDEO:
            raise ValueError(f"no video is made of {self.codec}")


Recipe = AudioRecipe | VideoRecipe
