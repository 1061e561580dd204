"""RTP payload format for VP8 (RFC 7741)."""

from __future__ import annotations

from gamecast.media.errors import MediaError
from gamecast.media.payloads.base import DEFAULT_MTU, FrameDepacketizer, check_mtu, equal_parts

_X, _S = 0x80, 0x10
_I, _L, _T, _K = 0x80, 0x40, 0x20, 0x10
_HEADER_SIZE = 4


class Vp8Packetizer:
    """Frames to payloads with a 15-bit picture id, which tells decoders that frames are missing."""

    def __init__(self, *, mtu: int = DEFAULT_MTU, first_picture_id: int = 0) -> None:
        self._mtu = check_mtu(mtu)
        self._picture_id = first_picture_id & 0x7FFF

    def packetize(self, data: bytes) -> list[bytes]:
        """Payloads of one frame."""
        picture = (0x8000 | self._picture_id).to_bytes(2, "big")
        self._picture_id = self._picture_id + 1 & 0x7FFF
        parts = equal_parts(data, self._mtu - _HEADER_SIZE)
        first, other = bytes((_X | _S, _I)) + picture, bytes((_X, _I)) + picture
        return [first + parts[0], *(other + part for part in parts[1:])]


class Vp8Depacketizer(FrameDepacketizer):
    """Payloads to frames."""

    def __init__(self) -> None:
        super().__init__()
        self._data = bytearray()

    def starts(self, payload: bytes) -> bool:
        """S set and partition 0."""
        return len(payload) > 1 and payload[0] & (_S | 7) == _S

    def append(self, payload: bytes) -> bool:
        body = payload[_descriptor_size(payload) :]
        if not self._data and not self.starts(payload):
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
    size = 1
    if payload[0] & _X:
        size = 2
        flags = payload[1] if len(payload) > 1 else 0
        if flags & _I:
            is_long = len(payload) > 2 and payload[2] & 0x80
            size += 2 if is_long else 1
        size += (flags & _L != 0) + (flags & (_T | _K) != 0)
    if len(payload) <= size:
        raise MediaError("VP8 payload descriptor is cut short")
    return size
