"""AC-3 and E-AC-3: sync frame header (ETSI TS 102 366 sections 4.3 and E.1.2)."""

from __future__ import annotations

from dataclasses import dataclass

from gamecast.media.codecs.bits import BitReader
from gamecast.media.errors import MediaError

_RATES = (48000, 44100, 32000)
_CHANNELS = (2, 1, 2, 3, 3, 4, 4, 5)
"""Full-range channels by acmod (table 4.3)."""
_BLOCKS = (1, 2, 3, 6)
_SAMPLES_PER_BLOCK = 256


@dataclass(slots=True, frozen=True)
class FrameHeader:
    """One sync frame header."""

    enhanced: bool
    sample_rate: int
    channels: int
    samples: int


def parse_frame_header(data: bytes) -> FrameHeader:
    """Parse the start of a sync frame of either kind; bsid tells them apart (section E.1.3.1.6)."""
    if len(data) < 8 or data[:2] != b"\x0b\x77":
        raise MediaError("not an AC-3 sync frame")
    bsid = data[5] >> 3
    if bsid > 16:
        raise MediaError(f"AC-3 bitstream {bsid} is unknown")
    return _parse_enhanced(data) if bsid > 10 else _parse_plain(data, max(bsid - 8, 0))


def _parse_plain(data: bytes, halvings: int) -> FrameHeader:
    bits = BitReader(data[4:16])
    rate_code = bits.read(2)
    if rate_code == 3:
        raise MediaError("AC-3 sample rate code is reserved")
    bits.skip(6 + 5 + 3)  # frmsizecod, bsid, bsmod
    mode = bits.read(3)
    if mode & 1 and mode != 1:
        bits.skip(2)  # cmixlev
    if mode & 4:
        bits.skip(2)  # surmixlev
    if mode == 2:
        bits.skip(2)  # dsurmod
    channels = _CHANNELS[mode] + bits.read(1)
    return FrameHeader(False, _RATES[rate_code] >> halvings, channels, 6 * _SAMPLES_PER_BLOCK)


def _parse_enhanced(data: bytes) -> FrameHeader:
    bits = BitReader(data[2:8])
    bits.skip(2 + 3 + 11)  # strmtyp, substreamid, frmsiz
    rate_code, low = bits.read(2), bits.read(2)
    if rate_code == 3:
        if low == 3:
            raise MediaError("E-AC-3 sample rate code is reserved")
        rate, blocks = _RATES[low] // 2, 6
    else:
        rate, blocks = _RATES[rate_code], _BLOCKS[low]
    channels = _CHANNELS[bits.read(3)] + bits.read(1)
    return FrameHeader(True, rate, channels, blocks * _SAMPLES_PER_BLOCK)
