"""Who goes without a group when there is too much to do."""

from __future__ import annotations

from collections import Counter

import pytest

from gamecast.server.webrtc.shedding import LATE_SECONDS, Shedding

VIEWERS = 400


def skipped(shedding: Shedding) -> set[int]:
    return {number for number in range(VIEWERS) if not shedding.spares(number)}


def overloaded(groups: int) -> Shedding:
    shedding = Shedding()
    shedding.begin_group(offset=5.0, load=0.5)
    for _ in range(groups):
        shedding.begin_group(offset=5.4, load=0.95)
    return shedding


@pytest.mark.parametrize(("late", "load"), [(0.0, 1.0), (LATE_SECONDS - 0.05, 1.0), (9.0, 0.8)])
def test_nobody_goes_without_unless_the_server_is_late_and_busy(late: float, load: float) -> None:
    shedding = Shedding()
    for _ in range(4):
        shedding.begin_group(offset=1.0, load=load)
        shedding.begin_group(offset=1.0 + late, load=load)
        assert not skipped(shedding)


def test_more_and_more_go_without_but_never_all() -> None:
    crowds = [overloaded(groups) for groups in range(1, 12)]
    shares = [shedding.share for shedding in crowds]
    assert shares == sorted(shares)
    assert shares[0] == pytest.approx(0.2, abs=0.01)
    assert shares[-1] == pytest.approx(0.75)
    for shedding in crowds:
        assert len(skipped(shedding)) / VIEWERS == pytest.approx(shedding.share, abs=0.01)


def test_they_take_turns() -> None:
    shedding = overloaded(2)
    missed: Counter[int] = Counter()
    for _ in range(40):
        shedding.share = 0.25
        missed.update(skipped(shedding))
        shedding.begin_group(offset=6.0, load=0.95)
    assert len(missed) == VIEWERS
    assert max(missed.values()) - min(missed.values()) <= 2


def test_it_ends_when_there_is_time_again() -> None:
    shedding = overloaded(3)
    for _ in range(12):
        shedding.begin_group(offset=5.05, load=0.6)
    assert not skipped(shedding)


def test_a_clock_that_drifts_is_not_taken_for_load() -> None:
    shedding = Shedding()
    for group in range(10_000):
        shedding.begin_group(offset=group * 2 * 100e-6, load=1.0)
        assert shedding.share == 0.0
