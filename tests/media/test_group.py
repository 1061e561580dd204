from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gamecast.media.group import Group, GroupCache
from gamecast.media.packet import Packet
from gamecast.media.track import Codec, Kind, Track

VIDEO = Track(id=0, kind=Kind.VIDEO, codec=Codec.H264, clock_rate=90_000)
AUDIO = Track(id=1, kind=Kind.AUDIO, codec=Codec.AAC, clock_rate=48_000)
SECOND_VIDEO = Track(id=2, kind=Kind.VIDEO, codec=Codec.H264, clock_rate=90_000)


def picture(seconds: float, *, key: bool = False, size: int = 100, track: Track = VIDEO) -> Packet:
    dts = round(seconds * 90_000)
    return Packet(track, dts, dts, b"v" * size, key)


def sound(seconds: float, *, size: int = 10) -> Packet:
    dts = round(seconds * 48_000)
    return Packet(AUDIO, dts, dts, b"a" * size)


def stream(
    seconds: float, *, gop: float, start: float = 0.0, audio: bool = True
) -> Iterator[Packet]:
    """25 pictures a second, each followed by a frame of sound."""
    per_group = round(gop * 25)
    for n in range(round(seconds * 25)):
        at = start + n / 25
        yield picture(at, key=n % per_group == 0)
        if audio:
            yield sound(at + 0.01)


def fill(cache: GroupCache, packets: Iterator[Packet]) -> list[Packet]:
    """Write all and return those that began a group."""
    return [packet for packet in packets if cache.write(packet)]


def test_a_group_runs_from_keyframe_to_keyframe() -> None:
    cache = GroupCache()
    starts = fill(cache, stream(9, gop=2))
    assert [packet.dts / 90_000 for packet in starts] == [0, 2, 4, 6, 8]
    current = cache.current
    assert current is not None
    assert (current.sequence, current.start, current.video) == (4, 8, True)
    assert current.size == 25 * 110
    assert current.duration == pytest.approx(0.97)
    assert cache.packets() == current.packets
    assert cache.packets()[0].keyframe
    assert len(cache.packets()) == 50


def test_sound_belongs_to_the_group_that_is_current_when_it_arrives() -> None:
    cache = GroupCache()
    late = sound(1.98)
    for packet in (picture(0, key=True), sound(0.5), picture(2, key=True), late):
        cache.write(packet)
    assert cache.packets()[1:] == [late]


def test_the_group_before_is_kept_while_the_current_one_is_young() -> None:
    cache = GroupCache(min_seconds=2)
    for packet in stream(10, gop=4, audio=False):
        cache.write(packet)
        at = packet.dts / 90_000
        more = cache.packets(at_least_seconds=2)
        span = (packet.dts - more[0].dts) / 90_000
        assert more[0].keyframe
        assert span >= min(2, at)
        assert len(cache.packets()) == round(at % 4 * 25) + 1
        kept = cache.packets(at_least_seconds=1e9)
        assert (packet.dts - kept[0].dts) / 90_000 <= (at if at < 4 else 6)


def test_as_many_short_groups_are_kept_as_are_needed() -> None:
    cache = GroupCache(min_seconds=2)
    fill(cache, stream(10, gop=0.2))
    assert len(cache.packets()) == 10
    for wanted in (0.5, 1, 2):
        packets = cache.packets(at_least_seconds=wanted)
        assert packets[0].keyframe
        assert wanted - 0.05 <= len(packets) / 50 <= wanted + 0.25
    assert len(cache.packets(at_least_seconds=9)) / 50 <= 2.25  # no more than is kept


def test_nothing_before_the_first_keyframe_is_kept() -> None:
    cache = GroupCache()
    assert not cache.write(picture(0))
    assert not cache.write(sound(0))
    assert not cache.write(picture(0.04))
    assert (cache.joinable, cache.packets(), cache.size, cache.current) == (False, [], 0, None)
    assert cache.write(picture(0.08, key=True))
    assert cache.joinable


@pytest.mark.parametrize("key", [False, True])
def test_sound_before_the_first_picture_is_let_go(key: bool) -> None:
    cache = GroupCache()
    for n in range(40):
        cache.write(sound(n / 50))
    assert cache.joinable
    assert cache.write(picture(0.8, key=key)) == key
    assert len(cache.packets()) == key
    cache.write(sound(0.81))
    assert len(cache.packets()) == 2 * key


def test_sound_alone_is_grouped_by_the_second() -> None:
    cache = GroupCache()
    starts = fill(cache, (sound(n / 50) for n in range(500)))
    assert [packet.dts / 48_000 for packet in starts] == pytest.approx(range(10), abs=0.03)
    assert len(cache.packets()) <= 50
    assert 100 <= len(cache.packets(at_least_seconds=2)) <= 151


