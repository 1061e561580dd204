"""RTP packets and header extensions."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gamecast.protocols.webrtc.errors import WebRtcError
from gamecast.protocols.webrtc.rtp import (
    RtpPacket,
    build_extensions,
    build_header,
    build_rtp,
    parse_rtp,
)

HEADER = bytes.fromhex("8060000100000002deadbeef")

packets = st.builds(
    RtpPacket,
    payload_type=st.integers(0, 127),
    sequence=st.integers(0, 0xFFFF),
    timestamp=st.integers(0, 0xFFFFFFFF),
    ssrc=st.integers(0, 0xFFFFFFFF),
    payload=st.binary(max_size=60),
    marker=st.booleans(),
    csrcs=st.lists(st.integers(0, 0xFFFFFFFF), max_size=15).map(tuple),
    extensions=st.one_of(
        st.dictionaries(st.integers(1, 14), st.binary(min_size=1, max_size=16), max_size=4),
        st.dictionaries(st.integers(1, 255), st.binary(max_size=40), max_size=4),
    ),
    padding_size=st.integers(0, 255),
)


@given(packets)
@settings(max_examples=150)
def test_what_is_built_is_parsed(packet: RtpPacket) -> None:
    assert parse_rtp(build_rtp(packet)) == packet


def test_one_byte_extension_by_the_letter() -> None:
    block = build_extensions({1: b"\xaa", 3: b"abcd"})
    assert block == bytes.fromhex("bede0002 10aa 3361626364 00".replace(" ", ""))
    header = build_header(
        payload_type=96, sequence=1, timestamp=2, ssrc=3, marker=True, extension_block=block
    )
    assert header[:2] == b"\x90\xe0"
    assert parse_rtp(header + b"x").extensions == {1: b"\xaa", 3: b"abcd"}


def test_padding_inside_an_extension_and_the_id_that_ends_it() -> None:
    data = b"\x90" + HEADER[1:] + bytes.fromhex("bede0002 00 10aa 00 f0 20bb 00".replace(" ", ""))
    assert parse_rtp(data + b"p").extensions == {1: b"\xaa"}


def test_two_byte_extension_with_an_empty_element() -> None:
    block = build_extensions({20: b"", 21: b"abc"})
    assert block[:2] == b"\x10\x00"
    data = b"\x90" + HEADER[1:] + block + b"p"
    assert parse_rtp(data).extensions == {20: b"", 21: b"abc"}


def test_an_extension_of_another_profile_is_passed_over() -> None:
    data = b"\x90" + HEADER[1:] + bytes.fromhex("12340001ffffffff") + b"p"
    packet = parse_rtp(data)
    assert (packet.extensions, packet.payload) == ({}, b"p")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        HEADER[:11],
        b"\x40" + HEADER[1:],  # version 1
        b"\x8f" + HEADER[1:],  # 15 CSRCs, none there
        b"\x90" + HEADER[1:],  # extension without its header
        b"\x90" + HEADER[1:] + bytes.fromhex("bede00ff"),  # extension past the end
        b"\x90" + HEADER[1:] + bytes.fromhex("bede00013f000000"),  # element past the extension
        b"\x90" + HEADER[1:] + bytes.fromhex("1000000105ff0000"),
        b"\x90" + HEADER[1:] + bytes.fromhex("1000000100000005"),
        b"\xa0" + HEADER[1:] + b"\x00",  # padding of 0
        b"\xa0" + HEADER[1:] + b"abc\x05",  # padding larger than the payload
        b"\xa0" + HEADER[1:],  # padding without payload: its count is the SSRC's last byte
    ],
)
def test_malformed_packets_are_refused(data: bytes) -> None:
    with pytest.raises(WebRtcError):
        parse_rtp(data)


@given(st.binary(max_size=80), st.integers(0x80, 0xBF))
@settings(max_examples=200)
def test_only_the_documented_error_escapes(tail: bytes, first: int) -> None:
    for data in (tail, bytes([first]) + tail):
        try:
            packet = parse_rtp(data)
        except WebRtcError:
            continue
        assert len(packet.payload) <= len(data) - 12
