import random

import pytest

from gamecast.client.push.retry import JITTER, LIMIT, SOON, SOON_ATTEMPTS, Backoff


def test_delays_grow_by_half_first_to_four_seconds_then_to_a_minute() -> None:
    backoff = Backoff(uniform=lambda low, high: 1.0)
    delays = [backoff.next() for _ in range(SOON_ATTEMPTS + 12)]
    assert delays[:5] == [2.0, 3.0, 4.0, 4.0, 4.0]
    assert max(delays[:SOON_ATTEMPTS]) == SOON
    assert delays[SOON_ATTEMPTS : SOON_ATTEMPTS + 3] == [6.0, 9.0, 13.5]
    assert delays[-1] == LIMIT
    backoff.reset()
    assert backoff.next() == 2.0
    assert backoff.attempt == 1


def test_a_server_that_restarts_is_met_within_five_seconds() -> None:
    assert SOON * (1 + JITTER) < 5


def test_each_varies_by_a_fifth() -> None:
    delays = [Backoff(uniform=random.Random(seed).uniform).next() for seed in range(200)]
    assert 1.6 <= min(delays) < 1.65
    assert 2.35 < max(delays) <= 2.4
    assert sum(delays) / 200 == pytest.approx(2.0, rel=0.05)
