"""STUN messages (RFC 8489) as ICE (RFC 8445) uses them: parse, build, check.

Pure functions on bytes. :func:`parse` checks the frame, every length and the FINGERPRINT;
:func:`integrity_matches` checks MESSAGE-INTEGRITY, which nobody may skip before acting on one.
"""

from __future__ import annotations

import hmac
import ipaddress
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from gamecast.protocols.webrtc.address import Address, ip_of
from gamecast.protocols.webrtc.errors import WebRtcError

MAGIC_COOKIE = 0x2112A442
HEADER_SIZE = 20
BINDING = 0x001
MAX_ATTRIBUTES = 32
_MAGIC = MAGIC_COOKIE.to_bytes(4, "big")
_FINGERPRINT_XOR = 0x5354554E


class MessageClass(IntEnum):
    """The two class bits of a message type, in place (RFC 8489 section 5)."""

    REQUEST = 0x000
    INDICATION = 0x010
    SUCCESS = 0x100
    ERROR = 0x110


class Attribute(IntEnum):
    """Attribute types that ICE needs (RFC 8489 section 18.3, RFC 8445 section 16.1)."""

    MAPPED_ADDRESS = 0x0001
    USERNAME = 0x0006
    MESSAGE_INTEGRITY = 0x0008
    ERROR_CODE = 0x0009
    UNKNOWN_ATTRIBUTES = 0x000A
    REALM = 0x0014
    NONCE = 0x0015
    MESSAGE_INTEGRITY_SHA256 = 0x001C
    XOR_MAPPED_ADDRESS = 0x0020
    PRIORITY = 0x0024
    USE_CANDIDATE = 0x0025
    SOFTWARE = 0x8022
    FINGERPRINT = 0x8028
    ICE_CONTROLLED = 0x8029
    ICE_CONTROLLING = 0x802A


_KNOWN = frozenset(int(attribute) for attribute in Attribute)
_FIXED_LENGTHS = {
    Attribute.MESSAGE_INTEGRITY: 20,
    Attribute.PRIORITY: 4,
    Attribute.USE_CANDIDATE: 0,
    Attribute.FINGERPRINT: 4,
    Attribute.ICE_CONTROLLED: 8,
    Attribute.ICE_CONTROLLING: 8,
}


@dataclass(slots=True)
class StunMessage:
    """One parsed message. ``attributes`` holds the first of each type, those protected only.

    Attributes behind MESSAGE-INTEGRITY are left out, for anybody could have added them
    (RFC 8489 section 14.5).
    """

    message_class: MessageClass
    method: int
    transaction_id: bytes
    attributes: dict[int, bytes] = field(default_factory=dict)
    integrity_offset: int | None = None
    """Where MESSAGE-INTEGRITY starts in the datagram; ``None`` if there is none."""

    @property
    def username(self) -> str:
        """USERNAME, or an empty string; ICE puts ``receiver's ufrag:sender's ufrag`` there."""
        raw = self.attributes.get(Attribute.USERNAME, b"")
        return raw.decode("ascii", "replace")

    @property
    def use_candidate(self) -> bool:
        """Whether the controlling side nominates this pair."""
        return Attribute.USE_CANDIDATE in self.attributes

    @property
    def priority(self) -> int:
        """PRIORITY of the candidate that the peer would learn from this check; 0 if absent."""
        return int.from_bytes(self.attributes.get(Attribute.PRIORITY, b""), "big")

    @property
    def error_code(self) -> int:
        """ERROR-CODE as a number such as 487; 0 if absent or malformed."""
        raw = self.attributes.get(Attribute.ERROR_CODE, b"")
        return (raw[2] & 7) * 100 + raw[3] if len(raw) >= 4 else 0

    def unknown_required(self) -> list[int]:
        """Comprehension-required types (below 0x8000) that we do not know: answer 420."""
        return [kind for kind in self.attributes if kind < 0x8000 and kind not in _KNOWN]


def is_stun(data: bytes) -> bool:
    """Whether a datagram claims to be STUN: first two bits zero, magic cookie in place."""
    return len(data) >= HEADER_SIZE and data[0] < 4 and data[4:8] == _MAGIC


def parse(data: bytes) -> StunMessage:
    """One STUN message that fills ``data`` exactly. Raises WebRtcError."""
    if not is_stun(data):
        raise WebRtcError("not a STUN message")
    kind, length = struct.unpack_from("!HH", data)
    if length % 4 or length + HEADER_SIZE != len(data):
        raise WebRtcError("STUN length does not match its datagram")
    message = StunMessage(
        message_class=MessageClass(kind & 0x110),
        method=(kind & 0x00F) | (kind & 0x0E0) >> 1 | (kind & 0x3E00) >> 2,
        transaction_id=data[8:20],
    )
    _parse_attributes(data, message)
    return message


