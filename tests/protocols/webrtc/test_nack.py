"""Asking for lost packets."""

from __future__ import annotations

from gamecast.protocols.webrtc.nack import MAX_MISSING, MAX_TRIES, REORDER_WAIT, NackGenerator


def test_a_gap_is_asked_for_after_a_moment() -> None:
    nack = NackGenerator()
    for sequence in (65534, 1):
        nack.receive_run(sequence, 1, 1.0)
    assert nack.sequences_to_ask(1.0, rtt=0.05) == []
    assert nack.next_timer() == 1.0 + REORDER_WAIT
    assert nack.sequences_to_ask(1.0 + REORDER_WAIT, rtt=0.05) == [65535, 0]
    assert nack.sequences_to_ask(1.05, rtt=0.05) == []
    assert nack.sequences_to_ask(1.1, rtt=0.05) == [65535, 0]


def test_an_overtaken_packet_is_never_asked_for() -> None:
    nack = NackGenerator()
    for sequence in (1, 3, 2, 4):
        nack.receive_run(sequence, 1, 1.0)
    assert nack.sequences_to_ask(2.0, rtt=0.05) == []
    assert nack.next_timer() is None


def test_asking_ends_with_a_wish_for_a_keyframe() -> None:
    nack = NackGenerator()
    nack.receive_run(1, 1, 0.0)
    nack.receive_run(3, 1, 0.0)
    asked, now = 0, 0.0
    while nack.missing:
        now += 0.01
        asked += len(nack.sequences_to_ask(now, rtt=0.02))
        assert now < 3
    assert 2 <= asked <= MAX_TRIES
    assert nack.wants_keyframe


def test_a_great_gap_asks_for_a_keyframe_at_once() -> None:
    nack = NackGenerator()
    nack.receive_run(1, 1, 0.0)
    nack.receive_run(MAX_MISSING + 10, 1, 0.0)
    assert nack.wants_keyframe
    assert nack.missing == 0
    nack.wants_keyframe = False
    nack.receive_run(MAX_MISSING + 12, 1, 0.0)
    assert nack.missing == 1


def test_the_memory_is_bounded_whatever_is_missing() -> None:
    nack = NackGenerator()
    for index in range(20_000):
        nack.receive_run(index * 3 & 0xFFFF, 1, 0.0)
        assert nack.missing <= MAX_MISSING
