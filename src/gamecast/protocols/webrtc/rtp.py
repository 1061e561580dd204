"""RTP packets (RFC 3550 section 5) and header extensions (RFC 8285), parsed and built.

Parsing is strict about lengths and knows no payload. Builders take plain values, for the packagers
make a header once and share it.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

from gamecast.protocols.webrtc.errors import WebRtcError

ONE_BYTE_PROFILE = 0xBEDE
TWO_BYTE_PROFILE = 0x1000
_HEADER = struct.Struct("!BBHII")


@dataclass(slots=True)
class RtpPacket:
    """One packet. ``sequence`` is 16 bits, ``timestamp`` and ``ssrc`` 32 bits, as on the wire."""

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    """Without padding."""
    marker: bool = False
    csrcs: list[int] = field(default_factory=list)
    extensions: dict[int, bytes] = field(default_factory=dict)
    """Header extension elements by their negotiated id."""
    padding_size: int = 0


def parse_rtp(data: bytes) -> RtpPacket:
    """A whole packet. Raises WebRtcError."""
    if len(data) < 12:
        raise WebRtcError("RTP packet shorter than its header")
    first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(data)
    if first >> 6 != 2:
        raise WebRtcError("RTP version is not 2")
    offset = 12 + 4 * (first & 15)
    if len(data) < offset:
        raise WebRtcError("RTP packet shorter than its CSRC list")
    packet = RtpPacket(second & 127, sequence, timestamp, ssrc, b"", second > 127)
    if first & 15:
        packet.csrcs = list(struct.unpack_from(f"!{first & 15}I", data, 12))
    if first & 0x10:
        offset, packet.extensions = _parse_extension(data, offset)
    end = len(data)
    if first & 0x20:
        packet.padding_size = data[-1]
        end -= packet.padding_size
        if packet.padding_size == 0 or end < offset:
            raise WebRtcError("RTP padding is larger than the payload")
    packet.payload = data[offset:end]
    return packet


def _parse_extension(data: bytes, offset: int) -> tuple[int, dict[int, bytes]]:
    if len(data) < offset + 4:
        raise WebRtcError("RTP packet shorter than its extension header")
    profile, words = struct.unpack_from("!HH", data, offset)
    start = offset + 4
    end = start + 4 * words
    if len(data) < end:
        raise WebRtcError("RTP packet shorter than its header extension")
    if profile == ONE_BYTE_PROFILE:
        return end, _parse_one_byte(data[start:end])
    if profile & 0xFFF0 == TWO_BYTE_PROFILE:
        return end, _parse_two_byte(data[start:end])
    return end, {}


def _parse_one_byte(data: bytes) -> dict[int, bytes]:
    """RFC 8285 section 4.2: id 0 is padding, id 15 ends the list."""
    found: dict[int, bytes] = {}
    offset = 0
    while offset < len(data):
        identifier, size = data[offset] >> 4, (data[offset] & 15) + 1
        offset += 1
        if identifier == 0:
            continue
        if identifier == 15:
            break
        if offset + size > len(data):
            raise WebRtcError("RTP header extension element runs past the extension")
        found[identifier] = data[offset : offset + size]
        offset += size
    return found


def _parse_two_byte(data: bytes) -> dict[int, bytes]:
    """RFC 8285 section 4.3."""
    found: dict[int, bytes] = {}
    offset = 0
    while offset < len(data):
        identifier = data[offset]
        offset += 1
        if identifier == 0:
            continue
        if offset >= len(data) or offset + 1 + data[offset] > len(data):
            raise WebRtcError("RTP header extension element runs past the extension")
        size = data[offset]
        found[identifier] = data[offset + 1 : offset + 1 + size]
        offset += 1 + size
    return found


def build_extensions(elements: Mapping[int, bytes]) -> bytes:
    """The extension block (profile, length, elements, padding), empty for no elements.

    One-byte form where it fits (ids 1 to 14, 1 to 16 bytes each), else the two-byte form.
    """
    if not elements:
        return b""
    short = all(1 <= each <= 14 and 1 <= len(v) <= 16 for each, v in elements.items())
    if short:
        profile = ONE_BYTE_PROFILE
        body = b"".join(bytes([i << 4 | len(v) - 1]) + v for i, v in elements.items())
    else:
        profile = TWO_BYTE_PROFILE
        body = b"".join(bytes([i, len(v)]) + v for i, v in elements.items())
    body += bytes(-len(body) % 4)
    return struct.pack("!HH", profile, len(body) // 4) + body


def build_header(
    *,
    payload_type: int,
    sequence: int,
    timestamp: int,
    ssrc: int,
    marker: bool = False,
    extension_block: bytes = b"",
) -> bytes:
    """A header without CSRCs; ``extension_block`` is what :func:`build_extensions` made."""
    first = 0x90 if extension_block else 0x80
    second = payload_type | 0x80 if marker else payload_type
    return _HEADER.pack(first, second, sequence, timestamp, ssrc) + extension_block


def build_rtp(packet: RtpPacket) -> bytes:
    """A whole packet, padding included."""
    block = build_extensions(packet.extensions)
    header = bytearray(
        build_header(
            payload_type=packet.payload_type,
            sequence=packet.sequence,
            timestamp=packet.timestamp,
            ssrc=packet.ssrc,
            marker=packet.marker,
            extension_block=block,
        )
    )
    header[0] |= len(packet.csrcs)
    header[12:12] = struct.pack(f"!{len(packet.csrcs)}I", *packet.csrcs)
    if not packet.padding_size:
        return bytes(header) + packet.payload
    header[0] |= 0x20
    padding = bytes(packet.padding_size - 1) + bytes([packet.padding_size])
    return bytes(header) + packet.payload + padding
