"""The handshake packet and its extensions (draft sections 3.2.1 and 4.3)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, IntFlag
from struct import Struct

from gamecast.protocols.srt.errors import SrtError
from gamecast.protocols.srt.packet import SEQUENCE_MASK

_FIXED = Struct(">IHHIIIIII16s")
SIZE = _FIXED.size
MAGIC = 0x4A17
"""Extension Field of an induction answer: "SRT" is spoken here (section 4.3.1.1)."""
VERSION = 5
SRT_VERSION = 0x010504
"""What we say we are: the libsrt whose behaviour this follows."""
SAFE_GCM_VERSION = 0x010504
"""Before, libsrt's AES-GCM used one nonce for 65 536 packets: nothing was kept secret."""
MAX_STREAM_ID = 512
MIN_MTU, MAX_MTU = 576, 1500
"""What every IPv4 host takes (RFC 791 section 3.2); packets of libsrt's least, 76 bytes, would
cost us forty times the work."""
_MAX_EXTENSIONS = 16


class HandshakeType(IntEnum):
    """Handshake Type (table 4); from 1000 on it is a refusal (``reject``)."""

    INDUCTION = 0x0000_0001
    WAVEHAND = 0x0000_0000
    CONCLUSION = 0xFFFF_FFFF
    AGREEMENT = 0xFFFF_FFFE
    DONE = 0xFFFF_FFFD


class ExtensionFlag(IntFlag):
    """Extension Field of a conclusion (table 3)."""

    HSREQ = 1
    KMREQ = 2
    CONFIG = 4


class ExtensionType(IntEnum):
    """Extension Type (table 5); the first four are also subtypes of user-defined packets."""

    HSREQ = 1
    HSRSP = 2
    KMREQ = 3
    KMRSP = 4
    STREAM_ID = 5
    CONGESTION = 6
    FILTER = 7
    GROUP = 8


class SrtFlag(IntFlag):
    """SRT Flags of HSREQ and HSRSP (table 6)."""

    TSBPD_SEND = 0x01
    TSBPD_RECEIVE = 0x02
    CRYPT = 0x04
    TLPKTDROP = 0x08
    PERIODIC_NAK = 0x10
    REXMIT = 0x20
    STREAM = 0x40
    FILTER = 0x80


LIVE_FLAGS = (
    SrtFlag.TSBPD_SEND
    | SrtFlag.TSBPD_RECEIVE
    | SrtFlag.CRYPT
    | SrtFlag.TLPKTDROP
    | SrtFlag.PERIODIC_NAK
    | SrtFlag.REXMIT
)
"""What a live connection can; CRYPT means that the KK bits are understood, not that it is used."""


@dataclass(slots=True, kw_only=True)
class Handshake:
    """A handshake packet's control information."""

    version: int = VERSION
    encryption: int = 0
    """Advertised key length in units of 8 bytes: 0, 2, 3 or 4."""
    extension: int = 0
    sequence: int = 0
    mtu: int = MAX_MTU
    window: int = 8192
    type: int = HandshakeType.CONCLUSION
    socket_id: int = 0
    cookie: int = field(default=0, repr=False)
    address: bytes = field(default=bytes(16), repr=False)
    extensions: list[tuple[int, bytes]] = field(default_factory=list, repr=False)

    def find(self, kind: int) -> bytes | None:
        """The first extension of a type."""
        return next((body for known, body in self.extensions if known == kind), None)

    def build(self) -> bytes:
        """The control information field."""
        parts = [
            _FIXED.pack(
                self.version,
                self.encryption,
                self.extension,
                self.sequence & SEQUENCE_MASK,
                self.mtu,
                self.window,
                self.type,
                self.socket_id,
                self.cookie,
                self.address,
            )
        ]
        for kind, body in self.extensions:
            parts.append(kind.to_bytes(2, "big") + (len(body) // 4).to_bytes(2, "big") + body)
        return b"".join(parts)


def parse_handshake(data: bytes) -> Handshake:
    """Parse a handshake's control information; ``SrtError`` on bad lengths or impossible values."""
    if len(data) < SIZE:
        raise SrtError("handshake is cut short")
    fields = _FIXED.unpack_from(data)
    handshake = Handshake(
        version=fields[0],
        encryption=fields[1],
        extension=fields[2],
        sequence=fields[3],
        mtu=fields[4],
        window=fields[5],
        type=fields[6],
        socket_id=fields[7],
        cookie=fields[8],
        address=fields[9],
    )
    if handshake.type == HandshakeType.CONCLUSION and handshake.version >= VERSION:
        handshake.extensions = _parse_extensions(data)
    return handshake


def check_limits(handshake: Handshake) -> None:
    """Refuse values that would make a connection useless or dangerous."""
    if handshake.mtu < MIN_MTU:
        raise SrtError(f"MTU of {handshake.mtu} bytes")
    if handshake.window < 2 or handshake.sequence & ~SEQUENCE_MASK:
        raise SrtError("flow window or initial sequence number out of range")
    if not handshake.socket_id:
        raise SrtError("socket id 0")


def _parse_extensions(data: bytes) -> list[tuple[int, bytes]]:
    found: list[tuple[int, bytes]] = []
    position = SIZE
    while position + 4 <= len(data) and len(found) < _MAX_EXTENSIONS:
        kind = int.from_bytes(data[position : position + 2], "big")
        end = position + 4 + 4 * int.from_bytes(data[position + 2 : position + 4], "big")
        if end > len(data):
            raise SrtError("handshake extension reaches past the end")
        found.append((kind, data[position + 4 : end]))
        position = end
    return found


_HSREQ = Struct(">IIHH")


@dataclass(slots=True, kw_only=True)
class Capabilities:
    """HSREQ and HSRSP (section 3.2.1.1). Delays in milliseconds."""

    version: int = SRT_VERSION
    flags: int = LIVE_FLAGS
    receive_delay: int = 0
    """Receiver TSBPD Delay: what its sender holds packets for when it receives."""
    send_delay: int = 0
    """Sender TSBPD Delay: the least that it wants its peer to hold packets for."""

    def build(self) -> bytes:
        """The extension's body."""
        return _HSREQ.pack(self.version, self.flags, self.receive_delay, self.send_delay)


def parse_capabilities(body: bytes) -> Capabilities:
    """Parse HSREQ or HSRSP."""
    if len(body) < _HSREQ.size:
        raise SrtError("HSREQ is cut short")
    version, flags, receive, send = _HSREQ.unpack_from(body)
    return Capabilities(version=version, flags=flags, receive_delay=receive, send_delay=send)


def build_stream_id(stream_id: str) -> bytes:
    """The Stream ID extension: UTF-8, each four bytes in reverse (section 3.2.1.3)."""
    data = stream_id.encode()
    if len(data) > MAX_STREAM_ID:
        raise ValueError(f"a stream id has at most {MAX_STREAM_ID} bytes")
    return _swap_words(data + bytes(-len(data) % 4))


def parse_stream_id(body: bytes) -> str:
    """The stream id; ``SrtError`` above 512 bytes, with control characters, or not in UTF-8."""
    if len(body) > MAX_STREAM_ID:
        raise SrtError(f"stream id of more than {MAX_STREAM_ID} bytes")
    try:
        text = _swap_words(body).rstrip(b"\x00").decode()
    except UnicodeDecodeError:
        raise SrtError("stream id is not UTF-8") from None
    if not text.isprintable():
        raise SrtError("stream id with control characters")
    return text


def _swap_words(data: bytes) -> bytes:
    return b"".join([data[at : at + 4][::-1] for at in range(0, len(data), 4)])
