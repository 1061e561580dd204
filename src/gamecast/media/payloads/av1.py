"""RTP payload format for AV1 (AOMedia, v1.0), sections 4.3 to 4.5.

Over RTP, OBUs have no size fields; elements have lengths instead, but for the last of a packet
whose count is known (W). OBUs are cut anywhere: Z says that a packet continues one, Y that the next
packet does.
"""

from __future__ import annotations

from gamecast.media.codecs.av1 import (
    MAX_OBUS,
    Obu,
    ObuType,
    iter_obus,
    read_leb128,
    write_leb128,
)
from gamecast.media.errors import MediaError
from gamecast.media.payloads.base import DEFAULT_MTU, FrameDepacketizer, check_mtu

_Z, _Y, _N = 0x80, 0x40, 0x08
_NOT_SENT = frozenset({ObuType.TEMPORAL_DELIMITER, ObuType.TILE_LIST, ObuType.PADDING})
_HAS_SIZE = 0x02
_HAS_EXTENSION = 0x04
_MAX_COUNTED = 3
"""W has two bits; with more elements every one carries a length (W = 0)."""


class Av1Packetizer:
    """Temporal units to payloads. Sequence headers stay where the encoder put them.

    ``config`` is the track's ``av1C``: its OBUs go in front of a keyframe without sequence header.
    """

    def __init__(self, config: bytes = b"", *, mtu: int = DEFAULT_MTU) -> None:
        self._mtu = check_mtu(mtu)
        self._config_obus = config[4:]

    def packetize(self, data: bytes) -> list[bytes]:
        """Payloads of one temporal unit, all but the last as long as allowed."""
        obus = list(iter_obus(data))
        has_sequence = any(obu.type == ObuType.SEQUENCE_HEADER for obu in obus)
        if not has_sequence and self._config_obus and _is_keyframe(data, obus):
            data = self._config_obus + data
            obus = list(iter_obus(data))
            has_sequence = True
        elements = [_element(data, obu) for obu in obus if obu.type not in _NOT_SENT]
        payloads = _pack(elements, self._mtu)
        if has_sequence and payloads:
            payloads[0] = bytes([payloads[0][0] | _N]) + payloads[0][1:]
        return payloads


def _is_keyframe(data: bytes, obus: list[Obu]) -> bool:
    """show_existing_frame 0 and frame_type KEY_FRAME in the first frame (section 5.9.2)."""
    for obu in obus:
        if obu.type in (ObuType.FRAME, ObuType.FRAME_HEADER) and obu.payload < obu.end:
            return data[obu.payload] & 0xE0 == 0
    return False


def _element(data: bytes, obu: Obu) -> bytes:
    """An OBU without its size field."""
    if not obu.has_size:
        return data[obu.start : obu.end]
    header_size = 2 if obu.extension is not None else 1
    header = bytearray(data[obu.start : obu.start + header_size])
    header[0] &= ~_HAS_SIZE & 0xFF
    return bytes(header) + data[obu.payload : obu.end]


def _pack(elements: list[bytes], mtu: int) -> list[bytes]:
    """Fill packets one after the other; every part but a packet's last has a length."""
    payloads: list[bytes] = []
    parts: list[bytes] = []
    room = mtu - 1
    continues = False
    for element in elements:
        rest = element
        while True:
            if room < 4 or len(parts) >= _MAX_COUNTED:
                payloads.append(_payload(parts, continues=continues, goes_on=False))
                parts, room, continues = [], mtu - 1, False
            # A part that fills its packet needs no length; one that another follows has two bytes.
            fitting = rest[:room]
            parts.append(fitting)
            room -= len(fitting) + 2
            rest = rest[len(fitting) :]
            if not rest:
                break
            payloads.append(_payload(parts, continues=continues, goes_on=True))
            parts, room, continues = [], mtu - 1, True
    if parts:
        payloads.append(_payload(parts, continues=continues, goes_on=False))
    return payloads


def _payload(parts: list[bytes], *, continues: bool, goes_on: bool) -> bytes:
    head = (_Z if continues else 0) | (_Y if goes_on else 0) | len(parts) << 4
    prefixed = [write_leb128(len(part)) + part for part in parts[:-1]]
    return b"".join([bytes([head]), *prefixed, parts[-1]])


class Av1Depacketizer(FrameDepacketizer):
    """Payloads to temporal units of OBUs with sizes."""

    def __init__(self) -> None:
        super().__init__()
        self._obus: list[bytes] = []
        self._open: bytearray | None = None
        self._size = 0

    def starts(self, payload: bytes) -> bool:
        """A packet that continues no OBU; the format tells no more."""
        return len(payload) > 1 and not payload[0] & _Z

    def append(self, payload: bytes) -> bool:
        head = payload[0]
        elements = _elements(payload)
        if not elements:
            return True
        if head & _Z:
            if self._open is None:
                return False
            self._open += elements.pop(0)
            if elements or not head & _Y:
                self._close()
        elif self._open is not None:
            return False
        for index, element in enumerate(elements):
            self._open = bytearray(element)
            if index < len(elements) - 1 or not head & _Y:
                self._close()
        self._size += len(payload)
        return True

    def _close(self) -> None:
        if self._open:
            if len(self._obus) >= MAX_OBUS:
                raise MediaError(f"temporal unit of more than {MAX_OBUS} OBUs")
            sized = _with_size(bytes(self._open))
            if sized:
                self._obus.append(sized)
        self._open = None

    def size(self) -> int:
        return self._size

    def take(self) -> bytes | None:
        if self._open is not None:
            return None
        data = b"".join(self._obus)
        self.discard()
        return data

    def discard(self) -> None:
        self._obus = []
        self._open = None
        self._size = 0


def _elements(payload: bytes) -> list[bytes]:
    """The OBU elements of a packet. Raises ``MediaError``."""
    count = payload[0] >> 4 & 3
    elements: list[bytes] = []
    offset = 1
    while offset < len(payload):
        if count and len(elements) == count - 1:
            elements.append(payload[offset:])
            return elements
        length, start = read_leb128(payload, offset)
        offset = start + length
        if offset > len(payload) or len(elements) >= MAX_OBUS:
            raise MediaError("AV1 OBU element runs past its packet")
        elements.append(payload[start:offset])
    if count and len(elements) < count:
        raise MediaError("AV1 packet with fewer OBU elements than it says")
    return elements


def _with_size(obu: bytes) -> bytes:
    """An OBU with a size field; nothing for those that a temporal unit should not carry."""
    if obu[0] >> 3 & 15 in _NOT_SENT:
        return b""
    header_size = 2 if obu[0] & _HAS_EXTENSION else 1
    if len(obu) < header_size:
        raise MediaError("AV1 OBU shorter than its header")
    if obu[0] & _HAS_SIZE:
        return obu  # Not to be, says section 4.4, but what it says is plain.
    header = bytes([obu[0] | _HAS_SIZE]) + obu[1:header_size]
    return header + write_leb128(len(obu) - header_size) + obu[header_size:]
