"""What a viewer is sent again."""

from __future__ import annotations

import pytest

from gamecast.packaging.rtp import Frame
from gamecast.server.webrtc.repairs import RATE, Repairs


def picture(first: int, packets: int = 3, *, starts_group: bool = False) -> Frame:
    """A picture of some packets of 1000 bytes."""
    return Frame([bytes(1000)] * packets, first, first, True, starts_group, 0.0, 1000 * packets)


GROUP = [picture(10, starts_group=True), picture(13), picture(16)]


def sequences(found: list[tuple[Frame, int]]) -> list[int]:
    return [frame.first_sequence + number for frame, number in found]


def test_a_packet_is_not_repeated_while_its_repair_is_under_way() -> None:
    repairs, frame = Repairs(), picture(10)
    assert repairs.take(frame, 1, now=1.0, rtt=0.1)
    assert not repairs.take(frame, 1, now=1.001, rtt=0.0), "a NACK that came twice"
    assert not repairs.take(frame, 1, now=1.05, rtt=0.1)
    assert repairs.take(frame, 2, now=1.05, rtt=0.1)
    assert repairs.take(frame, 1, now=1.1, rtt=0.1), "it was lost again"


def test_what_was_never_sent_is_not_repeated_nor_counted_as_lost() -> None:
    repairs = Repairs()
    repairs.withhold(13)
    repairs.ask(GROUP[2], 0)
    assert not repairs.take(GROUP[2], 0, now=1.0, rtt=0.0)
    repairs.resume(16)
    for number in range(3):
        repairs.ask(GROUP[1], number)
        assert not repairs.take(GROUP[1], number, now=1.0, rtt=0.0)
    assert repairs.missed == 0
    assert repairs.take(GROUP[0], 2, now=1.0, rtt=0.0), "before the gap"
    assert repairs.take(GROUP[2], 0, now=1.0, rtt=0.0), "behind it"
    repairs.ask(GROUP[2], 0)
    repairs.ask(GROUP[2], 0)
    assert repairs.missed == 1


def test_repairs_keep_to_their_rate() -> None:
    repairs, sent = Repairs(), 0
    for step in range(1000):
        frame = picture(step * 10, packets=10)
        for number in range(10):
            if repairs.take(frame, number, now=step / 1000, rtt=0.0):
                repairs.spend(1000)
                sent += 1000
    assert sent == pytest.approx(RATE * 1.25, rel=0.02)
    repairs.rate = RATE / 10
    assert sum(repairs.take(frame, n, now=1.0, rtt=0.0) for n in range(10)) == 0


def test_a_player_that_is_stuck_gets_what_it_misses_first() -> None:
    repairs = Repairs()
    repairs.ask(GROUP[1], 2)
    assert sequences(repairs.of_group(GROUP, 5.0)) == [15, 10, 11, 12]
    assert sequences(repairs.of_group(GROUP, 5.2)) == [15, 10, 11, 12, 13, 14, 16, 17, 18], "all"


def test_a_player_that_has_asked_for_nothing_gets_the_group() -> None:
    repairs = Repairs()
    repairs.ask(picture(1), 0)
    repairs.forget_before(10)
    assert sequences(repairs.of_group(GROUP, 5.0)) == list(range(10, 19))
