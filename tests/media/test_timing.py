from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gamecast.media.packet import Packet
from gamecast.media.timing import Continuity, MillisecondRetimer, Timeline, Unwrapper
from gamecast.media.track import Codec, Kind, Track

VIDEO = Track(id=0, kind=Kind.VIDEO, codec=Codec.H264, clock_rate=90_000)
AUDIO = Track(id=1, kind=Kind.AUDIO, codec=Codec.AAC, clock_rate=48_000)
AUDIO_44 = replace(AUDIO, clock_rate=44_100)

HOUR = 3_600_000


# Unwrapper


@pytest.mark.parametrize("bits", [24, 31, 32, 33])
def test_unwraps_over_every_boundary_and_back(bits: int) -> None:
    size = 1 << bits
    line = [size - 5000 + 40 * step for step in range(300)]
    forward = Unwrapper(bits)
    assert [forward.unwrap(stamp % size) for stamp in line] == line
    assert [forward.unwrap(stamp % size) for stamp in reversed(line)] == line[::-1]


def test_late_packets_around_the_boundary_stay_before_it() -> None:
    unwrapper = Unwrapper(32)
    stamps = [2**32 - 20, 0, 2**32 - 10, 10, 2**32 - 1, 20]
    expected = [2**32 - 20, 2**32, 2**32 - 10, 2**32 + 10, 2**32 - 1, 2**32 + 20]
    assert [unwrapper.unwrap(stamp) for stamp in stamps] == expected


def test_a_first_stamp_behind_the_boundary_may_be_preceded() -> None:
    unwrapper = Unwrapper(32)
    assert [unwrapper.unwrap(stamp) for stamp in (5, 2**32 - 5)] == [5, -5]


def test_many_wraps_add_up() -> None:
    unwrapper = Unwrapper(32)
    step = 2**31 - 1
    assert [unwrapper.unwrap(step * n % 2**32) for n in range(50)] == [step * n for n in range(50)]


# Continuity


def test_small_steps_and_gaps_are_taken_as_they_are() -> None:
    line = Continuity()
    stamps = [0, 40, 10_040, 9_040, 9_080, 10_080]
    assert [line.place(0, stamp) for stamp in stamps] == stamps
    assert line.jumps == 0


@pytest.mark.parametrize("jump", [HOUR, -HOUR, 10_001, -1_100, 2**31])
def test_a_jump_of_all_tracks_keeps_them_aligned_and_leaves_no_hole(jump: int) -> None:
    line = Continuity()
    out: dict[int, list[int]] = {0: [], 1: []}
    for step in range(200):
        clock = 2 * HOUR + 40 * step + (jump if step >= 100 else 0)
        out[0].append(line.place(0, clock))
        out[1].append(line.place(1, clock + 15))
    assert line.jumps == 1
    for placed in out.values():
        steps = [b - a for a, b in pairwise(placed)]
        assert [step for step in steps if step != 40] in ([], [steps[99]])
        assert 0 < steps[99] <= 100
    assert all(audio - video == 15 for video, audio in zip(out[0], out[1], strict=True))


def test_tracks_that_jump_one_after_the_other_meet_again() -> None:
    line = Continuity()
    for stamp in range(5000, 6000, 20):
        line.place(0, stamp)
        line.place(1, stamp)
    start = line.place(0, 0)
    assert line.place(1, 6000) == 6000  # sound of the old clock, still on its way
    assert line.place(0, 20) == start + 20
    assert line.place(1, 10) == start + 10
    assert line.jumps == 1


def test_a_track_that_was_silent_keeps_its_gap() -> None:
    line = Continuity()
    for stamp in range(0, 60_000, 20):
        line.place(1, stamp)
        if stamp < 1000:
            line.place(0, stamp)
    assert line.place(0, 60_000) == 60_000
    assert line.jumps == 0


def test_one_wild_stamp_is_survived_by_the_other_track() -> None:
    line = Continuity()
    for stamp in (0, 20, 40):
        line.place(0, stamp)
        line.place(1, stamp)
    assert line.place(0, HOUR) < 1000
    assert line.place(1, 60) == 60
    assert line.place(0, 80) == 80


def test_tracks_may_start_10_s_apart_but_not_an_hour() -> None:
    line = Continuity()
    assert line.place(0, 5000) == 5000
    assert line.place(1, 15_000) == 15_000
    assert line.place(2, HOUR) == 15_000  # another clock: put where the others are
    assert line.place(2, HOUR + 20) == 15_020


