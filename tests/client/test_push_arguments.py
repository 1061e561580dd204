from pathlib import Path

import pytest
from typer.testing import CliRunner

from gamecast.cli.main import app
from gamecast.cli.push_command import with_values


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (["--screen", "rtmp://h/a/k"], ["--screen=0", "rtmp://h/a/k"]),
        (["--screen", "1", "rtmp://h/a/k"], ["--screen=1", "rtmp://h/a/k"]),
        (["rtmp://h/a/k", "--screen"], ["rtmp://h/a/k", "--screen=0"]),
        (["--screen=2", "x.mp4"], ["--screen=2", "x.mp4"]),
        (["--camera", "x.mp4"], ["--camera=", "x.mp4"]),
        (["--camera", "Front Cam", "x.mp4"], ["--camera=Front Cam", "x.mp4"]),
        (["--camera", "--fps", "30", "x.mp4"], ["--camera=", "--fps", "30", "x.mp4"]),
        (["--test", "x.mp4"], ["--test", "x.mp4"]),
    ],
)
def test_values_may_be_left_out(given: list[str], meant: list[str]) -> None:
    assert with_values(given) == meant


def push(*arguments: str, profiles: Path | None = None) -> tuple[int, str]:
    environment = {"GAMECAST_PUSH_PROFILES": str(profiles)} if profiles else {}
    result = CliRunner().invoke(app, ["push", *arguments], env=environment)
    return result.exit_code, result.output


def test_a_dry_run_says_what_would_be_done(tmp_path: Path) -> None:
    recording = tmp_path / "a.mp4"
    status, output = push(
        *("--test", "--size", "320x180", "--fps", "25", "--bitrate", "700k", "--dry-run"),
        *("rtmp://127.0.0.1:1/live/S3CRET", str(recording)),
    )
    assert status == 0
    assert "libx264, 320x180 at 25 fps, 700 kbit/s" in output
    assert "rtmp://127.0.0.1:1/live/****" in output
    assert str(recording) in output
    assert "S3CRET" not in output
    assert not recording.exists()


PROFILE = """
[ranked]
test = true
size = "320x180"
keyframe-interval = 1.5
destinations = ["rtmp://127.0.0.1:1/live/S3CRET"]
"""


def test_a_profile_counts_where_the_command_line_says_nothing(tmp_path: Path) -> None:
    profiles = tmp_path / "push.toml"
    profiles.write_text(PROFILE)
    status, output = push("--profile", "ranked", "--dry-run", profiles=profiles)
    assert status == 0, output
    assert "320x180 at 30 fps" in output
    assert "keyframe every 1.5 s" in output
    assert "127.0.0.1:1/live/****" in output
    status, output = push(
        *("--profile=ranked", "--size", "160x90", "--dry-run", str(tmp_path / "b.mp4")),
        profiles=profiles,
    )
    assert status == 0, output
    assert "160x90" in output
    assert "b.mp4" in output
    assert "127.0.0.1" not in output


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[ranked]\nbitrrate = 3\n", "unknown key 'bitrrate'"),
        ("[casual]\n", "no profile 'ranked'"),
        ("[ranked]\ntest = true\nfps = 'many'\n", "not a frame rate"),
    ],
)
def test_mistakes_in_a_profile(tmp_path: Path, text: str, problem: str) -> None:
    profiles = tmp_path / "push.toml"
    profiles.write_text(text)
    status, output = push("--profile", "ranked", "a.mp4", profiles=profiles)
    assert status == 2
    assert problem in output
