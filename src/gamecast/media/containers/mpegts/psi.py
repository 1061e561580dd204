"""Program specific information: PAT and PMT, both ways (H.222.0 section 2.4.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from gamecast.media.errors import MediaError

SYNC_BYTE = 0x47
PAT_PID = 0
NULL_PID = 0x1FFF
_MAX_SECTION = 1024
_MAX_STREAMS = 64


class StreamType(IntEnum):
    """stream_type (table 2-34) and the ATSC values that are in use everywhere."""

    MPEG1_AUDIO = 0x03
    MPEG2_AUDIO = 0x04
    PRIVATE = 0x06
    AAC_ADTS = 0x0F
    AAC_LATM = 0x11
    H264 = 0x1B
    HEVC = 0x24
    AC3 = 0x81
    EAC3 = 0x87


class Tag(IntEnum):
    """Descriptor tags (H.222.0 table 2-45, ETSI EN 300 468 table 12)."""

    REGISTRATION = 0x05
    AC3 = 0x6A
    EAC3 = 0x7A
    EXTENSION = 0x7F


@dataclass(slots=True)
class ElementaryStream:
    """One entry of a PMT."""

    stream_type: int
    pid: int
    descriptors: list[tuple[int, bytes]] = field(default_factory=list)

    def descriptor(self, tag: int) -> bytes | None:
        """The body of the first descriptor with this tag."""
        return next((body for known, body in self.descriptors if known == tag), None)


@dataclass(slots=True)
class ProgramMap:
    """A PMT."""

    pcr_pid: int
    streams: list[ElementaryStream]


class SectionReader:
    """Puts the sections of one PID together (section 2.4.4.1); bounded by 1024 bytes."""

    __slots__ = ("_buffer", "_last")

    def __init__(self) -> None:
        self._buffer: bytearray | None = None
        self._last = b""

    def push(self, payload: bytes, *, starts: bool) -> bytes | None:
        """Take a packet's payload; a whole section with a right CRC, if it is a new one.

        Only the first section of a packet is read: PAT and PMT of one program are one section.
        """
        if starts:
            if not payload or payload[0] + 1 >= len(payload):
                self._buffer = None
                return None
            self._buffer = bytearray(payload[1 + payload[0] :])
        elif self._buffer is None:
            return None
        else:
            self._buffer += payload
        return self._complete()

    def lose(self) -> None:
        """A packet is missing: drop what was gathered."""
        self._buffer = None

    def _complete(self) -> bytes | None:
        buffer = self._buffer
        if buffer is None or len(buffer) < 3:
            return None
        size = 3 + ((buffer[1] & 0x0F) << 8 | buffer[2])
        if size > _MAX_SECTION or size < 12:
            self._buffer = None
            return None
        if len(buffer) < size:
            return None
        section = bytes(buffer[:size])
        self._buffer = None
        if section == self._last or crc32(section):
            return None
        self._last = section
        return section


def parse_pat(section: bytes) -> list[tuple[int, int]]:
    """``(program_number, PMT PID)`` of every program; ``MediaError`` if it is no current PAT."""
    body = _body(section, 0x00)
    entries = [
        (int.from_bytes(body[at : at + 2], "big"), int.from_bytes(body[at + 2 : at + 4], "big"))
        for at in range(0, len(body) - 3, 4)
    ]
    return [(number, pid & 0x1FFF) for number, pid in entries if number]


def parse_pmt(section: bytes) -> ProgramMap:
    """A PMT section; ``MediaError`` when its loops do not fit."""
    body = _body(section, 0x02)
    if len(body) < 4:
        raise MediaError("PMT is cut short")
    position = 4 + (int.from_bytes(body[2:4], "big") & 0x0FFF)
    streams: list[ElementaryStream] = []
    while position < len(body):
        if position + 5 > len(body) or len(streams) == _MAX_STREAMS:
            raise MediaError("PMT is cut short or names too many streams")
        end = position + 5 + (int.from_bytes(body[position + 3 : position + 5], "big") & 0x0FFF)
        if end > len(body):
            raise MediaError("PMT descriptors reach past the end")
        pid = int.from_bytes(body[position + 1 : position + 3], "big") & 0x1FFF
        descriptors = _parse_descriptors(body[position + 5 : end])
        streams.append(ElementaryStream(body[position], pid, descriptors))
        position = end
    return ProgramMap(int.from_bytes(body[0:2], "big") & 0x1FFF, streams)


def _body(section: bytes, table_id: int) -> bytes:
    if len(section) < 12 or section[0] != table_id:
        raise MediaError(f"table {section[0] if section else -1} where {table_id} belongs")
    if not section[5] & 1:
        raise MediaError("a table that is not yet applicable")
    return section[8:-4]


def _parse_descriptors(data: bytes) -> list[tuple[int, bytes]]:
    found = []
    position = 0
    while position + 2 <= len(data):
        end = position + 2 + data[position + 1]
        if end > len(data):
            break
        found.append((data[position], data[position + 2 : end]))
        position = end
    return found


def build_pat(pmt_pid: int, *, version: int, stream_id: int = 1) -> bytes:
    """A PAT section with program 1."""
    return _section(0x00, stream_id, version, b"\x00\x01" + (0xE000 | pmt_pid).to_bytes(2, "big"))


def build_pmt(streams: Sequence[ElementaryStream], *, pcr_pid: int, version: int) -> bytes:
    """A PMT section of program 1."""
    parts = [(0xE000 | pcr_pid).to_bytes(2, "big"), b"\xf0\x00"]
    for stream in streams:
        info = b"".join([bytes((tag, len(body))) + body for tag, body in stream.descriptors])
        parts.append(bytes((stream.stream_type,)))
        parts.append((0xE000 | stream.pid).to_bytes(2, "big"))
        parts.append((0xF000 | len(info)).to_bytes(2, "big") + info)
    return _section(0x02, 1, version, b"".join(parts))


def _section(table_id: int, extension: int, version: int, body: bytes) -> bytes:
    head = bytes((table_id,)) + (0xB000 | len(body) + 9).to_bytes(2, "big")
    head += extension.to_bytes(2, "big") + bytes((0xC1 | (version & 0x1F) << 1, 0, 0))
    section = head + body
    return section + crc32(section).to_bytes(4, "big")


def _crc_table() -> list[int]:
    table = []
    for byte in range(256):
        value = byte << 24
        for _ in range(8):
            value = (value << 1 ^ 0x04C11DB7 if value & 0x80000000 else value << 1) & 0xFFFFFFFF
        table.append(value)
    return table


_CRC = _crc_table()


def crc32(data: bytes) -> int:
    """CRC-32/MPEG-2 (annex A): 0 over a section with its CRC."""
    value = 0xFFFFFFFF
    for byte in data:
        value = (value << 8 ^ _CRC[value >> 24 ^ byte]) & 0xFFFFFFFF
    return value
