"""The lists of who runs what: a file that was renamed would go to another worker unnoticed."""

from __future__ import annotations

from tests.support.workers import LONG, PAGES, REAL_TIME, TESTS, UNHURRIED


def test_every_place_on_the_lists_exists() -> None:
    places = {*REAL_TIME, *UNHURRIED, *PAGES, *LONG}
    assert {place for place in places if not (TESTS / place).exists()} == set()


def test_exceptions_are_among_the_places_that_they_are_taken_from() -> None:
    assert all(place.startswith(REAL_TIME) for place in UNHURRIED + PAGES)
