"""Opus: identification header, ``dOps``, packet durations (RFC 7845, RFC 6716, Opus in ISOBMFF)."""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct

from gamecast.media.errors import MediaError

CLOCK_RATE = 48_000
"""Opus counts time at 48 kHz whatever was encoded (RFC 7845 section 4)."""
MAX_SAMPLES = 5760
"""A packet lasts 120 ms at the most (RFC 6716 section 3.2.5)."""

_MAGIC = b"OpusHead"
_HEAD = Struct("<BBHIhB")
_DOPS = Struct(">BBHIhB")
_SILK_SAMPLES = (480, 960, 1920, 2880)
_CELT_SAMPLES = (120, 240, 480, 960)


@dataclass(slots=True, frozen=True)
class OpusConfig:
    """What ``OpusHead`` and ``dOps`` hold."""

    channels: int
    pre_skip: int = 0
    """Samples at 48 kHz to throw away at the start."""
    input_sample_rate: int = CLOCK_RATE
    output_gain: int = 0
    """In 1/256 dB."""
    mapping_family: int = 0
    mapping: bytes = b""
    """Stream count, coupled count and channel mapping; empty for family 0."""


def parse_opus_head(data: bytes) -> OpusConfig:
    """Parse an ``OpusHead`` packet (RFC 7845 section 5.1)."""
    if len(data) < 19 or data[:8] != _MAGIC or data[8] & 0xF0:
        raise MediaError("not an OpusHead packet of version 1")
    return _checked(_HEAD.unpack_from(data, 8), data[19:])


def parse_dops(data: bytes) -> OpusConfig:
    """Parse the body of a ``dOps`` box (Opus in ISOBMFF section 4.3.2)."""
    if len(data) < 11 or data[0] != 0:
        raise MediaError("dOps is too short or not of version 0")
    return _checked(_DOPS.unpack_from(data), data[11:])


def _checked(fields: tuple[int, ...], mapping: bytes) -> OpusConfig:
    _, channels, pre_skip, rate, gain, family = fields
    needed = 2 + channels if family else 0
    if not channels or (not family and channels > 2) or len(mapping) < needed:
        raise MediaError("Opus header with an impossible channel mapping")
    return OpusConfig(channels, pre_skip, rate, gain, family, mapping[:needed])


def build_opus_head(config: OpusConfig) -> bytes:
    """Build an ``OpusHead`` packet."""
    return _MAGIC + _HEAD.pack(1, *_fields(config)) + config.mapping


def build_dops(config: OpusConfig) -> bytes:
    """Build the body of a ``dOps`` box."""
    return _DOPS.pack(0, *_fields(config)) + config.mapping


def _fields(config: OpusConfig) -> tuple[int, int, int, int, int]:
    return (
        config.channels,
        config.pre_skip,
        config.input_sample_rate,
        config.output_gain,
        config.mapping_family,
    )


def packet_samples(data: bytes) -> int:
    """Return the duration of a packet in samples at 48 kHz, from its TOC (RFC 6716 section 3.1)."""
    if not data:
        raise MediaError("Opus packet is empty")
    config, code = data[0] >> 3, data[0] & 3
    if config < 12:
        samples = _SILK_SAMPLES[config & 3]
    elif config < 16:
        samples = _SILK_SAMPLES[config & 1]
    else:
        samples = _CELT_SAMPLES[config & 3]
    if code == 3 and len(data) < 2:
        raise MediaError("Opus packet without its frame count")
    samples *= (1, 2, 2, data[1] & 0x3F if code == 3 else 0)[code]
    if not 0 < samples <= MAX_SAMPLES:
        raise MediaError("Opus packet of no frame or of more than 120 ms")
    return samples