def test_stamps_that_keep_falling_do_not_stop_the_clock() -> None:
    line = Continuity()
    placed = [line.place(0, HOUR - 40 * step) for step in range(1000)]
    assert max(placed) > HOUR  # a new epoch each second, each just behind the last
    assert line.jumps == pytest.approx(40, abs=5)


# MillisecondRetimer: video


def test_milliseconds_of_video_are_exact_ticks() -> None:
    retimer = MillisecondRetimer()
    stamps = [0, 17, 33, 50, 67]
    assert [retimer.video(VIDEO, stamp, 17) for stamp in stamps] == [
        (90 * stamp, 90 * (stamp + 17)) for stamp in stamps
    ]


@pytest.mark.parametrize("bits", [31, 32])
def test_video_and_audio_go_on_over_the_wrap(bits: int) -> None:
    start = 2**bits - 5000
    retimer = MillisecondRetimer(bits)
    for step in range(500):
        stamp = start + 20 * step
        assert retimer.video(VIDEO, stamp % 2**bits)[0] == 90 * stamp
        assert retimer.audio(AUDIO, stamp % 2**bits, 960) == 48 * stamp
    assert retimer.jumps == 0


def test_equal_and_falling_stamps_rise_by_one_tick() -> None:
    retimer = MillisecondRetimer()
    assert [retimer.video(VIDEO, 1000)[0] for _ in range(100)] == list(range(90_000, 90_100))
    assert retimer.video(VIDEO, 200)[0] == 90_100
    assert retimer.video(VIDEO, 1040) == (93_600, 93_600)
    assert retimer.jumps == 0


def test_pictures_are_never_shown_before_they_are_decoded() -> None:
    retimer = MillisecondRetimer()
    retimer.video(VIDEO, 100, 0)
    dts, pts = retimer.video(VIDEO, 60, 20)
    assert dts == 9001
    assert pts == 9001


def test_negative_composition_times_shift_all_that_follow() -> None:
    retimer = MillisecondRetimer()
    # decoded P B B, shown B B P, by an encoder that does not delay its dts: B is shown "earlier"
    composition = [80, -40, -40]
    shown = [retimer.video(VIDEO, 40 * n, composition[n % 3])[1] for n in range(36)]
    assert shown[1:] == [90 * (40 * n + composition[n % 3] + 40) for n in range(1, 36)]
    assert sorted(shown[3:]) == [90 * 40 * n for n in range(4, 37)]


def test_absurd_composition_times_are_bounded() -> None:
    retimer = MillisecondRetimer()
    assert retimer.video(VIDEO, 1000, -8_000_000) == (90_000, 90_000)
    dts, pts = retimer.video(VIDEO, 1040, 8_000_000)
    assert pts - dts == 90 * (10_000 + 250)


# MillisecondRetimer: audio


@pytest.mark.parametrize("rate", [48_000, 44_100, 22_050, 11_025, 7350, 96_000])
@pytest.mark.parametrize("rounded", [int, round], ids=["cut", "rounded"])
def test_counted_samples_never_drift(rate: int, rounded: type[int]) -> None:
    track, retimer = replace(AUDIO, clock_rate=rate), MillisecondRetimer()
    first = Fraction(1234)
    frames = 600 * rate // 1024
    placed = [
        retimer.audio(track, rounded(first + Fraction(1024_000 * n, rate)), 1024)
        for n in range(frames)
    ]
    start = placed[0]
    assert placed == [start + 1024 * n for n in range(frames)]
    assert abs(start - first * rate / 1000) <= 1


