from __future__ import annotations

import pytest

from gamecast.cli import banner
from gamecast.cli.banner import first_start_text, ready_text
from gamecast.server.config import HttpSection, ServeConfig, ServerSection
from gamecast.server.ready import ReadyAddresses
from gamecast.store.store import FirstStart

ADDRESSES = ReadyAddresses(http="http://127.0.0.1:9090", rtmp="rtmp://127.0.0.1:2935")


def test_the_first_start_shows_each_secret_once() -> None:
    text = first_start_text(
        FirstStart(admin="admin", password="p-canary", channel="main", key="k-canary")
    )
    assert text.count("p-canary") == 1
    assert text.count("k-canary") == 1


def test_a_first_start_without_a_channel_shows_no_key() -> None:
    text = first_start_text(FirstStart(admin="admin", password="p", channel=None, key=None))
    assert "key" not in text
    assert "None" not in text


def test_where_to_watch_and_what_to_enter_into_obs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(banner, "_reachable_host", lambda host: "192.0.2.7")
    text = ready_text(ServeConfig(), ADDRESSES)
    assert "http://192.0.2.7:9090/main\n" in text
    assert "http://127.0.0.1:9090/main" in text
    assert "Server rtmp://192.0.2.7:2935/live\n" in text


def test_a_bound_address_is_shown_as_it_is() -> None:
    config = ServeConfig(server=ServerSection(host="127.0.0.1", demo=True))
    text = ready_text(config, ReadyAddresses(http="http://127.0.0.1:9090"))
    assert text.count("http://127.0.0.1:9090/demo") == 1
    assert "OBS" not in text  # RTMP is off


def test_a_public_url_is_what_viewers_are_told() -> None:
    config = ServeConfig(http=HttpSection(public_url="https://cast.example/"))
    assert "https://cast.example/main\n" in ready_text(config, ADDRESSES)


def test_the_reachable_host_is_an_address_or_nothing() -> None:
    assert banner._reachable_host("127.0.0.1") is None
    found = banner._reachable_host("0.0.0.0")
    assert found is None or found.count(".") == 3


def test_hosts_are_replaced_and_ports_kept() -> None:
    assert banner._with_host("rtmp://127.0.0.1:1935", "2001:db8::1") == "rtmp://[2001:db8::1]:1935"
    assert banner._with_host("rtmp://127.0.0.1:1935", None) == "rtmp://127.0.0.1:1935"
