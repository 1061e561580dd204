"""STUN against the test vectors of RFC 5769, and against bytes that lie."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gamecast.protocols.webrtc import stun
from gamecast.protocols.webrtc.errors import WebRtcError
from gamecast.protocols.webrtc.stun import Attribute, MessageClass

PASSWORD = b"VOkJxbRl1RmTxUk/WvJxBt"
TRANSACTION = bytes.fromhex("b7e7a701bc34d686fa87dfae")
# RFC 5769 section 2.1
REQUEST = bytes.fromhex(
    "000100582112a442b7e7a701bc34d686fa87dfae"
    "802200105354554e207465737420636c69656e74"
    "002400046e0001ff80290008932ff9b151263b36"
    "000600096576746a3a68367659202020"
    "000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2"
    "80280004e57a3bcf"
)
# Sections 2.2 and 2.3
RESPONSES = [
    (
        "0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220"
        "002000080001a147e112a643000800142b91f599fd9e90c38c7489f92af9ba53f06be7d7"
        "80280004c07d4c96",
        ("192.0.2.1", 32853),
    ),
    (
        "010100482112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220"
        "002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9"
        "00080014a382954e4be67bf11784c97c8292c275bfe3ed4180280004c8fb0b4c",
        ("2001:db8:1234:5678:11:2233:4455:6677", 32853),
    ),
]


def test_rfc_5769_request() -> None:
    message = stun.parse(REQUEST)
    assert message.message_class is MessageClass.REQUEST
    assert message.method == stun.BINDING
    assert message.transaction_id == TRANSACTION
    assert message.username == "evtj:h6vY"
    assert message.priority == 0x6E0001FF
    assert not message.use_candidate
    assert message.unknown_required() == []
    assert stun.integrity_matches(REQUEST, message, PASSWORD)
    assert not stun.integrity_matches(REQUEST, message, PASSWORD + b"x")


@pytest.mark.parametrize(("text", "address"), RESPONSES)
def test_rfc_5769_responses(text: str, address: tuple[str, int]) -> None:
    data = bytes.fromhex(text)
    message = stun.parse(data)
    assert message.message_class is MessageClass.SUCCESS
    assert stun.integrity_matches(data, message, PASSWORD)
    value = message.attributes[Attribute.XOR_MAPPED_ADDRESS]
    assert stun.parse_xor_mapped_address(value, TRANSACTION) == address
    assert stun.build_xor_mapped_address(address, TRANSACTION) == value


@given(
    message_class=st.sampled_from(list(MessageClass)),
    method=st.integers(0, 0xFF),  # RFC 7983 leaves no room for more on a shared port.
    attributes=st.dictionaries(st.integers(0x0030, 0x7FFF), st.binary(max_size=40), max_size=8),
)
@settings(max_examples=60)
def test_what_is_built_can_be_parsed(
    message_class: MessageClass, method: int, attributes: dict[int, bytes]
) -> None:
    data = stun.build(
        message_class, TRANSACTION, list(attributes.items()), key=b"key", method=method
    )
    message = stun.parse(data)
    assert (message.message_class, message.method) == (message_class, method)
    assert message.attributes == attributes
    assert sorted(message.unknown_required()) == sorted(attributes)
    assert stun.integrity_matches(data, message, b"key")


def test_attributes_behind_the_integrity_are_not_believed() -> None:
    head = stun.build(MessageClass.REQUEST, TRANSACTION, [(Attribute.PRIORITY, b"abcd")], key=b"k")
    without_fingerprint = head[:-8]
    data = without_fingerprint + b"\x00\x25\x00\x00"
    data = data[:2] + (len(data) - 20).to_bytes(2, "big") + data[4:]
    message = stun.parse(data)
    assert not message.use_candidate
    assert stun.integrity_matches(data, message, b"k")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(19),
        REQUEST[:-4],
        REQUEST + b"\0\0\0\0",
        REQUEST[:-1] + b"\0",
        REQUEST[:2] + b"\0\x57" + REQUEST[4:],
        REQUEST[:4] + bytes(4) + REQUEST[8:],
        REQUEST[:22] + b"\xff\xf0" + REQUEST[24:],
        bytes.fromhex("000100082112a442") + TRANSACTION + bytes.fromhex("0025000400000000"),
        bytes.fromhex("000100102112a442")
        + TRANSACTION
        + bytes.fromhex("80280004000000008022000474657374"),
        bytes.fromhex("000100842112a442") + TRANSACTION + bytes.fromhex("80220000") * 33,
    ],
)
def test_malformed_messages_are_refused(data: bytes) -> None:
    with pytest.raises(WebRtcError):
        stun.parse(data)


@pytest.mark.parametrize("value", [b"", b"\0", bytes(8), b"\0\1" + bytes(7), b"\0\2" + bytes(6)])
def test_malformed_mapped_addresses_are_refused(value: bytes) -> None:
    with pytest.raises(WebRtcError):
        stun.parse_xor_mapped_address(value, TRANSACTION)


@given(st.binary(max_size=200))
@settings(max_examples=200)
def test_only_the_documented_error_escapes(tail: bytes) -> None:
    for data in (tail, REQUEST[:8] + tail, _framed(tail)):
        try:
            message = stun.parse(data)
        except WebRtcError:
            continue
        assert len(message.attributes) <= stun.MAX_ATTRIBUTES
        assert isinstance(message.username, str)
        assert message.error_code >= 0


def _framed(tail: bytes) -> bytes:
    tail = tail[: len(tail) // 4 * 4]
    return b"\0\1" + len(tail).to_bytes(2, "big") + REQUEST[4:20] + tail


def test_error_code_round_trip() -> None:
    value = stun.build_error_code(487, "Role Conflict")
    data = stun.build(MessageClass.ERROR, TRANSACTION, [(Attribute.ERROR_CODE, value)])
    assert stun.parse(data).error_code == 487
