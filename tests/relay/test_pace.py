"""What a busy loop makes of the pace."""

from __future__ import annotations

from gamecast.relay.pace import MAX_INTERVAL, Pace


def updated(pace: Pace, times: int, load: float) -> Pace:
    """After some updates alike."""
    for _ in range(times):
        pace.update(load)
    return pace


def test_flushes_are_gathered_while_the_loop_is_busy_only() -> None:
    pace = updated(Pace(), 20, 0.9)
    assert pace.interval == MAX_INTERVAL
    assert updated(pace, 1, 0.55).interval == MAX_INTERVAL, "in between nothing changes"
    assert updated(pace, 40, 0.1).interval == 0.0
