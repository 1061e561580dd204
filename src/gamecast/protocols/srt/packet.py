"""SRT packets: headers and control information (draft-sharabayko-srt section 3)."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from struct import Struct

from gamecast.protocols.srt.errors import SrtError

HEADER = Struct(">IIII")
HEADER_SIZE = 16
CONTROL_FLAG = 0x8000_0000
SEQUENCE_MASK = 0x7FFF_FFFF
_HALF = 0x4000_0000
MESSAGE_MASK = 0x03FF_FFFF
SOLO = 0xC000_0000
"""PP = 11: the packet is a whole message (section 3.1)."""
RETRANSMITTED = 0x0400_0000
KEY_SHIFT = 27
"""Where the two KK bits are: 0 clear, 1 even key, 2 odd key."""
MAX_RANGES = 256
"""Loss ranges in one NAK that are read: more do not fit into an MTU of 1500 bytes twice over."""
_ZERO = bytes(4)


class ControlType(IntEnum):
    """Control Type (table 1)."""

    HANDSHAKE = 0x0000
    KEEPALIVE = 0x0001
    ACK = 0x0002
    NAK = 0x0003
    CONGESTION_WARNING = 0x0004
    SHUTDOWN = 0x0005
    ACKACK = 0x0006
    DROPREQ = 0x0007
    PEER_ERROR = 0x0008
    USER = 0x7FFF


def control(
    kind: int, *, info: int = 0, timestamp: int, peer: int, cif: bytes = _ZERO, subtype: int = 0
) -> bytes:
    """A control packet. ``info`` is the Type-specific Information; ``peer`` the socket it goes to.

    One without control information still has four bytes, as libsrt wants it.
    """
    return HEADER.pack(CONTROL_FLAG | kind << 16 | subtype, info, timestamp, peer) + cif


def unwrap(number: int, near: int) -> int:
    """The endless sequence number nearest to ``near`` whose low 31 bits are ``number``."""
    return near + ((number - near + _HALF) & SEQUENCE_MASK) - _HALF


def unwrap_timestamp(timestamp: int, near: int) -> int:
    """The endless count of microseconds nearest to ``near`` with these low 32 bits."""
    return near + ((timestamp - near + 0x8000_0000) & 0xFFFF_FFFF) - 0x8000_0000


_WORD = Struct(">I")
_PAIR = Struct(">II")


def write_loss_list(ranges: Iterable[tuple[int, int]]) -> bytes:
    """Ranges of lost packets, both ends included, as in a NAK (section 3.2.5, appendix A)."""
    parts = []
    for first, last in ranges:
        if first == last:
            parts.append(_WORD.pack(first & SEQUENCE_MASK))
        else:
            parts.append(_PAIR.pack(first & SEQUENCE_MASK | CONTROL_FLAG, last & SEQUENCE_MASK))
    return b"".join(parts)


def read_loss_list(data: bytes) -> list[tuple[int, int]]:
    """The ranges of a NAK, still wrapped; ``SrtError`` when one is cut short."""
    count = len(data) // 4
    words = Struct(f">{count}I").unpack_from(data) if count else ()
    found: list[tuple[int, int]] = []
    index = 0
    while index < count and len(found) < MAX_RANGES:
        first = words[index]
        last = first
        if first & CONTROL_FLAG:
            index += 1
            if index >= count or words[index] & CONTROL_FLAG:
                raise SrtError("loss list with a range without an end")
            first, last = first & SEQUENCE_MASK, words[index]
        found.append((first, last))
        index += 1
    return found
