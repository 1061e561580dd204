from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gamecast.protocols.rtmp import RtmpProtocolError, messages
from gamecast.protocols.rtmp.events import MessageReceived
from gamecast.protocols.rtmp.messages import UserControl


def tag(type_id: int, timestamp: int, body: bytes, *, size: int | None = None) -> bytes:
    size = len(body) if size is None else size
    stamp = (timestamp & 0xFFFFFF).to_bytes(3, "big") + bytes([timestamp >> 24])
    head = bytes([type_id]) + size.to_bytes(3, "big") + stamp + bytes(3)
    return head + body + (11 + size).to_bytes(4, "big")


def aggregate(payload: bytes) -> MessageReceived:
    return MessageReceived(22, 1, 5000, payload)


def test_control_bodies() -> None:
    assert messages.u32(0x01020304) == b"\1\2\3\4"
    assert messages.u32(1 << 32) == bytes(4)
    assert messages.peer_bandwidth(0x10) == b"\0\0\0\x10\2"
    assert messages.user_control(UserControl.SET_BUFFER_LENGTH, 1, 3000) == (
        b"\0\3\0\0\0\1\0\0\x0b\xb8"
    )
    assert messages.parse_user_control(b"\0\6abcd") == (6, b"abcd")


@pytest.mark.parametrize("payload", [b"", b"a", b"abc"])
def test_short_control_messages(payload: bytes) -> None:
    with pytest.raises(RtmpProtocolError):
        messages.parse_u32(payload)
    if len(payload) < 2:
        with pytest.raises(RtmpProtocolError):
            messages.parse_user_control(payload)


def test_an_aggregate_is_retimed_to_its_own_timestamp() -> None:
    body = tag(9, 0x01000010, b"v") + tag(8, 0x01000020, b"aa") + tag(20, 0x01000020, b"no")
    assert messages.split_aggregate(aggregate(body)) == [
        MessageReceived(9, 1, 5000, b"v"),
        MessageReceived(8, 1, 5016, b"aa"),
    ]


def test_metadata_inside_an_aggregate() -> None:
    (found,) = messages.split_aggregate(aggregate(tag(18, 0, messages.SET_DATA_FRAME + b"m")))
    assert found == MessageReceived(18, 1, 5000, b"m")


def test_aggregates_that_lie() -> None:
    with pytest.raises(RtmpProtocolError, match="cut short"):
        messages.split_aggregate(aggregate(tag(9, 0, b"v", size=1000)))
    with pytest.raises(RtmpProtocolError, match="too many"):
        messages.split_aggregate(aggregate(tag(9, 0, b"") * 5000))


@given(payload=st.binary(max_size=500))
def test_arbitrary_aggregates(payload: bytes) -> None:
    try:
        found = messages.split_aggregate(aggregate(payload))
    except RtmpProtocolError:
        return
    assert sum(len(message.payload) for message in found) <= len(payload)


@pytest.mark.parametrize(
    ("type_id", "payload", "wanted"),
    [
        (18, b"\2\0\x0aonMetaData\5", b"\2\0\x0aonMetaData\5"),
        (18, b"\2\0\x0d@setDataFrame\2\0\x0aonMetaData\5", b"\2\0\x0aonMetaData\5"),
        (15, b"\0\2\0\x0d@setDataFrame\2\0\x0aonMetaData\5", b"\2\0\x0aonMetaData\5"),
        (15, b"\2\0\x01a", b"\2\0\x01a"),
        (18, b"", b""),
    ],
)
def test_data_messages_become_script_tags(type_id: int, payload: bytes, wanted: bytes) -> None:
    found = messages.as_script_data(MessageReceived(type_id, 1, 9, payload))
    assert found == MessageReceived(18, 1, 9, wanted)
