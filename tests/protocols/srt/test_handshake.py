"""Handshakes and their extensions, byte for byte and malformed."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gamecast.protocols.srt import SrtError, parse_access_control
from gamecast.protocols.srt.access import build_access_control
from gamecast.protocols.srt.handshake import (
    SIZE,
    Capabilities,
    Handshake,
    HandshakeType,
    build_stream_id,
    check_limits,
    parse_capabilities,
    parse_handshake,
    parse_stream_id,
)
from gamecast.protocols.srt.reject import (
    Reject,
    describe,
    from_handshake_type,
    to_handshake_type,
)


def test_a_handshake_comes_back() -> None:
    sent = Handshake(
        sequence=0x7FFF_FFFF,
        socket_id=77,
        cookie=0xDEADBEEF,
        extensions=[(1, Capabilities(receive_delay=120, send_delay=80).build()), (5, b"abcd")],
    )
    assert parse_handshake(sent.build()) == sent
    body = sent.find(1)
    assert body is not None
    asked = parse_capabilities(body)
    assert (asked.receive_delay, asked.send_delay) == (120, 80)
    assert "DEADBEEF" not in repr(sent).upper()


def test_a_stream_id_is_stored_backwards_word_by_word() -> None:
    assert build_stream_id("STREAM") == b"ERTS\x00\x00MA"
    assert parse_stream_id(b"ERTS\x00\x00MA") == "STREAM"
    assert parse_stream_id(build_stream_id("größe")) == "größe"


@pytest.mark.parametrize(
    "body",
    [build_stream_id("a" * 512) + b"aaaa", b"\xff\xff\xff\xff", build_stream_id("a\x1b[2J")],
)
def test_stream_ids_that_are_too_long_or_no_text_are_refused(body: bytes) -> None:
    with pytest.raises(SrtError):
        parse_stream_id(body)


@pytest.mark.parametrize(
    ("name", "value"),
    [("mtu", 0), ("mtu", 1), ("mtu", 75), ("window", 0), ("sequence", 1 << 31), ("socket_id", 0)],
)
def test_impossible_values_are_refused(name: str, value: int) -> None:
    handshake = Handshake(socket_id=1)
    check_limits(handshake)
    setattr(handshake, name, value)
    with pytest.raises(SrtError):
        check_limits(handshake)


def test_an_extension_that_lies_about_its_length_is_refused() -> None:
    data = bytearray(Handshake(socket_id=1, extensions=[(5, b"abcd")]).build())
    data[SIZE + 3] = 2
    with pytest.raises(SrtError):
        parse_handshake(bytes(data))


@given(st.binary(max_size=1500))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    head = Handshake(socket_id=1, type=HandshakeType.CONCLUSION).build()
    for candidate in (data, head + data):
        try:
            handshake = parse_handshake(candidate)
            for _, body in handshake.extensions:
                parse_stream_id(body)
                parse_capabilities(body)
        except SrtError:
            pass


def test_reasons_travel_in_the_handshake_type() -> None:
    for reason in Reject:
        assert from_handshake_type(to_handshake_type(reason)) == reason
        assert str(int(reason)) in describe(reason)
    assert to_handshake_type(Reject.BADSECRET) == 1010
    assert from_handshake_type(HandshakeType.CONCLUSION) is None
    assert describe(2042) == "refused with code 2042"


def test_access_control_both_ways() -> None:
    text = build_access_control(r="live/main", m="publish", s="key=with=equals")
    assert text == "#!::r=live/main,m=publish,s=key=with=equals"
    assert parse_access_control(text) == {"r": "live/main", "m": "publish", "s": "key=with=equals"}


@pytest.mark.parametrize("text", ["#!:r=x", "#!::r", "#!::=x", "#!::r=a,r=b", "x"])
def test_malformed_access_control_is_refused(text: str) -> None:
    with pytest.raises(SrtError):
        parse_access_control(text)


@given(st.text(max_size=300))
def test_any_access_control_is_read_or_refused(text: str) -> None:
    with suppress(SrtError):
        parse_access_control("#!::" + text)
