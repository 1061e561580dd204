"""The four bytes in front of every RTCP packet (RFC 3550 section 6.1)."""

from __future__ import annotations

import struct


def packet_bytes(packet_type: int, count: int, body: bytes) -> bytes:
    """A packet from its type, its 5-bit count or format, and a body of whole 32-bit words."""
    if len(body) % 4 or count > 31:
        raise ValueError("an RTCP body is whole words, its count at most 31")
    return struct.pack("!BBH", 0x80 | count, packet_type, len(body) // 4) + body
