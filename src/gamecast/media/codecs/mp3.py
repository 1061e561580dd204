"""MPEG-1/2/2.5 audio: frame header (ISO/IEC 11172-3 section 2.4.1.3)."""

from __future__ import annotations

from dataclasses import dataclass

from gamecast.media.errors import MediaError

_RATES = (44100, 48000, 32000)


@dataclass(slots=True, frozen=True)
class FrameHeader:
    """One frame header."""

    layer: int
    sample_rate: int
    channels: int
    samples: int


def parse_frame_header(data: bytes) -> FrameHeader:
    """Parse the four bytes at the start of a frame."""
    if len(data) < 4 or data[0] != 0xFF or data[1] & 0xE0 != 0xE0:
        raise MediaError("not an MPEG audio frame")
    version, layer_code, rate_index = data[1] >> 3 & 3, data[1] >> 1 & 3, data[2] >> 2 & 3
    if version == 1 or layer_code == 0 or rate_index == 3:
        raise MediaError("MPEG audio frame header with a reserved value")
    layer = 4 - layer_code
    halvings = {3: 0, 2: 1, 0: 2}[version]
    samples = {1: 384, 2: 1152, 3: 1152 if version == 3 else 576}[layer]
    channels = 1 if data[3] >> 6 == 3 else 2
    return FrameHeader(layer, _RATES[rate_index] >> halvings, channels, samples)
