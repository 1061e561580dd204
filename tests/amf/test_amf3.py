from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gamecast.amf import AmfError, Date, EcmaArray, Undefined, Value, amf3
from tests.amf.strategies import values


def one(data: bytes) -> Value:
    (value,) = amf3.decode(data)
    return value


@settings(max_examples=100)
@given(st.lists(values, max_size=4))
def test_what_is_written_is_read_back(written: list[Value]) -> None:
    read = amf3.decode(amf3.encode(*written))
    assert read == written
    assert [type(value) for value in read] == [type(value) for value in written]


@pytest.mark.parametrize(
    ("number", "data"),
    [
        (0, b"\x04\x00"),
        (127, b"\x04\x7f"),
        (128, b"\x04\x81\x00"),
        (16383, b"\x04\xff\x7f"),
        (16384, b"\x04\x81\x80\x00"),
        (2097151, b"\x04\xff\xff\x7f"),
        (2097152, b"\x04\x80\xc0\x80\x00"),
        (268435455, b"\x04\xbf\xff\xff\xff"),
        (-1, b"\x04\xff\xff\xff\xff"),
        (-268435456, b"\x04\xc0\x80\x80\x00"),
        (268435456, b"\x05" + struct.pack(">d", 268435456)),
    ],
)
def test_integers_take_29_bits(number: int, data: bytes) -> None:
    assert amf3.encode(number) == data
    assert one(data) == float(number)


def test_strings_are_referred_to_but_not_empty_ones() -> None:
    data = b"\x09\x07\x01" + b"\x06\x07abc" + b"\x06\x01" + b"\x06\x00"
    assert one(data) == ["abc", "", "abc"]


def test_arrays_with_names_become_ecma_arrays() -> None:
    data = b"\x09\x05\x03k\x03\x01" + b"\x02" + b"\x03"
    value = one(data)
    assert type(value) is EcmaArray
    assert value == {"k": True, "0": False, "1": True}


def test_objects_share_traits() -> None:
    traits = b"\x23\x0bPoint\x03x\x03y"  # inline traits, sealed, two members
    data = b"\x09\x05\x01" + b"\x0a" + traits + b"\x04\x01\x04\x02" + b"\x0a\x01\x04\x03\x04\x04"
    assert one(data) == [{"x": 1.0, "y": 2.0}, {"x": 3.0, "y": 4.0}]


def test_dynamic_members_follow_sealed_ones() -> None:
    assert one(b"\x0a\x1b\x01\x03x\x04\x01\x03z\x02\x01") == {"x": 1.0, "z": False}


def test_object_references() -> None:
    data = b"\x09\x05\x01" + b"\x08\x01" + struct.pack(">d", 5.0) + b"\x08\x02"
    assert one(data) == [Date(5.0), Date(5.0)]


def test_vectors_and_dictionaries() -> None:
    assert one(b"\x0d\x05\x00" + struct.pack(">2i", -1, 2)) == [-1.0, 2.0]
    assert one(b"\x0e\x03\x00" + struct.pack(">I", 0xFFFFFFFF)) == [4294967295.0]
    assert one(b"\x0f\x03\x01" + struct.pack(">d", 0.5)) == [0.5]
    assert one(b"\x10\x03\x00\x01\x00") == [Undefined.VALUE]
    assert one(b"\x11\x05\x00\x06\x03a\x02\x04\x01\x03") == {"a": False, "1.0": True}


@pytest.mark.parametrize(
    "data",
    [
        b"\x06\x02",  # string reference to nothing
        b"\x08\x00",  # object reference to nothing
        b"\x09\x03\x01\x09\x00",  # an array that holds itself
        b"\x0a\x01",  # traits reference to nothing
        b"\x0a\x07\x03X",  # externalizable
        b"\x12",
        b"\x0d\xff\xff\xff\xff\x00",  # a vector of half a billion
        b"\x11\x03\x00\x01\x01",  # a dictionary keyed by null
        b"\x0a\xff\xff\xff\xfb\x01",  # more sealed members than values
        b"\x09\x05\x01" * 17,
        b"\x01" * 1025,
        b"\x04\x80",
    ],
)
def test_what_is_refused(data: bytes) -> None:
    with pytest.raises(AmfError):
        amf3.decode(data)


def test_references_cannot_multiply_text() -> None:
    long = amf3.encode("x" * 60_000)
    with pytest.raises(AmfError, match="too much"):
        amf3.decode(long + b"\x06\x00" * 400)
    traits = b"\x0a\x13\x01" + long[1:] + b"\x01"
    with pytest.raises(AmfError, match="too much"):
        amf3.decode(traits + b"\x0a\x01\x01" * 400)


def test_misuse_is_an_ordinary_error() -> None:
    with pytest.raises(TypeError):
        amf3.encode(object())
    with pytest.raises(AmfError):
        amf3.encode({"": 1})


@settings(max_examples=200)
@given(st.binary(max_size=200))
def test_only_amf_error_escapes(data: bytes) -> None:
    try:
        values = amf3.decode(data)
    except AmfError:
        return
    assert len(values) <= len(data)


@settings(max_examples=100)
@given(values, st.data())
def test_only_amf_error_escapes_damaged_messages(value: Value, data: st.DataObject) -> None:
    message = bytearray(amf3.encode(value))
    position = data.draw(st.integers(0, len(message) - 1))
    message[position] = data.draw(st.integers(0, 255))
    try:
        amf3.decode(bytes(message))
    except AmfError:
        return
