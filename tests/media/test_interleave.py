"""Interleaving: nothing is lost or turned round, and nobody is waited for too long."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import hypothesis.strategies as st
from hypothesis import given

from gamecast.media.interleave import Interleaver, seconds_of
from gamecast.media.packet import Packet
from gamecast.media.track import Track
from tests.support.media import aac_track, h264_track

PICTURE, SOUND = h264_track(), replace(aac_track(), id=1)
TRACKS = {0: PICTURE, 1: SOUND}


def packet(track: Track, seconds: float, size: int = 10) -> Packet:
    """One at a time of the stream."""
    ticks = round(seconds * track.clock_rate)
    return Packet(track, ticks, ticks, bytes(size))


def interleaver(**bounds: float) -> Interleaver:
    """For a picture and sound, neither of which leads."""
    made = Interleaver(**bounds)  # type: ignore[arg-type]  # seconds and counts alike
    made.set_tracks(TRACKS)
    return made


def times(packets: list[Packet]) -> list[tuple[int, float]]:
    """Track and seconds of each."""
    return [(each.track.id, round(seconds_of(each), 3)) for each in packets]


_steps = st.lists(
    st.tuples(
        st.sampled_from([0, 1]),
        st.floats(min_value=0.001, max_value=0.2),
        st.floats(min_value=0.0, max_value=0.3),
        st.integers(min_value=0, max_value=400),
    ),
    max_size=200,
)
"""Track, seconds since its last packet, seconds until it comes, bytes."""


@given(_steps, st.integers(min_value=1, max_value=30), st.integers(min_value=100, max_value=4000))
def test_nothing_is_lost_or_turned_round_or_held_for_long(
    steps: list[tuple[int, float, float, int]], max_packets: int, max_bytes: int
) -> None:
    made = interleaver(max_packets=max_packets, max_bytes=max_bytes)
    taken, came = [], []
    at = {0: 0.0, 1: 0.0}
    arrived: dict[int, float] = {}
    now = 100.0
    for id, step, pause, size in steps:
        now += pause
        at[id] += step
        taken.append(packet(TRACKS[id], at[id], size))
        arrived[id_of(taken[-1])] = now
        came += made.write(taken[-1], now)
        held = {id_of(each) for each in taken} - {id_of(each) for each in came}
        assert all(now - arrived[each] < 3.0 for each in held)
        assert len(made) == len(held) <= max_packets
        assert made.size <= max_bytes
    came += made.drain()
    for track in TRACKS.values():
        mine = [each for each in came if each.track is track]
        assert list(map(id_of, mine)) == [id_of(each) for each in taken if each.track is track]
    assert len(made) == made.size == 0


def id_of(packet: Packet) -> int:
    """Which packet it is: equal ones are others."""
    return id(packet)


@given(st.permutations([0] * 12 + [1] * 20))
def test_tracks_that_are_in_time_come_out_in_order(turns: list[int]) -> None:
    """Whoever comes first and however much later the other: no time passes here."""
    made = interleaver()
    count = {0: 0, 1: 0}
    came = []
    for id in turns:
        count[id] += 1
        came += made.write(packet(TRACKS[id], count[id] * (0.04 if id == 0 else 0.021)), 0.0)
    came += made.drain()
    assert len(came) == 32
    assert all(before[1] <= after[1] for before, after in pairwise(times(came)))


def test_a_track_that_never_begins_holds_the_others_for_some_seconds_once() -> None:
    made = interleaver(patience=0.5, start_patience=3.0)
    assert made.write(packet(PICTURE, 1.0), now=10.0) == []
    assert made.expire(12.9) == []
    assert times(made.expire(13.0)) == [(0, 1.0)]
    assert times(made.write(packet(PICTURE, 1.1), now=13.1)) == [(0, 1.1)]


def test_a_track_that_pauses_holds_the_others_for_a_moment_and_is_waited_for_again() -> None:
    made = interleaver(patience=0.5)
    made.write(packet(SOUND, 1.0), now=10.0)
    assert times(made.write(packet(PICTURE, 1.0), now=10.0)) == [(0, 1.0), (1, 1.0)]
    assert made.write(packet(PICTURE, 1.1), now=10.1) == []
    assert times(made.write(packet(PICTURE, 1.6), now=10.6)) == [(0, 1.1), (0, 1.6)]
    assert times(made.write(packet(SOUND, 1.05), now=10.7)) == [(1, 1.05)]
    assert times(made.write(packet(PICTURE, 1.7), now=10.7)) == [(0, 1.7)], "it is far behind"
    assert times(made.write(packet(SOUND, 1.65), now=10.8)) == [(1, 1.65)]
    assert made.write(packet(PICTURE, 1.8), now=10.8) == [], "it has caught up"


def test_nothing_comes_out_before_the_picture_has_begun_and_nothing_from_before_it() -> None:
    made = Interleaver()
    made.set_tracks(TRACKS, leader=0)
    for number in range(10):
        assert made.write(packet(SOUND, 1.0 + number / 10), now=10.0 + number) == []
    assert made.expire(100.0) == made.drain() == []
    assert times(made.write(packet(PICTURE, 1.75), now=100.0)) == [(0, 1.75), (1, 1.8), (1, 1.9)]


def test_a_picture_that_comes_later_does_not_stop_the_sound() -> None:
    made = Interleaver()
    made.set_tracks([1])
    assert len(made.write(packet(SOUND, 1.0), now=10.0)) == 1
    made.set_tracks(TRACKS, leader=0)
    assert made.write(packet(SOUND, 1.1), now=10.1) == []
    assert len(made.expire(13.2)) == 1


def test_what_waits_for_the_picture_is_bounded() -> None:
    made = Interleaver(max_packets=5, max_bytes=1000)
    made.set_tracks(TRACKS, leader=0)
    for number in range(100):
        made.write(packet(SOUND, 1.0 + number / 10), now=10.0)
    assert len(made) == 5
    made.write(packet(SOUND, 20.0, size=980), now=10.0)
    assert (len(made), made.size) == (3, 1000)


def test_a_track_that_has_gone_is_not_waited_for() -> None:
    made = interleaver()
    assert made.write(packet(PICTURE, 1.0), now=10.0) == []
    made.set_tracks([0])
    assert len(made.expire(10.0)) == 1
