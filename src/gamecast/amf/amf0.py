"""AMF0: what FLV script data and RTMP commands are written in.

Source: Adobe, "Action Message Format -- AMF 0" (2007-12-13); the clause numbers below are its own.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping

from gamecast.amf import amf3
from gamecast.amf.cursor import Cursor, References, check_depth
from gamecast.amf.values import MAX_VALUES, AmfError, Date, EcmaArray, Undefined, Value, Xml

NUMBER, BOOLEAN, STRING, OBJECT, NULL = 0x00, 0x01, 0x02, 0x03, 0x05
UNDEFINED, REFERENCE, ECMA_ARRAY, OBJECT_END, STRICT_ARRAY = 0x06, 0x07, 0x08, 0x09, 0x0A
DATE, LONG_STRING, UNSUPPORTED, XML_DOCUMENT, TYPED_OBJECT = 0x0B, 0x0C, 0x0D, 0x0F, 0x10
AVMPLUS = 0x11

_END = b"\x00\x00\x09"


def encode(*values: object) -> bytes:
    """The AMF0 form of ``values``, one after the other.

    Strings over 65 535 bytes become long strings; ``bytes`` switch to AMF3, which AMF0 has no form
    for. Raises :class:`AmfError` on nesting over 16 levels or an over-long property name, and
    ``TypeError`` on a type that AMF has no form for.
    """
    out = bytearray()
    for value in values:
        _write(out, value, 0)
    return bytes(out)


def decode(data: bytes, *, limit: int = MAX_VALUES) -> list[Value]:
    """All values in ``data``.

    ``limit`` bounds their number, nested ones included; nesting is bounded to 16 levels. Raises
    :class:`AmfError`, whatever the bytes. Two habits of real encoders are accepted: an ECMA array
    whose end marker is missing at the end of the data, and a count of that array that is not true.
    """
    decoder = _Decoder(Cursor(data, limit))
    values: list[Value] = []
    while not decoder.cursor.at_end:
        values.append(decoder.value(0))
    return values


class _Decoder:
    __slots__ = ("cursor", "references")

    def __init__(self, cursor: Cursor) -> None:
        self.cursor = cursor
        self.references = References()

    def value(self, depth: int) -> Value:
        self.cursor.spend()
        marker = self.cursor.u8()
        if marker in _READERS:
            return _READERS[marker](self.cursor)
        check_depth(depth + 1)
        if marker == AVMPLUS:
            return amf3.read_value(self.cursor, depth + 1)
        if marker == REFERENCE:
            return self.references.resolve(self.cursor, self.cursor.unsigned(2))
        if marker not in _COMPLEX:
            raise AmfError(f"unknown AMF0 type 0x{marker:02x}")
        mark = self.references.begin(self.cursor)
        return self.references.finish(mark, self.cursor, _COMPLEX[marker](self, depth + 1))

    def object(self, depth: int) -> Value:
        """Section 2.5: properties up to an empty name and the end marker."""
        return self._properties({}, depth, may_stop=False)

    def typed_object(self, depth: int) -> Value:
        """Section 2.18: an object behind a class name."""
        self.cursor.string(self.cursor.unsigned(2))
        return self._properties({}, depth, may_stop=False)

    def ecma_array(self, depth: int) -> Value:
        """Section 2.10: like an object behind a count that encoders often get wrong."""
        self.cursor.take(4)
        return self._properties(EcmaArray(), depth, may_stop=True)

    def strict_array(self, depth: int) -> Value:
        """Section 2.12: a count and as many values."""
        count = self.cursor.unsigned(4)
        if count > self.cursor.values:
            raise AmfError("too many AMF values")
        return [self.value(depth) for _ in range(count)]

    def _properties(
        self, into: dict[str, Value], depth: int, *, may_stop: bool
    ) -> dict[str, Value]:
        cursor = self.cursor
        while not (may_stop and cursor.at_end):
            size = cursor.unsigned(2)
            if size == 0 and cursor.data[cursor.position : cursor.position + 1] == b"\x09":
                cursor.position += 1
                break
            name = cursor.string(size)
            into[name] = self.value(depth)
        return into


def _date(cursor: Cursor) -> Date:
    milliseconds = cursor.double()
    return Date(milliseconds, int.from_bytes(cursor.take(2), "big", signed=True))


_READERS: dict[int, Callable[[Cursor], Value]] = {
    NUMBER: Cursor.double,
    BOOLEAN: lambda cursor: cursor.u8() != 0,
    STRING: lambda cursor: cursor.string(cursor.unsigned(2)),
    NULL: lambda cursor: None,
    UNDEFINED: lambda cursor: Undefined.VALUE,
    UNSUPPORTED: lambda cursor: Undefined.VALUE,
    DATE: _date,
    LONG_STRING: lambda cursor: cursor.string(cursor.unsigned(4)),
    XML_DOCUMENT: lambda cursor: Xml(cursor.string(cursor.unsigned(4))),
}
_COMPLEX: dict[int, Callable[[_Decoder, int], Value]] = {
    OBJECT: _Decoder.object,
    TYPED_OBJECT: _Decoder.typed_object,
    ECMA_ARRAY: _Decoder.ecma_array,
    STRICT_ARRAY: _Decoder.strict_array,
}


def _write(out: bytearray, value: object, depth: int) -> None:
    if isinstance(value, Mapping):
        _write_mapping(out, value, depth + 1)
    elif isinstance(value, (list, tuple)):
        check_depth(depth + 1)
        out += struct.pack(">BI", STRICT_ARRAY, len(value))
        for item in value:
            _write(out, item, depth + 1)
    else:
        out += _scalar(value)


def _write_mapping(out: bytearray, value: Mapping[str, object], depth: int) -> None:
    check_depth(depth)
    if isinstance(value, EcmaArray):
        out += struct.pack(">BI", ECMA_ARRAY, len(value))
    else:
        out.append(OBJECT)
    for name, item in value.items():
        encoded = name.encode("utf-8", "replace")
        if len(encoded) > 0xFFFF:
            raise AmfError("an AMF property name is longer than 65535 bytes")
        out += len(encoded).to_bytes(2, "big") + encoded
        _write(out, item, depth)
    out += _END


def _scalar(value: object) -> bytes:
    match value:
        case None:
            return bytes([NULL])
        case bool():
            return bytes([BOOLEAN, value])
        case int() | float():
            return struct.pack(">Bd", NUMBER, value)
        case str():
            return _string(value)
        case Undefined():
            return bytes([UNDEFINED])
        case Date():
            return struct.pack(">Bdh", DATE, value.milliseconds, value.zone)
        case bytes():
            return bytes([AVMPLUS]) + amf3.encode(value)
    raise TypeError(f"AMF0 has no form for {type(value).__name__}")


def _string(value: str) -> bytes:
    encoded = value.encode("utf-8", "replace")
    if isinstance(value, Xml):
        return struct.pack(">BI", XML_DOCUMENT, len(encoded)) + encoded
    if len(encoded) > 0xFFFF:
        return struct.pack(">BI", LONG_STRING, len(encoded)) + encoded
    return struct.pack(">BH", STRING, len(encoded)) + encoded
