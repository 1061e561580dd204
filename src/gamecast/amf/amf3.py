"""AMF3: what some encoders switch to inside RTMP commands (AMF0 marker 0x11, message type 17).

Source: Adobe, "Action Message Format -- AMF 3" (January 2013); the clause numbers are its own.
Classes with their own serialisation ("externalizable", section 3.12) are refused.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gamecast.amf.cursor import Cursor, References, check_depth
from gamecast.amf.values import MAX_VALUES, AmfError, Date, EcmaArray, Undefined, Value, Xml

UNDEFINED, NULL, FALSE, TRUE, INTEGER, DOUBLE, STRING = 0, 1, 2, 3, 4, 5, 6
XML_DOCUMENT, DATE, ARRAY, OBJECT, XML, BYTE_ARRAY = 7, 8, 9, 10, 11, 12
VECTOR_INT, VECTOR_UINT, VECTOR_DOUBLE, VECTOR_OBJECT, DICTIONARY = 13, 14, 15, 16, 17

_INTEGER_MIN, _INTEGER_MAX = -(1 << 28), (1 << 28) - 1


def encode(*values: object) -> bytes:
    """The AMF3 form of ``values``, one after the other, without references.

    Raises :class:`AmfError` on nesting over 16 levels and ``TypeError`` on a type that AMF has no
    form for.
    """
    out = bytearray()
    for value in values:
        _write(out, value, 0)
    return bytes(out)


def decode(data: bytes, *, limit: int = MAX_VALUES) -> list[Value]:
    """All values in ``data``, bounded like ``amf0.decode``; raises :class:`AmfError`."""
    decoder = _Decoder(Cursor(data, limit))
    values: list[Value] = []
    while not decoder.cursor.at_end:
        values.append(decoder.value(0))
    return values


def read_value(cursor: Cursor, depth: int) -> Value:
    """The one value behind an AMF0 marker 0x11, with reference tables of its own."""
    return _Decoder(cursor).value(depth)


@dataclass(slots=True)
class _Traits:
    names: list[str]
    dynamic: bool
    text: int


class _Decoder:
    __slots__ = ("cursor", "objects", "strings", "traits")

    def __init__(self, cursor: Cursor) -> None:
        self.cursor = cursor
        self.objects = References()
        self.strings: list[tuple[str, int]] = []
        self.traits: list[_Traits] = []

    def value(self, depth: int) -> Value:
        self.cursor.spend()
        marker = self.cursor.u8()
        if marker in _SIMPLE:
            return _SIMPLE[marker](self)
        if marker not in _COMPLEX:
            raise AmfError(f"unknown AMF3 type 0x{marker:02x}")
        check_depth(depth + 1)
        return self._complex(_COMPLEX[marker], depth + 1)

    def _complex(self, read: Callable[[_Decoder, int, int], Value], depth: int) -> Value:
        """Section 2.2: the low bit tells a value (1) from a reference (0)."""
        header = self.u29()
        if not header & 1:
            return self.objects.resolve(self.cursor, header >> 1)
        mark = self.objects.begin(self.cursor)
        return self.objects.finish(mark, self.cursor, read(self, header >> 1, depth))

    def u29(self) -> int:
        """Section 1.3.1: seven bits a byte, all eight of a fourth."""
        result = 0
        for _ in range(3):
            byte = self.cursor.u8()
            result = result << 7 | byte & 0x7F
            if byte < 0x80:
                return result
        return result << 8 | self.cursor.u8()

    def integer(self) -> float:
        """Section 3.6: a U29 that is read as two's complement."""
        value = self.u29()
        return float(value - (1 << 29) if value > _INTEGER_MAX else value)

    def string(self) -> str:
        """Section 1.3.2: text, or a reference to text; the empty string is never referred to."""
        header = self.u29()
        if header & 1:
            size = header >> 1
            text = self.cursor.string(size)
            if size:
                self.strings.append((text, size))
            return text
        if header >> 1 >= len(self.strings):
            raise AmfError(f"bad AMF string reference {header >> 1}")
        text, size = self.strings[header >> 1]
        self.cursor.spend_text(size)
        return text

    def date(self, _header: int, _depth: int) -> Value:
        """Section 3.10."""
        return Date(self.cursor.double())

    def xml(self, size: int, _depth: int) -> Value:
        """Sections 3.9 and 3.13."""
        return Xml(self.cursor.string(size))

    def byte_array(self, size: int, _depth: int) -> Value:
        """Section 3.14."""
        self.cursor.spend_text(size)
        return self.cursor.take(size)

    def array(self, count: int, depth: int) -> Value:
        """Section 3.11: named members up to an empty name, then ``count`` dense ones."""
        self._check_count(count)
        named = self._named(depth)
        dense = [self.value(depth) for _ in range(count)]
        if not named:
            return dense
        return EcmaArray(named | {str(index): item for index, item in enumerate(dense)})

    def object(self, header: int, depth: int) -> Value:
        """Section 3.12: traits (or a reference to them), sealed members, dynamic members."""
        traits = self._read_traits(header)
        result = {name: self.value(depth) for name in traits.names}
        return result | self._named(depth) if traits.dynamic else result

    def _read_traits(self, header: int) -> _Traits:
        if not header & 1:
            if header >> 1 >= len(self.traits):
                raise AmfError(f"bad AMF traits reference {header >> 1}")
            traits = self.traits[header >> 1]
            self.cursor.spend_text(traits.text)
            return traits
        if header & 2:
            raise AmfError("externalizable AMF3 objects are not supported")
        self.string()
        self._check_count(header >> 3)
        before = self.cursor.text
        names = [self.string() for _ in range(header >> 3)]
        traits = _Traits(names, bool(header & 4), before - self.cursor.text)
        self.traits.append(traits)
        return traits

    def _named(self, depth: int) -> dict[str, Value]:
        result: dict[str, Value] = {}
        while name := self.string():
            result[name] = self.value(depth)
        return result

    def numbers(self, code: str) -> Callable[[int], Value]:
        """Section 3.15: vectors of one numeric type, behind a byte that says "fixed length"."""

        def read(count: int) -> Value:
            self._check_count(count)
            self.cursor.spend(count)
            self.cursor.u8()
            items = struct.Struct(f">{count}{code}")
            return [float(item) for item in items.unpack(self.cursor.take(items.size))]

        return read

    def objects_vector(self, count: int, depth: int) -> Value:
        """Section 3.15: a vector of values behind "fixed length" and the name of their type."""
        self._check_count(count)
        self.cursor.u8()
        self.string()
        return [self.value(depth) for _ in range(count)]

    def dictionary(self, count: int, depth: int) -> Value:
        """Section 3.16: pairs of values; keys other than text and numbers are refused."""
        self._check_count(count)
        self.cursor.u8()
        result: dict[str, Value] = {}
        for _ in range(count):
            key = self.value(depth)
            if not isinstance(key, (str, float)):
                raise AmfError("an AMF3 dictionary key is neither text nor a number")
            result[str(key)] = self.value(depth)
        return result

    def _check_count(self, count: int) -> None:
        if count > self.cursor.values:
            raise AmfError("too many AMF values")


