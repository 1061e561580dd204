import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gamecast.cli.main import app
from gamecast.cli.setup import source_values
from gamecast.client.devices import Device
from gamecast.client.push.target import parse_target
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


def test_the_answers_become_a_profile_that_push_takes(tmp_path: Path) -> None:
    path = tmp_path / "push.toml"
    environment = {"GAMECAST_PUSH_PROFILES": str(path), "DISPLAY": ""}
    answers = "rtmp://127.0.0.1:1/live\nS3CRET\n0\nn\n"
    done = CliRunner().invoke(app, ["setup", "--profile", "mine"], input=answers, env=environment)
    assert done.exit_code == 0, done.output
    assert "S3CRET" not in done.output
    assert tomllib.loads(path.read_text()) == {
        "mine": {"test": True, "destinations": ["rtmp://127.0.0.1:1/live/S3CRET"]}
    }
    done = CliRunner().invoke(app, ["push", "--profile", "mine", "--dry-run"], env=environment)
    assert done.exit_code == 0, done.output
    assert "rtmp://127.0.0.1:1/live/****" in done.output
