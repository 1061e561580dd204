import random

import pytest

from gamecast.client.push.retry import LIMIT, Backoff


def test_delays_grow_by_half_up_to_a_minute() -> None:
    backoff = Backoff(uniform=lambda low, high: 1.0)
    delays = [backoff.next() for _ in range(12)]
    assert delays[:4] == [2.0, 3.0, 4.5, 6.75]
    assert delays[-1] == LIMIT
    assert backoff.attempt == 12
    backoff.reset()
    assert backoff.next() == 2.0


def test_each_varies_by_a_fifth() -> None:
    delays = [Backoff(uniform=random.Random(seed).uniform).next() for seed in range(200)]
    assert 1.6 <= min(delays) < 1.65
    assert 2.35 < max(delays) <= 2.4
    assert sum(delays) / 200 == pytest.approx(2.0, rel=0.05)
