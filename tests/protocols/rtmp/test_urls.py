from __future__ import annotations

import pytest

from gamecast.protocols.rtmp import RtmpUrl, parse_url


@pytest.mark.parametrize(
    ("url", "wanted", "tc_url"),
    [
        ("rtmp://host/live/key", (False, "host", 1935, "live", "key"), "rtmp://host/live"),
        (
            "rtmps://host:1936/live/name?key=a/b",
            (True, "host", 1936, "live", "name?key=a/b"),
            "rtmps://host:1936/live",
        ),
        ("rtmps://host/live/key", (True, "host", 443, "live", "key"), "rtmps://host/live"),
        ("rtmp://[::1]:1/a/b/c", (False, "::1", 1, "a/b", "c"), "rtmp://[::1]:1/a/b"),
        ("rtmp://host/live", (False, "host", 1935, "live", ""), "rtmp://host/live"),
        ("rtmp://host/live/", (False, "host", 1935, "live", ""), "rtmp://host/live"),
        ("rtmp://u:p@host/live/k", (False, "host", 1935, "live", "k"), "rtmp://host/live"),
    ],
)
def test_urls(url: str, wanted: tuple[bool, str, int, str, str], tc_url: str) -> None:
    tls, host, port, app, name = wanted
    parsed = parse_url(url)
    assert parsed == RtmpUrl(tls=tls, host=host, port=port, app=app, name=name)
    assert parsed.tc_url == tc_url


@pytest.mark.parametrize(
    "url", ["", "http://host/live/secret", "rtmp:///live/secret", "rtmp://h:99999/secret", "host"]
)
def test_no_rtmp_urls(url: str) -> None:
    with pytest.raises(ValueError) as refused:
        parse_url(url)
    assert "secret" not in str(refused.value)


def test_the_key_is_not_shown() -> None:
    assert "secret" not in repr(parse_url("rtmp://host/live/secret?key=secret"))
