import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gamecast.cli.main import app
from gamecast.cli.setup import source_values, with_key
from gamecast.client.devices import Device
from gamecast.client.push.srt_target import SrtTarget
from gamecast.client.push.target import parse_target
from gamecast.client.push.whip_target import WhipTarget
from gamecast.client.uploadtest import UploadError, measure_upload
from tests.client.rtmp_peer import RtmpPeer
from tests.client.slow_line import SlowLine


def test_the_upload_is_measured() -> None:
    with RtmpPeer() as peer, SlowLine(peer.port, rate=3e6) as line:
        measured = measure_upload(parse_target(line.url(), {}), seconds=4)
    assert 2.2e6 < measured < 3.4e6


def test_a_server_that_refuses() -> None:
    with RtmpPeer(refuse="wrong key") as peer, pytest.raises(UploadError, match="wrong key"):
        measure_upload(parse_target(peer.url(), {}), seconds=1)


@pytest.mark.parametrize(
    ("option", "values"),
    [
        ("--screen 1", {"screen": 1}),
        (r"--window 'Space Game \(demo\)'", {"window": r"Space Game \(demo\)"}),
        ("--camera HD", {"camera": "HD"}),
    ],
)
def test_a_device_becomes_a_value(option: str, values: dict[str, object]) -> None:
    assert source_values(Device("x", "x", "", option)) == values


@pytest.mark.parametrize(
    ("server", "url"),
    [
        ("rtmp://h/live/", "rtmp://h/live/a&b"),
        ("whip://h:8080/whip", "whip://h:8080/whip?key=a%26b"),
        ("https://h/whip?room=1", "https://h/whip?room=1&key=a%26b"),
        ("srt://h:8890", "srt://h:8890?streamid=a%26b"),
        ("srt://h:8890?latency=200", "srt://h:8890?latency=200&streamid=a%26b"),
    ],
)
def test_the_key_stands_where_the_protocol_has_it(server: str, url: str) -> None:
    assert with_key(server, "a&b") == url
    target = parse_target(url, {})
    assert "a&b" not in target.shown
    assert "a%26b" not in target.shown
    if isinstance(target, WhipTarget):
        assert target.token == "a&b"
    if isinstance(target, SrtTarget):
        assert target.settings.stream_id == "a&b"


def test_the_answers_become_a_profile_that_push_takes(tmp_path: Path) -> None:
    path = tmp_path / "push.toml"
    environment = {"GAMECAST_PUSH_PROFILES": str(path), "DISPLAY": ""}
    answers = "127.0.0.1\nrtmp://127.0.0.1:1\nS3CRET\nrtmp://127.0.0.1:1/live\nS3CRET\n9\n0\nn\n"
    done = CliRunner().invoke(app, ["setup", "--profile", "mine"], input=answers, env=environment)
    assert done.exit_code == 0, done.output
    assert "S3CRET" not in done.output
    assert tomllib.loads(path.read_text()) == {
        "mine": {"test": True, "destinations": ["rtmp://127.0.0.1:1/live/S3CRET"]}
    }
    done = CliRunner().invoke(app, ["push", "--profile", "mine", "--dry-run"], env=environment)
    assert done.exit_code == 0, done.output
    assert "rtmp://127.0.0.1:1/live/****" in done.output
