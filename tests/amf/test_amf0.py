from __future__ import annotations

import math
import struct
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gamecast.amf import AmfError, Date, EcmaArray, Undefined, Value, Xml, amf0
from tests.amf.strategies import values

END = b"\x00\x00\x09"


def one(data: bytes) -> Value:
    (value,) = amf0.decode(data)
    return value


def test_connect_command_is_written_as_the_specification_shows() -> None:
    data = amf0.encode("connect", 1, {"app": "live", "audioCodecs": 3191, "fpad": False})
    assert data == (
        b"\x02\x00\x07connect"
        + b"\x00\x3f\xf0\x00\x00\x00\x00\x00\x00"
        + b"\x03\x00\x03app\x02\x00\x04live"
        + b"\x00\x0baudioCodecs\x00\x40\xa8\xee\x00\x00\x00\x00\x00"
        + b"\x00\x04fpad\x01\x00"
        + END
    )
    assert amf0.decode(data) == [
        "connect",
        1.0,
        {"app": "live", "audioCodecs": 3191.0, "fpad": False},
    ]


@settings(max_examples=100)
@given(st.lists(values, max_size=4))
def test_what_is_written_is_read_back(written: list[Value]) -> None:
    read = amf0.decode(amf0.encode(*written))
    assert read == written
    assert [type(value) for value in read] == [type(value) for value in written]


def test_ecma_arrays_stay_ecma_arrays() -> None:
    data = amf0.encode(EcmaArray(width=1920.0))
    assert data[:5] == b"\x08\x00\x00\x00\x01"
    assert type(one(data)) is EcmaArray


def test_an_ecma_array_may_lie_about_its_count_and_lack_its_end_at_the_end() -> None:
    body = b"\x00\x01a" + amf0.encode(1.0)
    assert one(b"\x08\xff\xff\xff\xff" + body + END) == {"a": 1.0}
    assert one(b"\x08\x00\x00\x00\x01" + body) == {"a": 1.0}
    assert one(b"\x08\x00\x00\x00\x00") == {}


def test_an_object_without_its_end_is_refused() -> None:
    with pytest.raises(AmfError):
        amf0.decode(b"\x03\x00\x01a" + amf0.encode(1.0))


def test_a_property_may_have_an_empty_name() -> None:
    assert one(b"\x03\x00\x00" + amf0.encode("x") + END) == {"": "x"}


def test_names_are_only_keys() -> None:
    assert one(amf0.encode({"__proto__": {"x": True}, "__class__": "y"})) == {
        "__proto__": {"x": True},
        "__class__": "y",
    }


def test_of_duplicate_names_the_last_counts() -> None:
    twice = b"\x00\x01a" + amf0.encode(1.0) + b"\x00\x01a" + amf0.encode(2.0)
    assert one(b"\x03" + twice + END) == {"a": 2.0}


def test_bytes_that_are_not_utf8_are_replaced() -> None:
    assert one(b"\x02\x00\x03a\xffb") == "a\ufffdb"
    assert one(b"\x03\x00\x01\xff\x05" + END) == {"\ufffd": None}


def test_text_that_utf8_cannot_carry_is_replaced() -> None:
    assert one(amf0.encode("a\ud800")) == "a?"


def test_long_strings() -> None:
    text = "x" * 70_000
    data = amf0.encode(text)
    assert data[:5] == b"\x0c" + struct.pack(">I", 70_000)
    assert one(data) == text
    with pytest.raises(AmfError):
        amf0.decode(b"\x0c\xff\xff\xff\xff1234")


def test_other_types() -> None:
    assert one(b"\x0d") is Undefined.VALUE
    assert not Undefined.VALUE
    assert one(b"\x0b" + struct.pack(">dh", 1e12, -60)) == Date(1e12, -60)
    assert type(one(amf0.encode(Xml("<a/>")))) is Xml
    assert one(b"\x10\x00\x05Point\x00\x01x" + amf0.encode(3.0) + END) == {"x": 3.0}
    infinity, nan = amf0.decode(amf0.encode(math.inf, math.nan))
    assert infinity == math.inf
    assert isinstance(nan, float)
    assert math.isnan(nan)


