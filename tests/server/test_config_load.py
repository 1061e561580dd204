from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gamecast.server.config_load import ConfigError, load_config


def _problems(
    file: Path | None = None,
    overrides: dict[str, object] | None = None,
    environ: dict[str, str] | None = None,
) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_config(file, overrides, environ or {})
    return caught.value.problems


def _toml(folder: Path, text: str) -> Path:
    file = folder / "gamecast.toml"
    file.write_text(text)
    return file


def test_the_command_line_wins_then_the_environment_then_the_file(tmp_path: Path) -> None:
    file = _toml(
        tmp_path, "[http]\nport = 1\nidle_timeout = 1\n[rtmp]\nport = 1\n[srt]\nport = 1\n"
    )
    environ = {"GAMECAST_HTTP__PORT": "2", "GAMECAST_RTMP__PORT": "2"}
    config = load_config(file, {"http.port": 3, "rtmp.port": None}, environ)
    ports = (config.http.port, config.rtmp.port, config.srt.port, config.ice.port)
    assert ports == (3, 2, 1, 8189)
    assert config.http.idle_timeout == 1


def test_the_environment_is_the_processs_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAMECAST_RTMP__ENABLED", "false")
    assert load_config().rtmp.enabled is False
    assert load_config(environ={}).rtmp.enabled is True


def test_variables_of_other_commands_are_not_judged() -> None:
    load_config(
        environ={"GAMECAST_PUSH_KEY": "x", "GAMECAST_PORT": "tcp://10.0.0.1:80", "A__B": ""}
    )


def test_a_bad_value_names_key_value_and_file(tmp_path: Path) -> None:
    file = _toml(tmp_path, "[http]\nport = 99999999\n")
    assert _problems(file) == [
        f"{file}: http.port = 99999999: should be less than or equal to 65535"
    ]


def test_a_bad_value_names_the_variable_or_the_option(tmp_path: Path) -> None:
    file = _toml(tmp_path, "[http]\nport = 1\n")
    (problem,) = _problems(file, environ={"GAMECAST_HTTP__PORT": "abc"})
    assert problem.startswith("environment variable GAMECAST_HTTP__PORT: http.port = 'abc': ")
    (problem,) = _problems(file, {"http.port": -1}, {"GAMECAST_HTTP__PORT": "1"})
    assert problem.startswith("option --http-port: http.port = -1: ")
    (problem,) = _problems(None, {"server.log_level": "loud"})
    assert problem.startswith("option --log-level: server.log_level = 'loud': ")


def test_an_unknown_key_names_itself_and_a_near_one(tmp_path: Path) -> None:
    file = _toml(tmp_path, "[http]\nprot = 1\n[htp]\nport = 1\n")
    assert _problems(file) == [
        f"{file}: unknown key http.prot = 1 (did you mean http.port?)",
        f"{file}: unknown key htp = {{…}} (did you mean http?)",
    ]
    assert _problems(environ={"GAMECAST_HTTP__PROT": "1"}) == [
        "environment variable GAMECAST_HTTP__PROT: unknown key http.prot = '1'"
        " (did you mean http.port?)"
    ]
    (problem,) = _problems(environ={"GAMECAST_ZZZ__A": "1"})
    assert problem.startswith("environment variable GAMECAST_ZZZ__A: unknown key zzz")


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    file = _toml(tmp_path, "[http]\nport = -1\nx = 1\n[auth]\nplay = 'maybe'\n")
    assert len(_problems(file)) == 3


def test_keys_outside_a_section_are_told(tmp_path: Path) -> None:
    file = _toml(tmp_path, "port = 1\n")
    assert _problems(file) == [f"{file}: port = 1: keys belong in a [section]"]
    file = _toml(tmp_path, "http = 'x'\n")
    assert "keys belong in a [section]" in _problems(file, environ={"GAMECAST_HTTP__PORT": "1"})[0]


def test_a_missing_or_unreadable_file_is_an_error(tmp_path: Path) -> None:
    assert _problems(tmp_path / "no.toml") == [f"{tmp_path}/no.toml: No such file or directory"]
    assert _problems(tmp_path) == [f"{tmp_path}: Is a directory"]


@pytest.mark.parametrize("text", ["[http", "port 1", "a = 1\na = 2", "a=" + "[" * 5_000, "\x00"])
def test_broken_toml_is_an_error(tmp_path: Path, text: str) -> None:
    assert "not valid TOML" in _problems(_toml(tmp_path, text))[0]


def test_a_file_in_another_encoding_or_too_large_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "x.toml"
    file.write_bytes(b"# \xff\xfe")
    assert "not valid TOML" in _problems(file)[0]
    file.write_bytes(b"#" * 2_000_000)
    assert "larger than" in _problems(file)[0]


def test_secrets_are_not_repeated_in_errors(tmp_path: Path) -> None:
    file = _toml(tmp_path, "[database]\nurl = ['canary']\n")
    (problem,) = _problems(file)
    assert "database.url" in problem
    assert "canary" not in problem
    (problem,) = _problems(environ={"GAMECAST_DATABASE__URLS": "canary"})
    assert "canary" not in problem


def test_long_and_strange_values_are_shown_short_and_escaped() -> None:
    (problem,) = _problems(None, {"server.log_format": "\x1b[31m" + "x" * 5_000})
    assert "\x1b" not in problem
    assert len(problem) < 300


def _problems_or_none(environ: dict[str, str]) -> list[str]:
    try:
        load_config(environ=environ)
    except ConfigError as error:
        return error.problems
    return []


@given(st.dictionaries(st.text(max_size=20), st.text(max_size=40), max_size=5))
def test_any_environment_is_read_or_refused_in_lines(values: dict[str, str]) -> None:
    environ = {f"GAMECAST_{name}": value for name, value in values.items()}
    for problem in _problems_or_none(environ):
        assert problem.startswith("environment variable GAMECAST_")
