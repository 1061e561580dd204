from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gamecast.server.auth_throttle import Buckets, Throttle, source_of
from tests.support.clock import FakeClock


class Guesser:
    """Makes attempts that are wrong if they are checked, and counts the checks."""

    def __init__(self, throttle: Throttle) -> None:
        self.throttle = throttle
        self.checked = 0

    def guess(self, *, address: str, identity: str = "main", digest: bytes = b"wrong") -> bool:
        if not self.throttle.admits(address=address, identity=identity, digest=digest):
            return False
        self.throttle.failed(address=address, identity=identity, digest=digest)
        self.checked += 1
        return True


@pytest.fixture
def throttle(clock: FakeClock) -> Throttle:
    return Throttle(clock=clock, capacity=1_000)


def test_an_address_has_ten_tries_and_then_one_in_five_seconds(
    throttle: Throttle, clock: FakeClock
) -> None:
    guesser = Guesser(throttle)
    for _ in range(100):
        guesser.guess(address="192.0.2.1")
    assert guesser.checked == 10
    clock.advance(4.9)
    assert not guesser.guess(address="192.0.2.1")
    clock.advance(0.2)
    assert guesser.guess(address="192.0.2.1")
    assert not guesser.guess(address="192.0.2.1")
    for _ in range(3600):
        clock.advance(1.0)
        guesser.guess(address="192.0.2.1")
    assert guesser.checked <= 11 + 3600 / 5


def test_other_addresses_are_not_slowed(throttle: Throttle) -> None:
    guesser = Guesser(throttle)
    for _ in range(20):
        guesser.guess(address="192.0.2.1")
    assert guesser.guess(address="192.0.2.2")


def test_many_addresses_guessing_at_one_name_get_one_try_each(throttle: Throttle) -> None:
    guesser = Guesser(throttle)
    for address in range(100):
        guesser.guess(address=f"192.0.2.{address}")
    before = guesser.checked
    for address in range(100, 200):
        for _ in range(10):
            guesser.guess(address=f"192.0.2.{address}")
    assert guesser.checked == before + 100
    assert guesser.guess(address="192.0.2.150", identity="another")


def test_the_owner_is_not_locked_out_from_a_new_address(throttle: Throttle) -> None:
    guesser = Guesser(throttle)
    for address in range(250):
        guesser.guess(address=f"192.0.2.{address}")
    assert throttle.admits(address="198.51.100.1", identity="main", digest=b"right")


def test_a_key_that_was_right_is_checked_again_whoever_guesses(throttle: Throttle) -> None:
    throttle.succeeded(digest=b"right")
    guesser = Guesser(throttle)
    for _ in range(50):
        guesser.guess(address="192.0.2.1")
    assert throttle.admits(address="192.0.2.1", identity="main", digest=b"right")
    throttle.failed(address="192.0.2.1", identity="main", digest=b"right")  # revoked since
    assert not throttle.admits(address="192.0.2.1", identity="main", digest=b"right")


def test_memory_is_bounded_whatever_comes(clock: FakeClock) -> None:
    throttle = Throttle(clock=clock, capacity=100)
    guesser = Guesser(throttle)
    for number in range(5_000):
        guesser.guess(address=f"10.0.{number // 256}.{number % 256}", identity=f"n{number}")
        throttle.succeeded(digest=number.to_bytes(4, "big"))
    assert len(throttle._addresses) == 100
    assert len(throttle._identities) == 100
    assert len(throttle._good) == 100


def test_the_key_that_failed_longest_ago_is_forgotten_first(clock: FakeClock) -> None:
    buckets: Buckets[str] = Buckets(rate=0.0, burst=2, capacity=2)
    for key in ("a", "b", "a", "c"):
        buckets.take(key, clock.now)
    assert [buckets.tokens(key, clock.now) for key in ("a", "b", "c")] == [0, 2, 1]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 100)), max_size=50))
def test_a_bucket_holds_between_nothing_and_its_burst(steps: list[tuple[str, float]]) -> None:
    buckets: Buckets[str] = Buckets(rate=0.5, burst=5, capacity=2)
    now = 0.0
    for key, wait in steps:
        now += wait
        buckets.take(key, now)
        assert 0 <= buckets.tokens(key, now) <= 5
        assert len(buckets) <= 2


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::"),
        ("", ""),
        ("x" * 500, "x" * 64),
    ],
)
def test_one_customer_is_one_source(address: str, source: str) -> None:
    assert source_of(address) == source
