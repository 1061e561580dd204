from __future__ import annotations

import pytest
from pydantic import BaseModel, ValidationError

from gamecast.server.config import ServeConfig, TlsSection
from gamecast.server.config_load import ConfigError, load_config


def _numbers() -> list[tuple[str, str]]:
    found = []
    for section, field in ServeConfig.model_fields.items():
        assert isinstance(field.annotation, type)
        assert issubclass(field.annotation, BaseModel)
        for key, inner in field.annotation.model_fields.items():
            if inner.annotation in (int, float):
                found.append((section, key))
    return found


def test_the_defaults_are_those_of_the_contract() -> None:
    config = ServeConfig()
    assert config.server.host == "0.0.0.0"
    assert str(config.server.data_dir) == "gamecast-data"
    ports = (config.http.port, config.rtmp.port, config.srt.port, config.ice.port)
    assert ports == (8080, 1935, 8890, 8189)
    assert (config.auth.publish, config.auth.play) == ("key", "open")
    assert config.stream.grace_seconds == 10
    assert config.hls.part_seconds == 0.333


def test_the_defaults_do_not_read_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAMECAST_HTTP__PORT", "1")
    assert ServeConfig().http.port == 8080


@pytest.mark.parametrize(("section", "key"), _numbers())
@pytest.mark.parametrize("value", [-1, 10**30, float("inf"), float("nan"), True, False, "", "x"])
def test_every_number_is_bounded(section: str, key: str, value: object) -> None:
    with pytest.raises(ValidationError):
        ServeConfig.model_validate({section: {key: value}})


def test_there_are_numbers_to_bound() -> None:
    assert len(_numbers()) > 20


def test_values_are_fixed_once_read() -> None:
    with pytest.raises(ValidationError):
        ServeConfig().http.port = 1


def test_a_certificate_needs_its_key() -> None:
    with pytest.raises(ValidationError, match="go together"):
        ServeConfig.model_validate({"tls": {"cert": "a.pem"}})
    both = ServeConfig.model_validate({"tls": {"cert": "a.pem", "key": "b.pem"}})
    assert both.tls.enabled
    assert not TlsSection().enabled


def test_parts_fit_into_segments() -> None:
    with pytest.raises(ValidationError, match="part_seconds"):
        ServeConfig.model_validate({"hls": {"part_seconds": 0.8, "segment_seconds": 0.5}})


@pytest.mark.parametrize(
    ("written", "bits"),
    [("6M", 6_000_000), ("800k", 800_000), ("2.5M", 2_500_000), (7, 7), ("0", 0)],
)
def test_a_bit_rate_is_written_as_people_do(written: object, bits: int) -> None:
    config = ServeConfig.model_validate({"stream": {"max_bitrate": written}})
    assert config.stream.max_bitrate == bits


@pytest.mark.parametrize("written", ["6 Mbit", "-1k", "M", "1e9", "6m", "999999999999G"])
def test_what_is_no_bit_rate_is_refused(written: str) -> None:
    with pytest.raises(ValidationError):
        ServeConfig.model_validate({"stream": {"max_bitrate": written}})


def test_addresses_are_parsed() -> None:
    config = ServeConfig.model_validate(
        {"ice": {"public_addresses": " 192.0.2.1, 2001:DB8:0::1 ,"}}
    )
    assert config.ice.public_addresses == ["192.0.2.1", "2001:db8::1"]
    named = ServeConfig.model_validate({"ice": {"public_addresses": "Home.example.org"}})
    assert named.ice.public_addresses == ["home.example.org"]
    for wrong in ("a b", ["1.2.3"], ["-a.org"], ["a..org"], ["1.2.3.4"] * 17):
        with pytest.raises(ValidationError):
            ServeConfig.model_validate({"ice": {"public_addresses": wrong}})


@pytest.mark.parametrize("url", ["ftp://x", "https://a/b", "javascript:alert(1)", "https://a b"])
def test_a_public_url_is_an_origin(url: str) -> None:
    with pytest.raises(ValidationError):
        ServeConfig.model_validate({"http": {"public_url": url}})


def test_a_database_password_is_not_in_the_repr() -> None:
    config = ServeConfig.model_validate({"database": {"url": "postgresql://u:canary@h/d"}})
    assert "canary" not in repr(config)
    assert "canary" not in str(config.model_dump())


@pytest.mark.parametrize(
    "servers",
    [
        [{"url": "http://x"}],
        [{"url": "turn:a b"}],
        [{"url": 'turn:a"'}],
        [{"url": "turn:a", "credential": "canary"}],
        [{"url": "turn:a", "username": 'u"', "credential": "canary"}],
        [{"url": "turn:a", "username": "u", "credential": 'canary"'}],
        [{"url": "turn:a", "username": "u", "credential": "canary", "secret": "canary"}],
        [{"url": "turn:a", "unknown": "canary"}],
        [{"url": "stun:a"}] * 9,
    ],
)
def test_ice_servers_are_checked_and_their_secrets_kept(servers: object) -> None:
    with pytest.raises(ValidationError):
        ServeConfig.model_validate({"ice": {"servers": servers}})
    with pytest.raises(ConfigError) as error:
        load_config(None, {"ice.servers": servers}, environ={})
    assert "canary" not in str(error.value)
    assert "ice.servers" in str(error.value)


def test_ice_servers_may_be_addresses_alone() -> None:
    config = ServeConfig.model_validate({"ice": {"servers": "stun:a.example, turns:b:443"}})
    assert [server.url for server in config.ice.servers] == ["stun:a.example", "turns:b:443"]
