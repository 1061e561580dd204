import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gamecast.client.encode.soundclock import HARD, MAX_SILENCE, SoundClock

RATE = 48_000


def test_steady_blocks_are_left_alone() -> None:
    clock = SoundClock(RATE)
    for block in range(1000):
        placed = clock.place(block * 1024, 1024)
        assert placed is not None
        assert (placed.start, placed.silence, placed.stretch) == (block * 1024, 0, 0)


def test_a_hole_is_silence_a_huge_one_a_jump_and_repeats_are_left_out() -> None:
    clock = SoundClock(RATE)
    clock.place(0, 1024)
    hole = clock.place(10_000, 1024)
    assert hole is not None
    assert (hole.start, hole.silence) == (10_000, 10_000 - 1024)
    jump = clock.place(100 * RATE, 1024)
    assert jump is not None
    assert (jump.start, jump.silence) == (100 * RATE, 0)
    assert clock.place(99 * RATE, 1024) is None


def test_jitter_alone_stretches_nothing() -> None:
    clock, chance = SoundClock(RATE), random.Random(1)
    clock.place(0, 480)
    for block in range(1, 3000):
        placed = clock.place(block * 480 + chance.randrange(-400, 400), 480)
        assert placed is not None
        assert placed.stretch == 0


@pytest.mark.parametrize("error", [60e-6, -60e-6, 1000e-6, -1000e-6])
def test_a_sound_card_that_runs_fast_or_slow_stays_in_step(error: float) -> None:
    """Its samples come at ``1 + error`` times the rate of the clock that stamps them."""
    clock = SoundClock(RATE)
    for block in range(60 * 100):
        stamp = round(block * 480 / (1 + error))
        placed = clock.place(stamp, 480)
        assert placed is not None
        assert abs(placed.start - stamp) < 0.008 * RATE
        assert placed.silence == 0


def test_a_wrong_start_is_made_up_for_in_seconds() -> None:
    """The first block was stamped 30 ms early."""
    clock = SoundClock(RATE)
    clock.place(0, 480)
    ends = [clock.place(block * 480 + 1440, 480) for block in range(1, 2000)]
    last = ends[-1]
    assert last is not None
    assert abs(last.start - (1999 * 480 + 1440)) < 0.006 * RATE


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([0, 0, 0, 1, 3000, 20_000, 400_000, -5000]), st.integers(1, 4096)
        ),
        max_size=150,
    )
)
def test_blocks_never_overlap_and_never_run_away(blocks: list[tuple[int, int]]) -> None:
    clock, stamp, end = SoundClock(RATE), 0, None
    for jump, samples in blocks:
        stamp += jump
        placed = clock.place(stamp, samples)
        if placed is not None:
            assert end is None or placed.start - placed.silence >= end
            assert abs(placed.start - stamp) <= HARD * RATE + 1
            assert placed.silence <= MAX_SILENCE * RATE
            end = placed.start + samples + placed.stretch
        stamp += samples