_SIMPLE: dict[int, Callable[[_Decoder], Value]] = {
    UNDEFINED: lambda decoder: Undefined.VALUE,
    NULL: lambda decoder: None,
    FALSE: lambda decoder: False,
    TRUE: lambda decoder: True,
    INTEGER: _Decoder.integer,
    DOUBLE: lambda decoder: decoder.cursor.double(),
    STRING: _Decoder.string,
}
_COMPLEX: dict[int, Callable[[_Decoder, int, int], Value]] = {
    XML_DOCUMENT: _Decoder.xml,
    DATE: _Decoder.date,
    ARRAY: _Decoder.array,
    OBJECT: _Decoder.object,
    XML: _Decoder.xml,
    BYTE_ARRAY: _Decoder.byte_array,
    VECTOR_INT: lambda decoder, count, _depth: decoder.numbers("i")(count),
    VECTOR_UINT: lambda decoder, count, _depth: decoder.numbers("I")(count),
    VECTOR_DOUBLE: lambda decoder, count, _depth: decoder.numbers("d")(count),
    VECTOR_OBJECT: _Decoder.objects_vector,
    DICTIONARY: _Decoder.dictionary,
}


def _write(out: bytearray, value: object, depth: int) -> None:
    if isinstance(value, Mapping):
        _write_mapping(out, value, depth + 1)
    elif isinstance(value, (list, tuple)):
        check_depth(depth + 1)
        out += bytes([ARRAY]) + _u29(len(value) << 1 | 1) + _text("")
        for item in value:
            _write(out, item, depth + 1)
    else:
        out += _scalar(value)


def _write_mapping(out: bytearray, value: Mapping[str, object], depth: int) -> None:
    check_depth(depth)
    if isinstance(value, EcmaArray):
        out += bytes([ARRAY]) + _u29(1)
    else:
        # U29O-traits 0b1011: a value, inline traits, not externalizable, dynamic, no sealed member.
        out += bytes([OBJECT, 0x0B]) + _text("")
    for name, item in value.items():
        if not name:
            raise AmfError("AMF3 has no form for a property without a name")
        out += _text(name)
        _write(out, item, depth)
    out += _text("")


def _scalar(value: object) -> bytes:
    match value:
        case None:
            return bytes([NULL])
        case bool():
            return bytes([TRUE if value else FALSE])
        case int() | float():
            return _number(value)
        case str():
            return bytes([XML if isinstance(value, Xml) else STRING]) + _text(value)
        case Undefined():
            return bytes([UNDEFINED])
        case Date():
            return struct.pack(">BBd", DATE, 1, value.milliseconds)
        case bytes():
            return bytes([BYTE_ARRAY]) + _u29(len(value) << 1 | 1) + value
    raise TypeError(f"AMF3 has no form for {type(value).__name__}")


def _number(value: float) -> bytes:
    if isinstance(value, int) and _INTEGER_MIN <= value <= _INTEGER_MAX:
        return bytes([INTEGER]) + _u29(value & 0x1FFFFFFF)
    return struct.pack(">Bd", DOUBLE, value)


def _text(value: str) -> bytes:
    encoded = value.encode("utf-8", "replace")
    return _u29(len(encoded) << 1 | 1) + encoded


def _u29(value: int) -> bytes:
    if value >= 1 << 29:
        raise AmfError("too long for AMF3")
    if value < 1 << 7:
        return bytes([value])
    if value < 1 << 14:
        return bytes([value >> 7 | 0x80, value & 0x7F])
    if value < 1 << 21:
        return bytes([value >> 14 | 0x80, value >> 7 & 0x7F | 0x80, value & 0x7F])
    return bytes(
        [value >> 22 | 0x80, value >> 15 & 0x7F | 0x80, value >> 8 & 0x7F | 0x80, value & 0xFF]
    )