def test_video_alone() -> None:
    cache = GroupCache()
    assert len(fill(cache, stream(6, gop=2, audio=False))) == 3


def test_sound_goes_on_without_the_picture_and_takes_it_back() -> None:
    cache = GroupCache()
    fill(cache, stream(10, gop=2))
    starts = fill(cache, (sound(10 + n / 50) for n in range(500)))
    assert starts[0].dts / 48_000 == pytest.approx(15, abs=0.1)
    assert len(starts) in (5, 6)
    assert all(not packet.is_video for packet in cache.packets(at_least_seconds=60))
    assert not cache.write(picture(20))
    assert not cache.joinable  # those who listen go on; who comes now waits for the keyframe
    assert not cache.write(sound(20.01))
    assert cache.write(picture(20.04, key=True))
    assert cache.write(sound(20.05)) is False
    assert len(cache.packets()) == 2


def test_keyframes_of_a_second_picture_begin_nothing() -> None:
    cache = GroupCache()
    cache.write(picture(0, key=True))
    assert not cache.write(picture(0.01, key=True, track=SECOND_VIDEO))
    assert len(cache.packets()) == 2


def test_a_group_without_end_is_dropped_and_joining_waits() -> None:
    cache = GroupCache(max_seconds=5)
    packets = list(stream(600, gop=1000))
    fill(cache, iter(packets[:250]))
    assert cache.joinable
    for packet in packets[250:]:
        cache.write(packet)
        assert len(cache.packets()) <= 252
    assert (cache.joinable, cache.size) == (False, 0)
    assert cache.write(picture(601, key=True))
    assert cache.joinable


def test_a_group_too_heavy_is_dropped_and_joining_waits() -> None:
    cache = GroupCache(max_bytes=1_000_000)
    cache.write(picture(0, key=True, size=900_000))
    assert cache.joinable
    cache.write(picture(0.04, size=99_900))
    assert (cache.joinable, cache.size) == (False, 0)
    assert not cache.write(picture(0.08))
    assert cache.write(picture(2, key=True, size=2_000_000))
    assert not cache.joinable


def test_older_groups_go_first_when_memory_is_short() -> None:
    cache = GroupCache(max_bytes=1_000_000)
    for n in range(10):
        cache.write(picture(n / 10, key=True, size=400_000))
        assert cache.size <= 1_000_000
        assert cache.joinable
    assert len(cache.packets(at_least_seconds=9)) == 2


def test_empty_packets_count_too() -> None:
    cache = GroupCache(max_bytes=10_000)
    cache.write(picture(0, key=True, size=0))
    for n in range(100):
        cache.write(picture(n / 1000, size=0))
    assert not cache.joinable


def test_a_new_cache_counts_what_it_holds() -> None:
    cache = GroupCache(min_seconds=1)
    fill(cache, stream(20, gop=0.48))
    held = cache.packets(at_least_seconds=1e9)
    assert cache.size == sum(len(packet.data) + 200 for packet in held)


def test_group_duration() -> None:
    assert Group(0, 3.0, True, end=4.5).duration == 1.5


@settings(max_examples=100)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([VIDEO, AUDIO, SECOND_VIDEO]),
            st.integers(-(2**20), 2**22),
            st.booleans(),
            st.integers(0, 400),
        ),
        max_size=80,
    )
)
def test_any_packets_leave_a_group_to_begin_with_or_none(
    packets: list[tuple[Track, int, bool, int]],
) -> None:
    cache = GroupCache(max_bytes=20_000, max_seconds=10)
    for track, dts, key, size in packets:
        packet = Packet(track, dts, dts, b"x" * size, key or track is AUDIO)
        starts = cache.write(packet)
        assert cache.size <= 20_000
        held = cache.packets()
        assert not starts or not held or held[0] is packet
        assert not held or held[0].keyframe
        whole = cache.packets(at_least_seconds=1e12)
        assert whole[len(whole) - len(held) :] == held
        assert not whole or whole[0].keyframe
        assert cache.size == sum(len(p.data) + 200 for p in whole)


def test_sound_is_forgotten_and_the_pictures_beside_it_stay() -> None:
    cache, silent = GroupCache(), GroupCache()
    fill(cache, stream(3.5, gop=2))
    fill(silent, stream(3.5, gop=2, audio=False))
    cache.forget(AUDIO.id)
    assert cache.packets() == silent.packets()
    assert cache.size == silent.size
    assert cache.write(picture(4.0, key=True))


@pytest.mark.parametrize("only_sound", [False, True])
def test_what_groups_begin_with_is_forgotten_with_all_of_them(only_sound: bool) -> None:
    cache = GroupCache()
    if only_sound:
        fill(cache, (sound(n / 50) for n in range(100)))
    else:
        fill(cache, stream(3.5, gop=2))
    cache.forget(AUDIO.id if only_sound else VIDEO.id)
    assert not cache.joinable
    assert cache.size == 0
