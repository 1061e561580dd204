"""What a line that carries everything looks like, and one that does not."""

from __future__ import annotations

import pytest

from gamecast.client.push.srt_line import SrtLine
from tests.protocols.srt.link import Pair, Weather
from tests.protocols.srt.test_connection import RATE, make


def shares(pair: Pair, seconds: float) -> list[bool]:
    """Send a stream, and ask for the line with every packet."""
    line = SrtLine(pair.caller_now)
    found: list[bool] = []

    def work() -> None:
        pair.client.send(bytes(1316), pair.caller_now)
        found.append(line.carries_more(pair.client, pair.caller_now))

    pair.run(seconds, 1 / RATE, work)
    return found


@pytest.mark.parametrize(
    "weather",
    [
        Weather(loss=0.02),
        Weather(loss=0.15),
        Weather(delay=0.3),
        Weather(delay=0.1, loss=0.10, jitter=0.01),
    ],
    ids=["2 %", "15 %", "600 ms", "10 % at 200 ms"],
)
def test_losses_and_distance_alone_are_no_congestion(weather: Weather) -> None:
    pair = make(weather, latency=weather.delay * 8)
    pair.connect()
    found = shares(pair, 5.0)
    assert found.count(True) >= len(found) * 0.98


def test_a_line_that_loses_most_is_full_though_everything_is_confirmed() -> None:
    pair = make(Weather(delay=0.01, loss=0.6), latency=0.12)
    pair.connect()
    found = shares(pair, 5.0)
    assert found[len(found) // 2 :].count(False) > len(found) // 4


def test_confirmations_that_stay_away_are_noticed() -> None:
    pair = make()
    pair.connect()
    assert all(shares(pair, 3.0)[-100:])
    line = SrtLine(pair.caller_now - 60)
    assert line.carries_more(pair.client, pair.caller_now)
    pair.filter = lambda up, data: data if up else None
    pair.client.send(bytes(1316), pair.caller_now)
    pair.run(0.5)
    assert not line.carries_more(pair.client, pair.caller_now)