def _parse_attributes(data: bytes, message: StunMessage) -> None:
    offset = HEADER_SIZE
    count = 0
    while offset < len(data):
        count += 1
        if count > MAX_ATTRIBUTES:
            raise WebRtcError("too many STUN attributes")
        kind, length = struct.unpack_from("!HH", data, offset)
        end = offset + 4 + length
        if end + (-length % 4) > len(data):
            raise WebRtcError("STUN attribute runs past the message")
        if _FIXED_LENGTHS.get(kind, length) != length:
            raise WebRtcError(f"STUN attribute 0x{kind:04x} has a wrong length")
        if kind == Attribute.FINGERPRINT:
            _check_fingerprint(data, offset)
        elif kind == Attribute.MESSAGE_INTEGRITY and message.integrity_offset is None:
            message.integrity_offset = offset
        elif message.integrity_offset is None:
            message.attributes.setdefault(kind, data[offset + 4 : end])
        offset = end + (-length % 4)


def _check_fingerprint(data: bytes, offset: int) -> None:
    if offset + 8 != len(data):
        raise WebRtcError("STUN FINGERPRINT is not the last attribute")
    if fingerprint(data[:offset]) != struct.unpack_from("!I", data, offset + 4)[0]:
        raise WebRtcError("STUN FINGERPRINT does not match")


def fingerprint(data: bytes) -> int:
    """FINGERPRINT value over a message up to that attribute (RFC 8489 section 14.7)."""
    return zlib.crc32(data) ^ _FINGERPRINT_XOR


def integrity_matches(data: bytes, message: StunMessage, key: bytes) -> bool:
    """Whether MESSAGE-INTEGRITY is there and was made with ``key`` (the password, for ICE)."""
    offset = message.integrity_offset
    if offset is None:
        return False
    expected = _integrity(data[:offset], key)
    return hmac.compare_digest(expected, data[offset + 4 : offset + 24])


def _integrity(head: bytes, key: bytes) -> bytes:
    # The length field counts up to the end of MESSAGE-INTEGRITY itself (RFC 8489 section 14.5).
    covered = head[:2] + struct.pack("!H", len(head) - HEADER_SIZE + 24) + head[4:]
    return hmac.digest(key, covered, "sha1")


def build(
    message_class: MessageClass,
    transaction_id: bytes,
    attributes: Sequence[tuple[int, bytes]],
    *,
    key: bytes | None = None,
    method: int = BINDING,
) -> bytes:
    """A message with FINGERPRINT, and with MESSAGE-INTEGRITY if ``key`` is given."""
    body = b"".join(_attribute(kind, value) for kind, value in attributes)
    kind = message_class | method & 0x00F | (method & 0x070) << 1 | (method & 0xF80) << 2
    head = _with_length(struct.pack("!HH", kind, 0) + _MAGIC + transaction_id + body, 0)
    if key is not None:
        digest = _integrity(head, key)
        head = _with_length(head + _attribute(Attribute.MESSAGE_INTEGRITY, digest), 0)
    head = _with_length(head, 8)
    return head + _attribute(Attribute.FINGERPRINT, struct.pack("!I", fingerprint(head)))


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)


def _with_length(data: bytes, extra: int) -> bytes:
    return data[:2] + struct.pack("!H", len(data) - HEADER_SIZE + extra) + data[4:]


def build_xor_mapped_address(address: Address, transaction_id: bytes) -> bytes:
    """Value of XOR-MAPPED-ADDRESS (RFC 8489 section 14.2)."""
    packed = ip_of(address).packed
    mask = _MAGIC + transaction_id
    family = 1 if len(packed) == 4 else 2
    port = int(address[1]) ^ (MAGIC_COOKIE >> 16)
    xored = bytes(a ^ b for a, b in zip(packed, mask, strict=False))
    return struct.pack("!BBH", 0, family, port) + xored


def parse_xor_mapped_address(value: bytes, transaction_id: bytes) -> tuple[str, int]:
    """Host and port of an XOR-MAPPED-ADDRESS value. Raises WebRtcError."""
    if len(value) not in (8, 20) or value[1] != (1 if len(value) == 8 else 2):
        raise WebRtcError("malformed XOR-MAPPED-ADDRESS")
    port = struct.unpack_from("!H", value, 2)[0] ^ (MAGIC_COOKIE >> 16)
    mask = _MAGIC + transaction_id
    packed = bytes(a ^ b for a, b in zip(value[4:], mask, strict=False))
    return str(ipaddress.ip_address(packed)), port


def build_error_code(code: int, reason: str) -> bytes:
    """Value of ERROR-CODE (RFC 8489 section 14.8)."""
    return struct.pack("!HBB", 0, code // 100, code % 100) + reason.encode()
