from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gamecast.amf import amf0
from gamecast.protocols.rtmp import RtmpProtocolError
from gamecast.protocols.rtmp.commands import (
    Command,
    encode_command,
    finite,
    parse_command,
    status,
    text,
)

AMF0, AMF3 = 20, 17


def test_a_command_reads_back() -> None:
    payload = encode_command("publish", 5, None, "name", "live", 3)
    command = parse_command(AMF0, payload)
    assert command == Command("publish", 5.0, {}, ["name", "live", 3.0])
    assert (command.string(0), command.string(2), command.string(9)) == ("name", "", "")
    assert (command.number(2, -1), command.number(0, -1), command.number(9, -1)) == (3, -1, -1)


def test_objects_and_booleans() -> None:
    payload = encode_command("x", 1, {"a": "b"}, True, {"c": 1})
    command = parse_command(AMF0, payload)
    assert command.object == {"a": "b"}
    assert command.boolean(0, False)
    assert command.boolean(1, False) is False
    assert command.mapping(1) == {"c": 1.0}
    assert command.mapping(0) == {}


def test_amf3_commands_have_a_format_byte_and_may_switch_by_value() -> None:
    """Enhanced RTMP v2, "Important AMF3-encoded Historical Specification Clarification"."""
    connect = b"\0" + amf0.encode("connect", 1) + b"\x11\x0a\x0b\x01\x07app\x06\x09live\x01"
    assert parse_command(AMF3, connect) == Command("connect", 1.0, {"app": "live"}, [])
    assert parse_command(AMF3, connect[1:]).object == {"app": "live"}


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, "1", None, True])
def test_a_transaction_id_that_is_no_number_is_none(value: object) -> None:
    assert parse_command(AMF0, amf0.encode("x", value)).transaction_id == 0


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\x05",
        b"\x00" + bytes(8),
        amf0.encode(""),
        amf0.encode("x" * 65),
        b"\x02\x00\x09connect",
        amf0.encode("connect") + b"\x0d\xff",
        amf0.encode("connect", 1) + b"\x11\xff\xff\xff",
        amf0.encode("connect", 1) + b"\x0a\xff\xff\xff\xff",
        amf0.encode("connect", 1) + b"\x0c\xff\xff\xff\xff",
        amf0.encode("connect", 1) + b"\x07\x00\x00",
        amf0.encode("connect", 1) + b"\x03\x00\x01a" * 10_000,
        amf0.encode("connect", 1) + b"\x0a\x00\x00\x00\x01" * 10_000,
        amf0.encode("connect", 1) + b"\x08\x00\x00\x00\x01\x00\x01a" * 9_000,
        amf0.encode("connect", 1) + b"\x03\x00\x01a\x05",
    ],
)
def test_malformed_commands(payload: bytes) -> None:
    """AMF bombs too: depth, counts, references to themselves, markers that mean nothing."""
    with pytest.raises(RtmpProtocolError):
        parse_command(AMF0, payload)


def test_odd_keys_are_only_keys() -> None:
    body = amf0.encode("connect", 1) + b"\x03"
    for key in (b"__proto__", b"\xff\xfe", b"app", b"app"):
        body += len(key).to_bytes(2, "big") + key + amf0.encode("v")
    command = parse_command(AMF0, body + b"\0\0\x09")
    assert set(command.object) == {"__proto__", "\ufffd\ufffd", "app"}


@given(payload=st.binary(max_size=200))
def test_arbitrary_payloads(payload: bytes) -> None:
    for data in (payload, amf0.encode("connect", 1) + payload):
        for type_id in (AMF0, AMF3):
            try:
                command = parse_command(type_id, data)
            except RtmpProtocolError:
                continue
            assert math.isfinite(command.transaction_id)


def test_keys_are_not_shown() -> None:
    command = Command("publish", 1, {"tcUrl": "secret"}, ["secret"])
    assert "secret" not in repr(command)


def test_small_helpers() -> None:
    assert status("error", "a.b", "c", extra=1) == {
        "level": "error",
        "code": "a.b",
        "description": "c",
        "extra": 1,
    }
    assert (finite(math.nan, 2), finite("x", 2), finite(3, 2), finite(True, 2)) == (2, 2, 3, 2)
    assert (text("abcdef", 3), text(None, 3)) == ("abc", "")
