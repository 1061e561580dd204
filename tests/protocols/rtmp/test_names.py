from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gamecast.protocols.rtmp.limits import RtmpLimits
from gamecast.protocols.rtmp.names import NameRefused, parse_name, parse_query, url_query

LIMITS = RtmpLimits()


@pytest.mark.parametrize(
    ("raw", "name", "query"),
    [
        ("live", "live", {}),
        ("/live/", "live", {}),
        ("", "", {}),
        ("name?key=a%2Bb&x=", "name", {"key": "a+b", "x": ""}),
        ("?key=a", "", {"key": "a"}),
        ("name?a=1?b=2&a=3", "name", {"a": "3"}),
        ("名前", "名前", {}),
        ("a.b..c", "a.b..c", {}),
        ("app/instance", "app/instance", {}),
    ],
)
def test_names(raw: str, name: str, query: dict[str, str]) -> None:
    assert parse_name(raw, LIMITS) == (name, query)


@pytest.mark.parametrize(
    "raw",
    [
        "..",
        "../../x",
        "a/../b",
        "a/./b",
        "%2e%2e%2fx",
        "a%2F..%2Fb",
        "a\\b",
        "a%5cb",
        "a\0b",
        "a\r\nb",
        "a\x1b[31mb",
        "a\x7fb",
        "a\u202eb",
        "a\u200bb",
        "a\ud800b",
        "x" * 65536,
        "name?" + "a=1&" * 100,
    ],
)
def test_names_that_no_honest_client_sends(raw: str) -> None:
    with pytest.raises(NameRefused) as refused:
        parse_name(raw, LIMITS)
    assert raw not in str(refused.value)


@given(raw=st.text(max_size=50))
def test_any_text(raw: str) -> None:
    try:
        name, _ = parse_name(raw, LIMITS)
    except NameRefused:
        return
    assert not name.startswith("/")
    assert ".." not in name.split("/")


def test_queries_of_urls() -> None:
    assert url_query("rtmp://host/live?a=b") == "a=b"
    assert url_query("rtmp://[broken/live?a=b") == ""
    assert parse_query("", LIMITS) == {}
