from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gamecast.store.names import RESERVED, InvalidName, check_name, is_valid_name


@pytest.mark.parametrize("name", ["main", "demo", "Team-Blue_2", "7", "a" * 64, "gc"])
def test_ordinary_names_are_allowed(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        *("", ".", "..", "-a", "_a", "a b", "a.b", "a/b", "a\\b", "a%2fb", "a\n", "\x1b[31m"),
        *("a" * 65, "中文", "é", "１", "a\0", "openapi.json", "a?b", "a#b", "a:b"),
    ],
)
def test_what_is_not_one_plain_segment_is_refused(name: str) -> None:
    with pytest.raises(InvalidName):
        check_name(name)


@pytest.mark.parametrize(
    "name",
    [
        *("api", "live", "admin", "assets", "embed", "docs", "metrics", "healthz", "studio"),
        *("whip", "whep", "API", "Live"),
    ],
)
def test_first_segments_of_our_urls_are_reserved(name: str) -> None:
    with pytest.raises(InvalidName, match="reserved"):
        check_name(name)


@pytest.mark.parametrize("name", ["con", "NUL", "com1", "lpt9"])
def test_device_names_of_windows_are_refused(name: str) -> None:
    assert not is_valid_name(name)


def test_reserved_words_are_lower_case_for_the_comparison() -> None:
    assert all(word == word.lower() for word in RESERVED)


@given(st.text(max_size=300))
def test_what_passes_needs_no_escaping_anywhere(name: str) -> None:
    if is_valid_name(name):
        assert name.isascii()
        assert 1 <= len(name) <= 64
        assert name.replace("-", "").replace("_", "").isalnum()


@given(st.text(max_size=300))
def test_a_refusal_shows_no_raw_control_characters(name: str) -> None:
    if not is_valid_name(name):
        with pytest.raises(InvalidName) as refused:
            check_name(name)
        assert str(refused.value).isprintable()
        assert len(str(refused.value)) < 1_000
