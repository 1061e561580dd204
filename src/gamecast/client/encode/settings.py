"""What to encode: sizes, rates and the trade between delay and quality."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from gamecast.media.track import Codec


class EncoderError(Exception):
    """No encoder could be opened, or one broke; the message is one clear line for the user."""


class Latency(StrEnum):
    """How much delay the encoder may add for quality (B-frames, look-ahead, rate buffer)."""

    QUALITY = "quality"
    LOW = "low"
    ULTRA = "ultra"


@dataclass(slots=True, frozen=True, kw_only=True)
class VideoSettings:
    """One video encode."""

    width: int
    height: int
    fps: Fraction
    bitrate: int
    """Bits per second, constant."""
    codec: Codec = Codec.H264
    latency: Latency = Latency.LOW
    keyframe_interval: float = 2.0
    """Seconds between keyframes."""
    b_frames: bool = True
    """Whether the encoder may reorder; it does so only where ``latency`` leaves the time."""

    @property
    def reorder(self) -> bool:
        """Whether pictures may be sent in another order than they are shown."""
        return self.b_frames and self.latency is Latency.QUALITY

    @property
    def gop(self) -> int:
        """Frames from keyframe to keyframe."""
        return max(1, round(self.keyframe_interval * self.fps))

    @property
    def buffer_bits(self) -> int:
        """Size of the rate buffer: a second, half a second, or two frames."""
        match self.latency:
            case Latency.QUALITY:
                return self.bitrate
            case Latency.LOW:
                return self.bitrate // 2
            case Latency.ULTRA:
                return max(1, round(2 * self.bitrate / self.fps))


@dataclass(slots=True, frozen=True, kw_only=True)
class AudioSettings:
    """One audio encode."""

    codec: Codec = Codec.AAC
    rate: int = 48_000
    channels: int = 2
    bitrate: int = 160_000


def default_bitrate(width: int, height: int, fps: Fraction, codec: Codec) -> int:
    """Bits per second that game pictures of this size need, from streaming services' tables.

    720p30 3 Mbit/s, 720p60 4.5, 1080p30 5, 1080p60 7.5, 1440p60 12; HEVC and AV1 a third less.
    """
    megapixels = width * height / 1e6
    bitrate: float = 3.2e6 * megapixels**0.7 * (1.0 if fps <= 30 else 1.5)
    if codec is not Codec.H264:
        bitrate *= 0.67
    return max(200_000, round(bitrate / 100_000) * 100_000)
