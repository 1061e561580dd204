"""RTP packets (RFC 3550 section 5) and header extensions (RFC 8285), parsed and built.

Parsing is strict about lengths and knows no payload. Builders take plain values, for the packagers
make a header once and share it.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from gamecast.protocols.webrtc.errors import WebRtcError

ONE_BYTE_PROFILE = 0xBEDE
TWO_BYTE_PROFILE = 0x1000
_HEADER = struct.Struct("!BBHII")
_NOTHING: Mapping[int, bytes] = MappingProxyType({})


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
    csrcs: Sequence[int] = ()
    extensions: Mapping[int, bytes] = field(default_factory=dict)
    """Header extension elements by their negotiated id."""
    padding_size: int = 0


def rtp_header_size(data: bytes) -> int:
    """Length of a header with CSRCs and extension; 0 if the packet is too short for it."""
    if len(data) < 12 or data[0] >> 6 != 2:
        return 0
    size = 12 + 4 * (data[0] & 15)
    if data[0] & 0x10:
        if len(data) < size + 4:
            return 0
        size += 4 + 4 * (data[size + 2] << 8 | data[size + 3])
    return size if len(data) >= size else 0


def parse_rtp(data: bytes) -> RtpPacket:
    """A whole packet. Raises WebRtcError."""
    size = rtp_header_size(data)
    if size == 0:
        raise WebRtcError("no RTP packet, or shorter than its header")
    return read_rtp(data, size, data[size:])


def read_rtp(data: bytes, header_size: int, payload: bytes) -> RtpPacket:
    """A packet from its header, which ``data`` begins with, and its plain payload.

    ``header_size`` is what :func:`rtp_header_size` says of ``data``. Raises WebRtcError.
    """
    first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(data)
    csrcs: Sequence[int] = ()
    extensions: Mapping[int, bytes] = _NOTHING
    padding = 0
    if first & 0x3F:  # seldom all three, often the extension
        if first & 15:
            csrcs = struct.unpack_from(f"!{first & 15}I", data, 12)
        if first & 0x10:
            extensions = _parse_extension(data, 12 + 4 * (first & 15), header_size)
        if first & 0x20:
            padding = _padding_size(payload)
            payload = payload[: len(payload) - padding]
    return RtpPacket(
        second & 127, sequence, timestamp, ssrc, payload, second > 127, csrcs, extensions, padding
    )


def _padding_size(payload: bytes) -> int:
    """The last byte says how many bytes at the end are padding, itself included."""
    size = payload[-1] if payload else 0
    if not 0 < size <= len(payload):
        raise WebRtcError("RTP padding is larger than the payload")
    return size


def _parse_extension(data: bytes, start: int, end: int) -> dict[int, bytes]:
    profile = data[start] << 8 | data[start + 1]
    if profile == ONE_BYTE_PROFILE:
        return _parse_one_byte(data[start + 4 : end])
    if profile & 0xFFF0 == TWO_BYTE_PROFILE:
        return _parse_two_byte(data[start + 4 : end])
    return {}


def _parse_one_byte(data: bytes) -> dict[int, bytes]:
    """RFC 8285 section 4.2: id 0 is padding, id 15 ends the list."""
    found: dict[int, bytes] = {}
    offset, end = 0, len(data)
    while offset < end:
        head = data[offset]
        offset += 1
        if head < 0x10:
            continue
        if head >= 0xF0:
            break
        start, offset = offset, offset + (head & 15) + 1
        if offset > end:
            raise WebRtcError("RTP header extension element runs past the extension")
        found[head >> 4] = data[start:offset]
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
