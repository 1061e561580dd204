"""Order, loss and restarts of a received source."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from gamecast.protocols.webrtc.jitter import MAX_PACKETS, JitterBuffer, Run
from gamecast.protocols.webrtc.rtp import RtpPacket


def _packet(sequence: int) -> RtpPacket:
    return RtpPacket(96, sequence & 0xFFFF, 0, 1, b"")


def _sequences(runs: list[Run]) -> list[int]:
    return [packet.sequence for run in runs for packet in run.packets]


def test_packets_in_order_are_not_held_back() -> None:
    buffer = JitterBuffer()
    for sequence in (65534, 65535, 0, 1):
        assert _sequences(buffer.insert([_packet(sequence)], 1.0)) == [sequence]
    assert buffer.next_timer() is None


def test_the_first_packets_may_be_overtaken_too() -> None:
    buffer = JitterBuffer(start_wait=0.02)
    assert buffer.insert([_packet(1)], 0.0) == []
    assert buffer.insert([_packet(65535)], 0.005) == []
    assert buffer.next_timer() == 0.02
    assert _sequences(buffer.handle_timer(0.02)) == [65535]
    assert _sequences(buffer.insert([_packet(0)], 0.03)) == [0, 1]
    assert (buffer.late, buffer.lost) == (0, 0)


def test_overtaken_packets_are_put_back() -> None:
    buffer = JitterBuffer()
    assert _sequences(buffer.insert([_packet(65535)], 0.0)) == [65535]
    assert buffer.insert([_packet(1)], 0.0) == []
    assert buffer.insert([_packet(2)], 0.0) == []
    assert _sequences(buffer.insert([_packet(0)], 0.1)) == [0, 1, 2]
    assert buffer.lost == 0


def test_a_lost_packet_is_given_up_after_the_wait() -> None:
    buffer = JitterBuffer(max_wait=0.2)
    buffer.insert([_packet(1)], 0.0)
    assert buffer.insert([_packet(4)], 1.0) == []
    assert buffer.next_timer() == 1.2
    assert buffer.handle_timer(1.1) == []
    (ready,) = buffer.handle_timer(1.2)
    assert (_sequences([ready])[0], ready.lost_before) == (4, 2)
    assert buffer.lost == 2
    assert buffer.insert([_packet(2)], 1.3) == []
    assert buffer.late == 1


def test_duplicates_are_dropped() -> None:
    buffer = JitterBuffer()
    buffer.insert([_packet(1)], 0.0)
    assert buffer.insert([_packet(1)], 0.0) == []
    buffer.insert([_packet(3)], 0.0)
    assert buffer.insert([_packet(3)], 0.0) == []
    assert buffer.late == 2


def test_a_restart_is_believed_at_its_second_packet() -> None:
    buffer = JitterBuffer()
    buffer.insert([_packet(100)], 0.0)
    buffer.insert([_packet(102)], 0.0)
    assert buffer.insert([_packet(30_000)], 0.0) == []
    ready = buffer.insert([_packet(30_001)], 0.0)
    assert _sequences(ready) == [102, 30_001]
    assert [each.restarted for each in ready] == [False, True]
    assert _sequences(buffer.insert([_packet(30_002)], 0.0)) == [30_002]


def test_one_stray_packet_changes_nothing() -> None:
    buffer = JitterBuffer()
    buffer.insert([_packet(100)], 0.0)
    assert buffer.insert([_packet(30_000)], 0.0) == []
    assert _sequences(buffer.insert([_packet(101)], 0.0)) == [101]
    assert buffer.insert([_packet(30_001)], 0.0) == []


def test_the_buffer_is_bounded() -> None:
    buffer = JitterBuffer(max_wait=1e9)
    buffer.insert([_packet(0)], 0.0)
    out = []
    for sequence in range(2, MAX_PACKETS + 100):
        out += buffer.insert([_packet(sequence)], 0.0)
    assert out[0].lost_before == 1
    assert len(_sequences(out)) == MAX_PACKETS + 98


def test_a_flood_at_the_start_is_bounded_too() -> None:
    buffer = JitterBuffer(start_wait=1e9)
    out = []
    for sequence in range(0, 2 * MAX_PACKETS, 2):
        out += buffer.insert([_packet(sequence)], 0.0)
    assert _sequences(out) == [0]
    assert buffer.lost == 0
    assert _sequences(buffer.insert([_packet(1)], 0.0)) == [1, 2]


@given(st.integers(0, 1 << 32), st.integers(0, 65535))
@settings(max_examples=30)
def test_any_path_gives_each_packet_at_most_once_and_in_order(seed: int, start: int) -> None:
    source = random.Random(seed)
    survivors = [index for index in range(300) if source.random() < 0.9]
    arrivals = [(index * 0.01 + source.random() * 0.05, index) for index in survivors]
    buffer = JitterBuffer(max_wait=0.1)
    out: list[Run] = []
    now = 0.0
    for at, index in sorted(arrivals):
        now = at
        out += buffer.handle_timer(now)
        out += buffer.insert([_packet(start + index)], now)
    out += buffer.handle_timer(now + 1)
    indices = [(sequence - start) & 0xFFFF for sequence in _sequences(out)]
    indices = [each - 65536 if each > 60_000 else each for each in indices]
    assert indices == sorted(set(indices))
    assert len(indices) + buffer.late == len(arrivals)