def test_references_point_at_complex_values_in_their_order() -> None:
    data = amf0.encode({"a": 1.0}, [2.0]) + b"\x07\x00\x01" + b"\x07\x00\x00"
    assert amf0.decode(data) == [{"a": 1.0}, [2.0], [2.0], {"a": 1.0}]


@pytest.mark.parametrize(
    "data",
    [
        b"\x07\x00\x00",  # refers to nothing
        b"\x03\x00\x01a\x07\x00\x00" + END,  # refers to itself
        b"\x04",  # movie clip: reserved
        b"\x0e",  # record set: reserved
        b"\x7f",
        b"\x11",  # AMF3, and nothing follows
        b"\x11\xff\xff",
    ],
)
def test_bad_types_and_references(data: bytes) -> None:
    with pytest.raises(AmfError):
        amf0.decode(data)


def test_references_cannot_multiply_what_they_refer_to() -> None:
    bomb = amf0.encode([1.0] * 9)
    for level in range(12):
        bomb += struct.pack(">BI", 0x0A, 9) + struct.pack(">BH", 7, level) * 9
    with pytest.raises(AmfError, match="too many"):
        amf0.decode(bomb)
    text = amf0.encode(["x" * 60_000]) + b"\x07\x00\x00" * 400
    with pytest.raises(AmfError, match="too much"):
        amf0.decode(text)


def test_avmplus_switches_to_amf3_for_one_value() -> None:
    assert amf0.decode(b"\x11\x06\x07abc" + amf0.encode(1.0)) == ["abc", 1.0]


@pytest.mark.parametrize("marker", [b"\x03\x00\x01a", b"\x08\x00\x00\x00\x01\x00\x01a"])
@pytest.mark.parametrize("levels", [17, 10_000])
def test_depth_is_bounded(marker: bytes, levels: int) -> None:
    with pytest.raises(AmfError, match="deep"):
        amf0.decode(marker * levels)
    with pytest.raises(AmfError, match="deep"):
        amf0.decode(b"\x0a\x00\x00\x00\x01" * levels)


def test_sixteen_levels_are_allowed() -> None:
    nested: Any = 1.0
    for _ in range(16):
        nested = {"a": nested}
    assert one(amf0.encode(nested)) == nested
    with pytest.raises(AmfError):
        amf0.encode({"a": nested})


def test_the_number_of_values_is_bounded() -> None:
    assert len(amf0.decode(b"\x05" * 1024)) == 1024
    for data in (b"\x05" * 1025, b"\x0a\xff\xff\xff\xff\x05", amf0.encode([None] * 1024)):
        with pytest.raises(AmfError, match="too many"):
            amf0.decode(data)
    with pytest.raises(AmfError):
        amf0.decode(b"\x05" * 3, limit=2)


def test_misuse_is_an_ordinary_error() -> None:
    with pytest.raises(TypeError):
        amf0.encode(object())
    with pytest.raises(AmfError):
        amf0.encode({"x" * 70_000: 1})


@settings(max_examples=200)
@given(st.binary(max_size=200))
@example(b"\x0a\x00\x00\x00\x02\x07\x00\x00")
def test_only_amf_error_escapes(data: bytes) -> None:
    try:
        values = amf0.decode(data)
    except AmfError:
        return
    assert len(values) <= len(data)


@settings(max_examples=100)
@given(values, st.data())
def test_only_amf_error_escapes_damaged_messages(value: Value, data: st.DataObject) -> None:
    message = bytearray(amf0.encode("onMetaData", value))
    position = data.draw(st.integers(0, len(message) - 1))
    message[position] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(message)))
    for damaged in (bytes(message), bytes(message[:cut])):
        try:
            amf0.decode(damaged)
        except AmfError:
            continue
