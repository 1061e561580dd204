"""What a busy loop makes of the pace."""

from __future__ import annotations

from gamecast.relay.pace import CROWD, CROWD_HOLD, MAX_INTERVAL, Pace


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


def test_a_crowd_lets_pictures_wait_without_load_and_load_lets_them_wait_longer() -> None:
    pace = Pace()
    assert pace.hold(CROWD - 1) == 0.0
    assert pace.hold(CROWD) == CROWD_HOLD
    updated(pace, 20, 0.9)
    assert pace.hold(1) == pace.hold(CROWD) == MAX_INTERVAL
