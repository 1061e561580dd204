from __future__ import annotations

import pytest

from gamecast.bench.figures import STALL, Figures
from gamecast.bench.results import summarise


def watching(*times: float, end: float) -> Figures:
    """A viewer to whom bytes came at these times, measured from 0 until ``end``."""
    figures = Figures(scans=False, asked_at=0.0, first_media_seconds=0.1)
    figures.reset(0.0)
    for time in times:
        figures.arrived(1000, time)
    figures.waited(end)
    return figures


@pytest.mark.parametrize(
    ("times", "stalls", "longest"),
    [
        ((0.1, 0.5, 0.9), 0, 0.4),
        ((0.1, 0.2 + STALL, 0.9), 1, 0.1 + STALL),
        ((0.1,), 1, 0.9),
        ((), 1, 1.0),
    ],
    ids=["none", "between two bytes", "until the end", "all the time"],
)
def test_a_gap_is_a_stall_also_if_nothing_ends_it(
    times: tuple[float, ...], stalls: int, longest: float
) -> None:
    result = summarise([watching(*times, end=1.0)], 1.0, by_bytes=False)
    assert result.stalls == stalls
    assert result.longest_gap == pytest.approx(longest)
    assert result.as_dict()["stalls"] == stalls


def test_media_in_pieces_stalls_later_and_a_new_measurement_begins_at_nothing() -> None:
    figures = watching(0.1, 1.0, end=1.0)
    assert figures.stalls == 1
    figures.discontinuities = 3
    figures.stall_after = 6.0
    figures.reset(1.0)
    figures.arrived(1000, 3.0)
    assert (figures.stalls, figures.discontinuities) == (0, 0)
