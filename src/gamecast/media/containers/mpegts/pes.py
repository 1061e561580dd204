"""Packetized elementary stream headers, both ways (H.222.0 section 2.4.3.6)."""

from __future__ import annotations

from gamecast.media.errors import MediaError

MAX_PES = 8 * 1024 * 1024
"""Bytes of one PES packet that are gathered before it is given up."""
STAMP_MASK = (1 << 33) - 1

VIDEO_STREAM_ID = 0xE0
AUDIO_STREAM_ID = 0xC0
PRIVATE_STREAM_1 = 0xBD

_BARE = frozenset({0xBC, 0xBE, 0xBF, 0xF0, 0xF1, 0xF2, 0xF8, 0xFF})
"""stream_id values of packets without the optional header (section 2.4.3.7)."""


def parse_header(data: bytes) -> tuple[int, int | None, int | None]:
    """Where the payload begins, PTS and DTS (33-bit ticks of 90 kHz; ``None`` where not given).

    DTS is the PTS where only that is there. ``MediaError`` when it is no PES packet of media.
    """
    if len(data) < 9 or data[:3] != b"\x00\x00\x01" or data[3] in _BARE or data[6] & 0xC0 != 0x80:
        raise MediaError("not a PES packet of an elementary stream")
    if data[6] & 0x30:
        raise MediaError("PES packet is scrambled")
    start = 9 + data[8]
    flags = data[7] >> 6
    needed = (0, 0, 5, 10)[flags]
    if start > len(data) or data[8] < needed:
        raise MediaError("PES header is cut short")
    if not needed:
        return start, None, None
    pts = _read_stamp(data, 9)
    return start, pts, _read_stamp(data, 14) if flags == 3 else pts


def packet_length(data: bytes) -> int:
    """The whole length that the first six bytes give, 0 where they leave it open."""
    if len(data) < 6:
        return 0
    length = data[4] << 8 | data[5]
    return length + 6 if length else 0


def build_header(stream_id: int, size: int, pts: int, dts: int | None) -> bytes:
    """A PES header for ``size`` bytes; a length above 65535 is left open, which is for video only.

    ``dts`` is ``None`` where it is the same as ``pts``.
    """
    stamps = _write_stamp(2 if dts is None else 3, pts)
    if dts is not None:
        stamps += _write_stamp(1, dts)
    length = 3 + len(stamps) + size
    if length > 0xFFFF:
        length = 0
    flags = 0x80 if dts is None else 0xC0
    head = b"\x00\x00\x01" + bytes((stream_id,)) + length.to_bytes(2, "big")
    return head + bytes((0x84, flags, len(stamps))) + stamps  # 0x84: data_alignment_indicator


def _read_stamp(data: bytes, at: int) -> int:
    return (
        (data[at] & 0x0E) << 29
        | data[at + 1] << 22
        | (data[at + 2] & 0xFE) << 14
        | data[at + 3] << 7
        | data[at + 4] >> 1
    )


def _write_stamp(prefix: int, stamp: int) -> bytes:
    stamp &= STAMP_MASK
    return bytes(
        (
            prefix << 4 | stamp >> 29 & 0x0E | 1,
            stamp >> 22 & 0xFF,
            stamp >> 14 & 0xFE | 1,
            stamp >> 7 & 0xFF,
            stamp << 1 & 0xFE | 1,
        )
    )
