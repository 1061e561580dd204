"""What strangers and broken peers send: nothing escapes, nothing grows, nobody else suffers."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gamecast.protocols.srt import Connection, Listener, Reject, Settings
from gamecast.protocols.srt.handshake import (
    Capabilities,
    ExtensionType,
    Handshake,
    HandshakeType,
    SrtFlag,
    build_stream_id,
    parse_handshake,
)
from gamecast.protocols.srt.keys import KeyMaterial, build_km
from gamecast.protocols.srt.packet import HEADER, ControlType, control, write_loss_list
from gamecast.protocols.srt.reject import from_handshake_type
from tests.protocols.srt.link import Pair, Weather

HOME = ("192.0.2.7", 5000)
DICE = random.Random(7)


def listener(now: float = 1000.0) -> Listener:
    return Listener(Settings(), now=now, random_bytes=random.Random(3).randbytes)


def datagram(handshake: Handshake) -> bytes:
    return control(ControlType.HANDSHAKE, timestamp=5, peer=0, cif=handshake.build())


def induction() -> Handshake:
    return Handshake(version=4, extension=2, type=HandshakeType.INDUCTION, socket_id=9)


def conclusion(end: Listener, now: float = 1000.0) -> Handshake:
    """What a caller sends when it has got the cookie."""
    end.receive_datagram(datagram(induction()), HOME, now)
    ((answer, _),) = end.data_to_send()
    asked = Handshake(socket_id=9, cookie=parse_handshake(answer[16:]).cookie, extension=1)
    asked.extensions = [(ExtensionType.HSREQ, Capabilities().build())]
    return asked


def refused(end: Listener) -> int | None:
    ((answer, _),) = end.data_to_send()
    return from_handshake_type(parse_handshake(answer[16:]).type)


def test_before_the_cookie_nothing_is_kept_and_nothing_larger_is_sent() -> None:
    end = listener()
    for number in range(5000):
        address = (f"198.51.{number >> 8}.{number & 255}", 1000)
        request = datagram(induction())
        end.receive_datagram(request, address, 1000.0)
        ((answer, to),) = end.data_to_send()
        assert len(answer) <= len(request)
        assert to == address
    assert len(end._pending) == len(end._accepted) == 0


@pytest.mark.parametrize("size", [0, 1, 15, 16, 63])
def test_short_datagrams_get_no_answer(size: int) -> None:
    end = listener()
    assert end.receive_datagram(datagram(induction())[:size], HOME, 1000.0) is None
    assert end.data_to_send() == []


def test_a_cookie_is_for_one_address_and_two_minutes() -> None:
    end = listener(900.0)
    asked = datagram(conclusion(end, 900.0))
    assert end.receive_datagram(asked, ("192.0.2.8", 5000), 900.0) is None
    assert end.receive_datagram(asked, ("192.0.2.7", 5001), 900.0) is None
    assert end.receive_datagram(asked, HOME, 1030.0) is None
    assert end.data_to_send() == []
    assert end.receive_datagram(asked, HOME, 960.0) is not None


def test_a_replayed_conclusion_makes_no_second_request() -> None:
    end = listener()
    asked = datagram(conclusion(end))
    request = end.receive_datagram(asked, HOME, 1000.0)
    assert request is not None
    assert end.receive_datagram(asked, HOME, 1000.0) is None
    connection = end.accept(request, passphrase="", now=1000.1)
    assert connection is not None
    first = end.data_to_send()
    assert end.receive_datagram(asked, HOME, 1000.2) is None
    assert end.data_to_send() == first
    assert end.accept(request, passphrase="", now=1000.3) is None


def test_requests_that_wait_are_bounded() -> None:
    end = listener()
    asked = conclusion(end)
    accepted = 0
    for number in range(1, 200):
        asked.socket_id = number
        accepted += end.receive_datagram(datagram(asked), HOME, 1000.0) is not None
    assert accepted == 32
    assert Reject.BACKLOG in {
        from_handshake_type(parse_handshake(data[16:]).type) for data, _ in end.data_to_send()
    }
    asked.socket_id = 1000
    assert end.receive_datagram(datagram(asked), HOME, 1006.0) is not None


def change_version(asked: Handshake) -> None:
    asked.version = 4


def file_mode(asked: Handshake) -> None:
    flags = SrtFlag.STREAM
    asked.extensions = [(ExtensionType.HSREQ, Capabilities(flags=flags).build())]


def short_hsreq(asked: Handshake) -> None:
    asked.extensions = [(ExtensionType.HSREQ, b"\x00\x01\x05\x00")]


def long_stream_id(asked: Handshake) -> None:
    asked.extensions.append((ExtensionType.STREAM_ID, build_stream_id("a" * 512) + b"aaaa"))


def group(asked: Handshake) -> None:
    asked.extensions.append((ExtensionType.GROUP, bytes(8)))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (change_version, Reject.VERSION),
        (file_mode, Reject.MESSAGEAPI),
        (short_hsreq, Reject.ROGUE),
        (long_stream_id, Reject.ROGUE),
        (group, Reject.GROUP),
    ],
)
def test_what_we_do_not_speak_is_refused(
    change: Callable[[Handshake], None], reason: Reject
) -> None:
    end = listener()
    asked = conclusion(end)
    change(asked)
    assert end.receive_datagram(datagram(asked), HOME, 1000.0) is None
    assert refused(end) == reason


@pytest.mark.parametrize("size", [0, 4, 28, 104, 1400])
def test_key_material_of_any_length_is_refused(size: int) -> None:
    end = listener()
    asked = conclusion(end)
    asked.extensions.append((ExtensionType.KMREQ, bytes(size)))
    request = end.receive_datagram(datagram(asked), HOME, 1000.0)
    assert request is not None
    assert end.accept(request, passphrase="0123456789", now=1000.0) is None
    assert refused(end) == Reject.CRYPTO


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_any_datagram_for_the_listener(noise: bytes) -> None:
    end = listener()
    asked = datagram(conclusion(end))
    for data in (noise, asked[:16] + noise, asked[: 64 + len(noise) % 12] + noise):
        request = end.receive_datagram(data, HOME, 1000.0)
        if request is not None:
            end.accept(request, passphrase="", now=1000.0)
        for answer, _ in end.data_to_send():
            assert len(answer) <= 200


def pair(passphrase: str = "") -> Pair:
    made = Pair(Settings(passphrase=passphrase), Settings(), Weather(), passphrase=passphrase)
    made.connect()
    return made


def alive(made: Pair) -> None:
    """The connection still carries payloads both ways."""
    made.received["server"].clear()
    made.received["caller"].clear()
    made.client.send(b"up", made.caller_now)
    made.host.send(b"down", made.now)
    made.flush()
    made.run(1.0)
    assert [data for _, data in made.received["server"]] == [b"up"]
    assert [data for _, data in made.received["caller"]] == [b"down"]
    assert not made.closed


def to(end: Connection, kind: int, cif: bytes = b"", *, info: int = 0, subtype: int = 0) -> bytes:
    return control(kind, info=info, timestamp=1, peer=end.local_id, cif=cif, subtype=subtype)


def words(*values: int) -> bytes:
    return struct.pack(f">{len(values)}I", *values)


@pytest.mark.parametrize(
    ("kind", "cif"),
    [
        (ControlType.ACK, b""),
        (ControlType.ACK, words(0x7FFF_FFFF)),
        (ControlType.ACK, words(5, 0xFFFF_FFFF, 0xFFFF_FFFF, 0xFFFF_FFFF, 0, 0, 0)),
        (ControlType.NAK, write_loss_list([(9, 3)])),
        (ControlType.NAK, write_loss_list([(0, 0x3FFF_FFFF)])),
        (ControlType.NAK, write_loss_list([(n, n) for n in range(0, 600, 2)])),
        (ControlType.NAK, b"\xff\xff\xff\xff"),
        (ControlType.DROPREQ, b""),
        (ControlType.DROPREQ, words(9, 3)),
        (ControlType.DROPREQ, words(0, 0x7FFF_FFFF)),
        (ControlType.DROPREQ, words(0x8000_0000, 0x8000_0000)),
        (ControlType.ACKACK, b""),
        (ControlType.CONGESTION_WARNING, b""),
        (ControlType.PEER_ERROR, b""),
        (ControlType.HANDSHAKE, b""),
        (0x1234, b"unknown"),
    ],
)
def test_control_packets_that_make_no_sense_change_nothing(kind: int, cif: bytes) -> None:
    made = pair()
    for end in (made.client, made.host):
        for _ in range(20):
            end.receive_datagram(to(end, kind, cif, info=3), made.now)
    alive(made)


@pytest.mark.parametrize("passphrase", ["", "0123456789"])
@pytest.mark.parametrize("size", [0, 4, 28, 104, 1456])
def test_forged_key_messages_change_nothing(passphrase: str, size: int) -> None:
    made = pair(passphrase)
    forged = build_km(KeyMaterial(bytes(16), bytes(16)), bytes(16))
    for cif in (bytes(size), forged):
        for subtype in (ExtensionType.KMREQ, ExtensionType.KMRSP):
            made.host.receive_datagram(
                to(made.host, ControlType.USER, cif, subtype=subtype), made.now
            )
    alive(made)


def test_clear_text_on_a_secured_connection_is_dropped() -> None:
    made = pair("0123456789")
    for number in range(1000):
        header = HEADER.pack(number, 0xC000_0000 | number + 1, 0, made.host.local_id)
        made.host.receive_datagram(header + b"clear text", made.now)
    assert made.host.statistics(made.now).pkt_rcv_undecrypt == 1000
    alive(made)


def test_far_sequence_numbers_take_no_memory() -> None:
    made = pair()
    for _ in range(20_000):
        header = HEADER.pack(DICE.getrandbits(31), 0xC000_0001, 0, made.host.local_id)
        made.host.receive_datagram(header + bytes(100), made.now)
    receiver = made.host._receiver
    assert len(receiver._buffer) <= 8192
    assert len(receiver._missing) <= 8192


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 0xFFFF_FFFF),
            st.integers(0, 0xFFFF_FFFF),
            st.integers(0, 0xFFFF_FFFF),
            st.binary(max_size=80),
        ),
        max_size=30,
    )
)
def test_any_datagrams_on_a_connection(
    packets: list[tuple[int, int, int, bytes]],
) -> None:
    made = pair("0123456789")
    made.client.send(b"x", made.caller_now)
    for first, second, timestamp, body in packets:
        for kind in (first, 0x8000_0000 | (first % 9) << 16):
            data = HEADER.pack(kind, second, timestamp, made.host.local_id) + body
            made.host.receive_datagram(data, made.now)
            made.client.receive_datagram(data, made.caller_now)
    sent = sum(len(data) for data in made.host.data_to_send())
    assert sent <= sum(200 + 3000 * (len(body) > 7) for *_, body in packets) + 5000
    made.run(0.2)
