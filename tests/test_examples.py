"""The examples work as they stand."""

from __future__ import annotations

import configparser
import subprocess
import sys
from pathlib import Path

import pytest

from gamecast.server.config_load import load_config
from tests.support import ffmpeg, judge
from tests.support.clips import Clip, ClipShelf
from tests.support.gamecast import GamecastServer
from tests.support.peers import require

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"


def run_example(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """The finished example."""
    command = [sys.executable, str(EXAMPLES / name), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.interop
def test_flv_to_mp4_keeps_every_access_unit(clips: ClipShelf, tmp_path: Path) -> None:
    source = clips.get(Clip(seconds=3))
    flv, mp4 = tmp_path / "in.flv", tmp_path / "out.mp4"
    judge.run(require("ffmpeg"), "-v", "error", "-i", source, "-map", "0", "-c", "copy", flv)
    done = run_example("flv_to_mp4.py", flv, mp4)
    assert done.returncode == 0, done.stderr
    judge.assert_clean(mp4)
    assert judge.assert_slice(judge.units(mp4), judge.units(source), at_least=180) == 0


def test_flv_to_mp4_says_what_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "in.flv"
    path.write_bytes(b"no FLV at all")
    done = run_example("flv_to_mp4.py", path, tmp_path / "out.mp4")
    assert done.returncode == 1
    assert done.stderr.startswith(str(path))


@pytest.mark.interop
def test_on_air_names_a_stream(
    gamecast_server: GamecastServer, clips: ClipShelf, tmp_path: Path
) -> None:
    server = gamecast_server
    assert run_example("on_air.py", server.http, "--once").stdout == ""
    source = clips.get(Clip(fps=30, gop_seconds=1, seconds=6))
    with ffmpeg.publish(source, server.publish_url(), folder=tmp_path):
        server.wait_on_air()
        assert run_example("on_air.py", server.http, "--once").stdout.startswith("main is live")


def test_the_configuration_is_valid() -> None:
    config = load_config(EXAMPLES / "gamecast.toml", environ={})
    assert config.stream.max_bitrate == 12_000_000


def test_the_unit_starts_the_server_with_a_configuration() -> None:
    unit = configparser.ConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(EXAMPLES / "gamecast.service")
    assert unit["Service"]["ExecStart"].split()[1:3] == ["serve", "--config"]
