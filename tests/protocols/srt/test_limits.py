"""Numbers at their limits, and lines at theirs."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from gamecast.protocols.srt import ConnectionRequested, CryptoMode, Settings, chunk_size
from gamecast.protocols.srt.handshake import (
    MIN_MTU,
    Capabilities,
    ExtensionType,
    Handshake,
    HandshakeType,
)
from gamecast.protocols.srt.packet import MESSAGE_MASK, ControlType, control
from tests.protocols.srt.link import Pair, Weather
from tests.protocols.srt.test_connection import RATE, make, stream
from tests.protocols.srt.test_hostile import HOME, alive, conclusion, datagram, listener

LINES = {
    "10 % loss": (Weather(loss=0.10), 1.0, 0.15),
    "20 % loss": (Weather(loss=0.20), 0.997, 0.36),
    "20 % loss, reordered, doubled": (
        Weather(loss=0.20, reorder=0.05, duplicate=0.05, jitter=0.005),
        0.985,
        0.42,
    ),
    "10 % loss in bursts": (Weather(loss=0.10, burst=5), 0.999, 0.16),
}
"""The line, the least share that arrives, and the most that is sent again of it."""


@pytest.mark.parametrize("line", LINES)
def test_what_arrives_and_what_it_costs_at_four_round_trips(line: str) -> None:
    """libsrt's own figures for such lines are in docs/benchmarks/srt.md."""
    weather, least, most_again = LINES[line]
    pair = make(weather)
    pair.connect()
    sent, got = stream(pair, 20.0)
    assert got == sorted(set(got))
    assert len(got) >= sent * least
    assert pair.client.statistics(pair.now).pkt_retrans <= sent * most_again


def test_a_line_that_loses_more_than_can_be_repaired_goes_on() -> None:
    weather = Weather(delay=0.1, loss=0.2, reorder=0.05, duplicate=0.5)
    pair = make(weather, latency=0.25)
    pair.connect()
    sent, got = stream(pair, 10.0)
    assert got == sorted(set(got))
    assert sent * 0.85 < len(got) < sent  # one repair fits in, and one in five of them is lost
    assert got[-1] > sent - RATE / 10


def test_message_numbers_wrap() -> None:
    pair = make(Weather(loss=0.02))
    pair.connect()
    pair.client._sender._message = MESSAGE_MASK - 100
    sent, got = stream(pair, 1.0)
    assert got == list(range(sent))
    assert pair.client._sender._message < MESSAGE_MASK - 100


def test_packets_that_are_not_held_come_at_once_and_in_order() -> None:
    pair = Pair(Settings(latency=1.0), Settings(latency=1.0, hold=False), Weather(loss=0.02))
    pair.connect()
    start = pair.now
    sent, got = stream(pair, 5.0)
    assert got == list(range(sent))
    waits = sorted(
        at - start - number / RATE for number, (at, _) in enumerate(pair.received["server"])
    )
    assert waits[len(waits) // 2] < 0.1, "most do not wait for a second"
    assert waits[-1] < 1.1


def test_a_gap_is_given_up_in_time_though_packets_are_not_held() -> None:
    pair = Pair(Settings(latency=0.5), Settings(latency=0.5, hold=False), Weather())
    pair.connect()
    lost: list[bytes] = []

    def lose_one(up: bool, data: bytes) -> bytes | None:
        if up and not data[0] & 0x80 and data.endswith(b"lost"):
            lost.append(data)
            return None
        return data

    pair.filter = lose_one
    for word in (b"one", b"lost", b"two"):
        pair.client.send(word, pair.caller_now)
    pair.flush()
    pair.run(0.3)
    assert [data for _, data in pair.received["server"]] == [b"one"]
    pair.run(0.4)
    assert [data for _, data in pair.received["server"]] == [b"one", b"two"]
    assert len(lost) > 1


def set_mtu(mtu: int) -> Callable[[Handshake], None]:
    def change(asked: Handshake) -> None:
        asked.mtu = mtu

    return change


def set_window(window: int) -> Callable[[Handshake], None]:
    def change(asked: Handshake) -> None:
        asked.window = window

    return change


def set_delays(milliseconds: int) -> Callable[[Handshake], None]:
    def change(asked: Handshake) -> None:
        body = Capabilities(receive_delay=milliseconds, send_delay=milliseconds).build()
        asked.extensions = [(ExtensionType.HSREQ, body)]

    return change


def request(change: Callable[[Handshake], None]) -> ConnectionRequested | None:
    end = listener()
    asked = conclusion(end)
    change(asked)
    return end.receive_datagram(datagram(asked), HOME, 1000.0)


@pytest.mark.parametrize(
    "change",
    [set_mtu(0), set_mtu(1), set_mtu(75), set_mtu(MIN_MTU - 1), set_window(0), set_window(1)],
)
def test_impossible_sizes_are_refused(change: Callable[[Handshake], None]) -> None:
    assert request(change) is None


def test_socket_0_and_sequence_numbers_of_32_bits_are_refused() -> None:
    def no_socket(asked: Handshake) -> None:
        asked.socket_id = 0

    assert request(no_socket) is None
    end = listener()
    data = bytearray(datagram(conclusion(end)))
    data[16 + 8] |= 0x80
    assert end.receive_datagram(bytes(data), HOME, 1000.0) is None


@pytest.mark.parametrize(
    ("change", "payload", "latency"),
    [
        (set_mtu(65_535), 1316, 0.12),
        (set_mtu(1280), 1128, 0.12),
        (set_mtu(MIN_MTU), 376, 0.12),
        (set_window(0xFFFF_FFFF), 1316, 0.12),
        (set_delays(0), 1316, 0.12),
        (set_delays(0xFFFF), 1316, 65.535),
    ],
)
def test_large_and_small_wishes_end_at_our_own_limits(
    change: Callable[[Handshake], None], payload: int, latency: float
) -> None:
    end = listener()
    asked = conclusion(end)
    change(asked)
    wanted = end.receive_datagram(datagram(asked), HOME, 1000.0)
    assert wanted is not None
    connection = end.accept(wanted, passphrase="", now=1000.0)
    assert connection is not None
    assert chunk_size(connection) == payload
    assert connection.latency == latency
    for number in range(9000):
        connection.send(number.to_bytes(4, "big"), 1000.0)
    assert connection.in_flight == 8192


def test_late_handshakes_change_nothing() -> None:
    pair = make()
    pair.connect()
    kinds = [*HandshakeType, 1010, 2403]
    for kind in kinds:
        late = Handshake(type=kind, socket_id=77, cookie=1, extension=1)
        late.extensions = [(ExtensionType.HSRSP, Capabilities().build())]
        for end in (pair.client, pair.host):
            packet = control(
                ControlType.HANDSHAKE, timestamp=1, peer=end.local_id, cif=late.build()
            )
            end.receive_datagram(packet, pair.now)
    alive(pair)


def test_a_hundred_thousand_packets_that_do_not_decrypt_are_counted_and_no_more() -> None:
    pair = make(passphrase="correct horse", crypto_mode=CryptoMode.AES_GCM)
    pair.connect()
    forged = b"\xc8\x00\x00\x01" + bytes(8) + random.Random(5).randbytes(50)
    for number in range(100_000):
        assert pair.host.receive_datagram(number.to_bytes(4, "big") + forged, pair.now) == []
    assert pair.host.statistics(pair.now).pkt_rcv_undecrypt == 100_000
    assert len(pair.host.data_to_send()) < 10
    alive(pair)
