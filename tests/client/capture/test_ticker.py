from fractions import Fraction

from gamecast.client.capture.ticker import ticks
from tests.support.clock import FakeClock


def run(clock: FakeClock, rate: Fraction, work: list[float]) -> list[tuple[int, int]]:
    """The ticks that a consumer gets whose work takes these times."""
    got: list[tuple[int, int]] = []

    def wait(seconds: float) -> bool:
        clock.advance(seconds)
        return len(got) >= len(work)

    for tick in ticks(rate, now=clock, wait=wait):
        got.append(tick)
        clock.advance(work[len(got) - 1])
    return got


def test_a_quick_consumer_gets_every_tick() -> None:
    assert run(FakeClock(0), Fraction(30), [0.01] * 5) == [(n, 0) for n in range(5)]


def test_a_late_consumer_is_told_what_it_missed() -> None:
    clock = FakeClock(0)
    got = run(clock, Fraction(10), [0.01, 0.35, 0.01, 0.01])
    assert got == [(0, 0), (1, 0), (4, 2), (5, 0)]


def test_it_starts_with_the_present() -> None:
    assert run(FakeClock(7.25), Fraction(10), [0.0])[0][0] in (72, 73)


def test_no_drift_at_a_fractional_rate() -> None:
    clock = FakeClock(0)
    rate = Fraction(30000, 1001)
    got = run(clock, rate, [0.001] * 300)
    assert got[-1] == (299, 0)
    assert abs(clock.now - float(299 / rate)) < 0.05
