from __future__ import annotations

import pytest

from gamecast.protocols.rtmp import RtmpLimits, RtmpProtocolError
from gamecast.protocols.rtmp.handshake import ServerHandshake
from gamecast.protocols.rtmp.link import WINDOW_SIZE, MessageLink
from tests.protocols.rtmp.link_pair import HANDSHAKE, NOW, message, messages_in
from tests.support.clock import SeededBytes


def open_link() -> MessageLink:
    link = MessageLink(ServerHandshake(SeededBytes()), RtmpLimits())
    assert link.receive_data(HANDSHAKE, NOW) == []
    link.data_to_send()
    return link


def sent(link: MessageLink) -> list[tuple[int, bytes]]:
    data = messages_in(link.data_to_send(), skip_handshake=False)
    return [(found.type_id, found.payload) for found in data]


def test_what_follows_the_handshake_in_one_piece_is_read() -> None:
    link = MessageLink(ServerHandshake(SeededBytes()), RtmpLimits())
    (found,) = link.receive_data(HANDSHAKE + message(9, b"v", stream_id=1), NOW)
    assert found.payload == b"v"
    assert link.received == len(HANDSHAKE) + 13


def test_pings_are_answered() -> None:
    link = open_link()
    assert link.receive_data(message(4, b"\0\6abcd"), NOW) == []
    assert sent(link) == [(4, b"\0\7abcd")]
    assert link.data_to_send() == b""


def test_received_bytes_are_acknowledged_by_the_peers_window() -> None:
    link = open_link()
    link.receive_data(message(5, (10_000).to_bytes(4, "big")), NOW)
    assert sent(link) == []
    link.receive_data(message(9, bytes(7000)), NOW)
    assert link.received > 10_000
    assert sent(link) == [(3, link.received.to_bytes(4, "big"))]
    link.receive_data(message(9, bytes(7000)), NOW)
    assert sent(link) == []


def test_without_a_window_our_own_is_used() -> None:
    link = open_link()
    data = message(9, bytes(1_000_000))
    answers = []
    for _ in range(3):
        link.receive_data(data, NOW)
        answers += sent(link)
    assert answers == [(3, link.received.to_bytes(4, "big"))]
    assert link.received > WINDOW_SIZE


@pytest.mark.parametrize("window", [0, 1, 0xFFFFFFFF])
def test_odd_windows_do_not_make_a_flood(window: int) -> None:
    link = open_link()
    link.receive_data(message(5, window.to_bytes(4, "big")), NOW)
    answers = []
    for _ in range(100):
        link.receive_data(message(8, b"a"), NOW)
        answers += sent(link)
    assert len(answers) <= 2


@pytest.mark.parametrize("limit_type", [0, 1, 2, 3, 255])
def test_peer_bandwidth_of_any_type_is_taken(limit_type: int) -> None:
    link = open_link()
    assert link.receive_data(message(6, b"\0\0\1\0" + bytes([limit_type])), NOW) == []


def test_what_the_peer_says_is_kept() -> None:
    link = open_link()
    link.receive_data(message(3, b"\0\0\1\0") * 1000, NOW)
    assert link.peer_acknowledged == 256
    link.receive_data(message(4, b"\0\3\0\0\0\1\0\0\x0b\xb8"), NOW)
    assert link.peer_buffer_ms == 3000
    link.receive_data(message(4, b"\0\1\0\0\0\1"), NOW)
    assert link.stream_ended
    assert link.receive_data(message(4, b"\0\x63anything"), NOW) == []
    assert link.data_to_send() == b""


@pytest.mark.parametrize("payload", [b"", b"\0", b"\0\6ab"])
def test_short_control_messages(payload: bytes) -> None:
    with pytest.raises(RtmpProtocolError, match="short"):
        open_link().receive_data(message(4, payload), NOW)


def test_aggregates_and_amf3_data_are_opened() -> None:
    tag = b"\x09\0\0\1\0\0\0\0\0\0\0v\0\0\0\x0c"
    data = message(22, tag, stream_id=1, timestamp=7) + message(15, b"\0meta", stream_id=1)
    found = open_link().receive_data(data, NOW)
    assert [(m.type_id, m.timestamp, m.payload) for m in found] == [(9, 7, b"v"), (18, 0, b"meta")]


def test_our_chunk_size_holds_from_its_announcement_on() -> None:
    link = open_link()
    link.send_message(9, 1, 0, bytes(200), 6)
    link.send_chunk_size(50)
    link.send_message(9, 1, 0, bytes(200), 6)
    data = link.data_to_send()
    assert data.count(b"\xc6") == 1 + 3
    found = messages_in(data, skip_handshake=False)
    assert [len(m.payload) for m in found] == [200, 200]
