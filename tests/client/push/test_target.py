from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gamecast.client.push.target import (
    KEY_VARIABLE,
    FileTarget,
    RtmpTarget,
    Target,
    TargetError,
    parse_target,
    parse_targets,
)
from gamecast.client.push.whip_target import WhipTarget

SECRET = "s3cr3t-key"


def rtmp(text: str, key: str = "") -> RtmpTarget:
    target = parse_target(text, {KEY_VARIABLE: key} if key else {})
    assert isinstance(target, RtmpTarget)
    return target


@pytest.mark.parametrize(
    ("text", "key", "tc_url", "name", "shown"),
    [
        (
            f"rtmp://host/live/{SECRET}",
            "",
            "rtmp://host/live",
            SECRET,
            "rtmp://host/live/****",
        ),
        (
            f"rtmp://host:1940/live/demo?key={SECRET}",
            "",
            "rtmp://host:1940/live",
            f"demo?key={SECRET}",
            "rtmp://host:1940/live/demo?key=****",
        ),
        ("rtmp://host/live", SECRET, "rtmp://host/live", SECRET, "rtmp://host/live/****"),
        (
            "rtmp://host/live/demo",
            "a&b",
            "rtmp://host/live",
            "demo?key=a%26b",
            "rtmp://host/live/demo?key=****",
        ),
        (
            "rtmp://host/live/demo?x=1",
            SECRET,
            "rtmp://host/live",
            f"demo?x=1&key={SECRET}",
            "rtmp://host/live/demo?key=****",
        ),
        (
            f"rtmps://live.example.com:443/app/inst/{SECRET}?bandwidthtest=true",
            "",
            "rtmps://live.example.com/app/inst",
            f"{SECRET}?bandwidthtest=true",
            "rtmps://live.example.com:443/app/inst/****",
        ),
        (f"rtmp://[::1]/live/{SECRET}", "", "rtmp://[::1]/live", SECRET, "rtmp://[::1]/live/****"),
    ],
)
def test_rtmp_urls(text: str, key: str, tc_url: str, name: str, shown: str) -> None:
    target = rtmp(text, key)
    assert target.url.tc_url == tc_url
    assert target.url.name == name
    assert target.shown == shown
    assert SECRET not in repr(target)
    assert SECRET not in target.shown


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("rtmp://host", "no application"),
        ("rtmp://host/live", KEY_VARIABLE),
        ("rtmp://host/pw", "use rtmp://host/live/KEY"),
        ("rtmp:///live/x", "bad rtmp:// URL"),
        ("rtmp://host:99999/live/x", "bad rtmp:// URL"),
        ("rtmp://user:pw@host/live/x", "user name"),
        ("srt://?streamid=x", "bad srt:// URL"),
        ("srt://host:x?streamid=pw", "bad srt:// URL"),
        ("srt://host:8890?streamid=x&passphrase=pw", "10 to 79 bytes"),
        ("srt://host:8890?streamid=x&pbkeylen=17", "pbkeylen"),
        ("srt://host:8890?streamid=x&latency=pw", "latency"),
        ("srt://host:8890?mode=rendezvous", "rendezvous"),
        ("srt://host:8890?nope=pw", "unknown srt:// option"),
        ("gcp://host/x", "not supported yet"),
        ("whip:///x", "bad WHIP URL"),
        ("whip://S3CRET@host/x", "use ?key=KEY"),
        ("whip://host:99999/x", "bad WHIP URL"),
        ("ftp://host/x", "unknown kind"),
        ("somewhere", "neither a URL"),
        ("movie.avi", "neither a URL"),
    ],
)
def test_errors_are_one_line_and_keep_the_secret(text: str, problem: str) -> None:
    with pytest.raises(TargetError) as caught:
        parse_target(text, {})
    message = str(caught.value)
    assert problem in message
    assert "\n" not in message
    assert "pw" not in message


@pytest.mark.parametrize(
    ("text", "container"), [("a.mp4", "mp4"), ("b/c.MKV", "matroska"), ("/x/y.flv", "flv")]
)
def test_recordings(text: str, container: str) -> None:
    assert parse_target(text, {}) == FileTarget(Path(text), container)


def test_what_a_server_says_is_scrubbed() -> None:
    target = rtmp(f"rtmp://host/live/{SECRET}?token=abc")
    assert (
        target.scrub(f"stream {SECRET} with abc is unknown") == "stream **** with **** is unknown"
    )
    named = rtmp(f"rtmp://host/live/demo?key={SECRET}")
    assert named.scrub(f"demo: bad key {SECRET}") == "demo: bad key ****"


@settings(deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_a_target_or_one_error(text: str) -> None:
    try:
        target: Target = parse_target(text, {})
    except TargetError:
        return
    assert target.shown is not None


@settings(deadline=None)
@given(st.text(max_size=40))
def test_the_key_of_the_environment_is_never_shown(path: str) -> None:
    try:
        shown = rtmp(f"rtmp://host/{path}", SECRET).shown
    except TargetError as error:
        shown = str(error)
    assert SECRET not in shown


@pytest.mark.parametrize(
    ("text", "key", "url", "token", "shown"),
    [
        ("whip://h:8080", "K", "http://h:8080/whip", "K", "whip://h:8080/whip"),
        ("whips://h/live/a/whip?key=K", "", "https://h/live/a/whip", "K", "whips://h/live/a/whip"),
        ("whip+https://h/w?a=1&key=K", "", "https://h/w?a=1", "K", "whip+https://h/w?****"),
        ("https://h/v2/offer", "", "https://h/v2/offer", "", "https://h/v2/offer"),
        (
            f"https://h/{SECRET * 3}/publish",
            "",
            f"https://h/{SECRET * 3}/publish",
            "",
            "https://h/****/publish",
        ),
        ("whip://[::1]:80/w?key=A", "B", "http://[::1]:80/w", "B", "whip://[::1]:80/w"),
    ],
)
def test_whip_urls(text: str, key: str, url: str, token: str, shown: str) -> None:
    target = parse_target(text, {"GAMECAST_PUSH_KEY": key} if key else {})
    assert isinstance(target, WhipTarget)
    assert (target.url, target.token, target.shown) == (url, token, shown)
    assert token not in repr(target) or token in shown
    assert target.scrub("no to S3CRETKEY") == "no to S3CRETKEY"
    assert SECRET not in target.scrub(f"nothing at {target.url}")


def test_the_key_of_one_server_is_told_to_no_other() -> None:
    own, environ = "whip://mine:8080/whip", {KEY_VARIABLE: SECRET}
    others = ["rtmp://platform/app/THEIRS", "https://other/whip?key=THEIRS", "srt://h?streamid=T"]
    mine, *targets = parse_targets([own, *others, "a.mp4", "rtmp://mine/live"], environ)
    assert isinstance(mine, WhipTarget)
    assert mine.token == SECRET
    platform, whip, srt, recording, bare = targets
    assert isinstance(platform, RtmpTarget)
    assert platform.url.name == "THEIRS"
    assert isinstance(whip, WhipTarget)
    assert whip.token == "THEIRS"
    assert srt == parse_target(others[2], {})
    assert isinstance(recording, FileTarget)
    assert isinstance(bare, RtmpTarget)
    assert bare.url.name == SECRET
    (alone,) = parse_targets(["rtmp://mine/live/main"], environ)
    assert isinstance(alone, RtmpTarget)
    assert alone.url.name == f"main?key={SECRET}"
