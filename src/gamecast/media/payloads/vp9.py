"""RTP payload format for VP9 (RFC 9628), one spatial and one temporal layer when sending."""

from __future__ import annotations

from gamecast.media.codecs.vp9 import parse_frame_header
from gamecast.media.errors import MediaError
from gamecast.media.payloads.base import DEFAULT_MTU, FrameDepacketizer, check_mtu, equal_parts

_I, _P, _L, _F, _B, _E, _V = 0x80, 0x40, 0x20, 0x10, 0x08, 0x04, 0x02
_HEADER_SIZE = 3
_MAX_REFERENCES = 3


class Vp9Packetizer:
    """Frames (or superframes) to payloads with a 15-bit picture id, in non-flexible mode."""

    def __init__(self, *, mtu: int = DEFAULT_MTU, first_picture_id: int = 0) -> None:
        self._mtu = check_mtu(mtu)
        self._picture_id = first_picture_id & 0x7FFF

    def packetize(self, data: bytes) -> list[bytes]:
        """Payloads of one frame. Raises ``MediaError`` if it is no VP9 frame."""
        flags = _I if parse_frame_header(data).keyframe else _I | _P
        picture = (0x8000 | self._picture_id).to_bytes(2, "big")
        self._picture_id = self._picture_id + 1 & 0x7FFF
        parts = equal_parts(data, self._mtu - _HEADER_SIZE)
        last = len(parts) - 1
        payloads = []
        for index, part in enumerate(parts):
            edge = (_B if index == 0 else 0) | (_E if index == last else 0)
            payloads.append(bytes([flags | edge]) + picture + part)
        return payloads


class Vp9Depacketizer(FrameDepacketizer):
    """Payloads to frames; the layers of a scalable stream are joined to one superframe's bytes."""

    def __init__(self) -> None:
        super().__init__()
        self._data = bytearray()

    def starts(self, payload: bytes) -> bool:
        """B set: the first packet of a (layer) frame."""
        return len(payload) > 1 and payload[0] & _B != 0

    def append(self, payload: bytes) -> bool:
        body = payload[_descriptor_size(payload) :]
        if not self._data and not payload[0] & _B:
            return False
        self._data += body
        return True

    def size(self) -> int:
        return len(self._data)

    def take(self) -> bytes | None:
        data = bytes(self._data)
        self.discard()
        return data

    def discard(self) -> None:
        self._data = bytearray()


def _descriptor_size(payload: bytes) -> int:
    """Length of the payload descriptor (section 4.2), which some payload has to follow."""
    flags = payload[0]
    size = 1
    if flags & _I:
        size += 2 if _byte(payload, size) & 0x80 else 1
    if flags & _L:
        size += 1 if flags & _F else 2
    if flags & _P and flags & _F:
        size = _skip_references(payload, size)
    if flags & _V:
        size = _skip_structure(payload, size)
    if len(payload) <= size:
        raise MediaError("VP9 payload descriptor is cut short")
    return size


def _skip_references(payload: bytes, size: int) -> int:
    """Reference indices: the lowest bit says that another follows."""
    for _ in range(_MAX_REFERENCES):
        more = _byte(payload, size) & 1
        size += 1
        if not more:
            return size
    raise MediaError("VP9 payload descriptor with too many references")


def _skip_structure(payload: bytes, size: int) -> int:
    """The scalability structure (section 4.2.1)."""
    head = _byte(payload, size)
    size += 1
    if head & 0x10:
        size += 4 * ((head >> 5) + 1)
    if head & 0x08:
        pictures = _byte(payload, size)
        size += 1
        for _ in range(pictures):
            size += 1 + (_byte(payload, size) >> 2 & 3)
    return size


def _byte(payload: bytes, offset: int) -> int:
    if offset >= len(payload):
        raise MediaError("VP9 payload descriptor is cut short")
    return payload[offset]