def test_jitter_of_the_stamps_is_not_passed_on() -> None:
    retimer = MillisecondRetimer()
    jitter = [0, 13, -9, 18, -18, 5, 0, -3]
    stamps = [1000 + 64 * n // 3 + jitter[n % 8] for n in range(400)]
    placed = [retimer.audio(AUDIO, stamp, 1024) for stamp in stamps]
    assert placed == [48_000 + 1024 * n for n in range(400)]


def test_a_sound_card_that_drifts_is_followed_without_a_jump() -> None:
    retimer = MillisecondRetimer()
    true_rate = Fraction(48_000 * 999_900, 1_000_000)  # 100 ppm slow, for half an hour
    placed = [
        (retimer.audio(AUDIO, int(Fraction(1024_000 * n) / true_rate), 1024), n)
        for n in range(85_000)
    ]
    steps = {b[0] - a[0] for a, b in pairwise(placed)}
    assert steps == {1024, 1025}
    last, n = placed[-1]
    assert abs(last - 1024 * n * 48_000 / true_rate) <= 48 * 21


def test_lost_sound_leaves_a_gap() -> None:
    retimer = MillisecondRetimer()
    stamps = [0, 20, 40, 3040, 3060]
    placed = [retimer.audio(AUDIO, stamp, 960) for stamp in stamps]
    assert placed == [48 * stamp for stamp in stamps]


@pytest.mark.parametrize("back", [100, 500, 990])
def test_a_clock_set_back_is_reached_again_without_running_backwards(back: int) -> None:
    retimer = MillisecondRetimer()
    for n in range(100):
        retimer.audio(AUDIO, 5000 + 20 * n, 960)
    placed = [retimer.audio(AUDIO, 7000 + 20 * n - back, 960) for n in range(600)]
    steps = [b - a for a, b in pairwise(placed)]
    assert min(steps) == 960 - 960 // 8
    assert abs(placed[-1] - 48 * (7000 + 20 * 599 - back)) <= 48 * 60
    assert retimer.jumps == 0


def test_opus_packets_of_varying_length() -> None:
    retimer = MillisecondRetimer()
    samples = [120, 240, 480, 960, 2880, 1920, 5760, 960] * 20
    placed, at = [], 0
    for count in samples:
        placed.append(retimer.audio(AUDIO, at * 1000 // 48_000, count))
        at += count
    assert placed == [sum(samples[:n]) for n in range(len(samples))]


def test_frames_of_unknown_length_follow_their_stamps() -> None:
    retimer = MillisecondRetimer()
    assert [retimer.audio(AUDIO, stamp, 0) for stamp in (10, 33, 33, 20, 60)] == [
        480,
        1584,
        1585,
        1586,
        2880,
    ]


def test_a_changed_sample_rate_goes_on_where_the_other_ended() -> None:
    retimer = MillisecondRetimer()
    for n in range(50):
        last = retimer.audio(AUDIO, 20 * n, 960)
    assert last == 47_040
    assert retimer.audio(AUDIO_44, 1000, 1024) == 44_100
    assert retimer.audio(AUDIO_44, 1023, 1024) == 44_100 + 1024


def interleaved(jump: int) -> Iterator[tuple[Track, int]]:
    """Ten seconds of 25 fps and 20 ms sound, then the clock jumps and ten more follow."""
    for step in range(1000):
        clock = HOUR + 20 * step + (jump if step >= 500 else 0)
        yield AUDIO, clock
        if step % 2 == 0:
            yield VIDEO, clock


@pytest.mark.parametrize("jump", [HOUR, -HOUR, 12_000, -3000, 4000, -700])
def test_sound_and_picture_stay_together_over_a_jump(jump: int) -> None:
    retimer = MillisecondRetimer()
    video: dict[int, Fraction] = {}
    audio: dict[int, Fraction] = {}
    for track, stamp in interleaved(jump):
        if track is VIDEO:
            video[stamp] = Fraction(retimer.video(VIDEO, stamp % 2**32)[0], 90_000)
        else:
            audio[stamp] = Fraction(retimer.audio(AUDIO, stamp % 2**32, 960), 48_000)
    final = sorted(video)[-1] if jump > 0 else HOUR + 20 * 998 + jump
    assert abs(video[final] - audio[final]) <= Fraction(61, 1000)


@settings(max_examples=150)
@given(
    st.lists(
        st.tuples(
            st.booleans(),
            st.one_of(
                st.integers(0, 2**32 - 1),
                st.integers(0, 3000),
                st.integers(2**32 - 3000, 2**32 - 1),
            ),
            st.integers(-(2**23), 2**23 - 1),
            st.sampled_from([0, 120, 960, 1024, 5760]),
        ),
        max_size=60,
    )
)
def test_any_stamps_give_a_monotone_line_of_bounded_steps(
    stamps: list[tuple[bool, int, int, int]],
) -> None:
    retimer = MillisecondRetimer()
    last: dict[bool, int] = {}
    furthest: float | None = None
    for is_video, stamp, composition, samples in stamps:
        if is_video:
            dts, pts = retimer.video(VIDEO, stamp, composition)
            assert dts <= pts <= dts + 90 * 10_500 + 90 * 1_000
        else:
            dts = retimer.audio(AUDIO, stamp, samples)
        assert dts > last.get(is_video, dts - 1)
        last[is_video] = dts
        seconds = dts / (90_000 if is_video else 48_000)
        if furthest is not None:
            assert seconds - furthest <= 10.2
        furthest = seconds if furthest is None else max(furthest, seconds)


# Timeline


def packet(track: Track, seconds: float, *, composition: float = 0.0) -> Packet:
    dts = round(seconds * track.clock_rate)
    return Packet(track, dts, dts + round(composition * track.clock_rate), b"x")


def seconds_of(made: Packet) -> Fraction:
    return Fraction(made.dts, made.track.clock_rate)


def write(timeline: Timeline, made: Packet) -> Packet:
    timeline.write(made)
    return made


@pytest.mark.parametrize("start", [0, 1.5, 86_400, 49.7 * 86_400])
def test_a_stream_starts_at_one_second_whatever_the_publisher_says(start: float) -> None:
    timeline = Timeline()
    first = write(timeline, packet(VIDEO, start, composition=0.08))
    assert 1 <= seconds_of(first) < 1.04
    assert first.pts - first.dts == 7200


def test_all_tracks_of_a_session_move_by_the_same_seconds() -> None:
    timeline = Timeline()
    before = [packet(VIDEO, 77.7), packet(AUDIO, 77.69), packet(AUDIO_44, 77.8)]
    before[2].track = replace(AUDIO_44, id=2)
    moves = {seconds_of(write(timeline, replace(p))) - seconds_of(p) for p in before}
    assert len(moves) == 1


def test_sound_from_before_the_first_picture_is_not_negative() -> None:
    timeline = Timeline(start=0)
    write(timeline, packet(VIDEO, 500))
    early = [write(timeline, packet(AUDIO, 499 + n / 50)).dts for n in range(30)]
    assert early[0] == 0
    assert early == sorted(set(early))


def test_sessions_follow_one_another_at_the_distance_of_the_wall() -> None:
    timeline = Timeline()
    for n in range(100):
        write(timeline, packet(VIDEO, 1000 + n / 25))
        write(timeline, packet(AUDIO, 1000 + n / 25))
    end = write(timeline, packet(VIDEO, 1004))
    timeline.begin_session(3.5)
    back = write(timeline, packet(VIDEO, 2))
    assert Fraction(35, 10) <= seconds_of(back) - seconds_of(end) <= Fraction(36, 10)
    sound = write(timeline, packet(AUDIO, 2.01))
    assert seconds_of(sound) - seconds_of(back) == Fraction(1, 100)


@pytest.mark.parametrize("gap", [0.0, -5.0])
def test_a_take_over_leaves_room_for_early_sound(gap: float) -> None:
    timeline = Timeline()
    write(timeline, packet(AUDIO, 9.9))
    end = write(timeline, packet(VIDEO, 10))
    timeline.begin_session(gap)
    back = write(timeline, packet(VIDEO, 0.15))
    assert Fraction(2, 10) <= seconds_of(back) - seconds_of(end) < Fraction(3, 10)
    sound = write(timeline, packet(AUDIO, 0))
    assert seconds_of(back) - seconds_of(sound) == Fraction(15, 100)


def test_the_line_rises_strictly_over_many_sessions_and_sample_rates() -> None:
    timeline = Timeline()
    last = Fraction(0)
    for session in range(20):
        track = (AUDIO, AUDIO_44)[session % 2]
        timeline.begin_session(0.01 * session)
        for n in range(10):
            placed = seconds_of(write(timeline, packet(track, 7 * session + n / 50)))
            assert placed > last
            last = placed


def test_a_packet_behind_the_line_is_put_on_it() -> None:
    timeline = Timeline()
    write(timeline, packet(VIDEO, 10))
    late = write(timeline, packet(VIDEO, 9.5, composition=0.1))
    assert late.dts == 90_001
    assert late.pts == late.dts


def test_nothing_drifts_in_a_day() -> None:
    timeline = Timeline()
    first = write(timeline, Packet(AUDIO_44, 12_345, 12_345, b""))
    day = 86_400 * 44_100
    last = write(timeline, Packet(AUDIO_44, 12_345 + day, 12_345 + day, b""))
    assert last.dts - first.dts == day
