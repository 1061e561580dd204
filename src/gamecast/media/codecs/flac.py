"""FLAC: STREAMINFO (RFC 9639 section 8.2)."""

from __future__ import annotations

from dataclasses import dataclass

from gamecast.media.errors import MediaError

STREAM_INFO_SIZE = 34


@dataclass(slots=True, frozen=True)
class StreamInfo:
    """What STREAMINFO says of the stream; ``samples_per_frame`` is 0 where blocks vary."""

    sample_rate: int
    channels: int
    bits_per_sample: int
    samples_per_frame: int


def find_stream_info(data: bytes) -> bytes:
    """Return the 34-byte block, whether bare, behind a block header, or behind ``fLaC`` too."""
    if data[:4] == b"fLaC":
        data = data[4:]
    if len(data) > STREAM_INFO_SIZE and data[0] & 0x7F == 0 and data[1:4] == b"\x00\x00\x22":
        data = data[4:]
    if len(data) < STREAM_INFO_SIZE:
        raise MediaError("FLAC STREAMINFO is cut short")
    return data[:STREAM_INFO_SIZE]


def parse_stream_info(block: bytes) -> StreamInfo:
    """Parse a STREAMINFO block."""
    if len(block) < STREAM_INFO_SIZE:
        raise MediaError("FLAC STREAMINFO is cut short")
    smallest, largest = int.from_bytes(block[:2], "big"), int.from_bytes(block[2:4], "big")
    fields = int.from_bytes(block[10:18], "big")
    rate, channels, depth = fields >> 44, (fields >> 41 & 7) + 1, (fields >> 36 & 31) + 1
    if not rate:
        raise MediaError("FLAC STREAMINFO without a sample rate")
    return StreamInfo(rate, channels, depth, largest if smallest == largest else 0)


def frame_samples(data: bytes) -> int:
    """Return the samples in a frame, from its header (RFC 9639 section 9.1)."""
    if len(data) < 6 or data[0] != 0xFF or data[1] & 0xFE != 0xF8:
        raise MediaError("not a FLAC frame")
    code = data[2] >> 4
    if code == 0:
        raise MediaError("FLAC block size is reserved")
    if code == 1:
        return 192
    if code <= 5:
        return 144 << code
    if code >= 8:
        return 1 << code
    return _coded_block_size(data, wide=code == 7)


def _coded_block_size(data: bytes, *, wide: bool) -> int:
    """Read the block size behind the coded number, whose length its first byte gives."""
    lead = data[4]
    ones = 8 - (lead ^ 0xFF).bit_length()
    position = 4 + max(ones, 1)
    field = data[position : position + 1 + wide]
    if ones == 1 or ones == 8 or len(field) < 1 + wide:
        raise MediaError("FLAC frame header is cut short")
    return int.from_bytes(field, "big") + 1
