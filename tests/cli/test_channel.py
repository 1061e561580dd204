from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.support.gamecast import command


def test_channels_are_added_listed_shown_and_removed(run: Run) -> None:
    assert "gamecast key create main" in run("channel", "add", "main").stdout
    run("channel", "add", "other", "--title", "Ünder 中")
    listed = run("channel", "list").stdout
    assert [line.split()[0] for line in listed.splitlines()] == ["NAME", "main", "other"]
    assert listed.splitlines()[2].endswith("Ünder 中")
    assert "Ünder 中" in run("channel", "show", "other").stdout
    run("channel", "remove", "main")
    assert "main" not in run("channel", "list").stdout


def test_json_is_for_programs(run: Run) -> None:
    run("channel", "add", "main", "--title", "Mine")
    key = run("key", "create", "main", "--label", "obs").stdout.strip()
    (channel,) = json.loads(run("channel", "list", "--json").stdout)
    assert (channel["name"], channel["title"]) == ("main", "Mine")
    shown = json.loads(run("channel", "show", "main", "--json").stdout)
    (listed,) = shown["keys"]
    assert (listed["hint"], listed["label"], listed["revoked_at"]) == (key[:7], "obs", None)
    assert key not in json.dumps(shown)


def test_a_title_can_be_changed(run: Run) -> None:
    run("channel", "add", "main")
    run("channel", "title", "main", "New title")
    assert "New title" in run("channel", "show", "main").stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("channel", "show", "nope"),
        ("channel", "remove", "nope"),
        ("channel", "title", "nope", "x"),
        ("channel", "add", "main"),
        ("channel", "add", "MAIN"),
        ("channel", "add", "a b"),
        ("channel", "add", "api"),
        ("key", "create", "nope"),
        ("key", "list", "nope"),
        ("key", "revoke", "main"),
        ("token", "create", "--play", "nope"),
        ("token", "revoke", "7"),
    ],
)
def test_what_cannot_be_done_is_one_line(run: Run, arguments: tuple[str, ...]) -> None:
    run("channel", "add", "main")
    result = run(*arguments, status=1)
    assert result.stdout == ""
    assert result.stderr.startswith("gamecast: ")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "arguments", [("channel", "list"), ("key", "create", "main"), ("token", "list")]
)
def test_a_mistyped_data_directory_is_not_made(
    run: Run, data_dir: Path, arguments: tuple[str, ...]
) -> None:
    assert "--data-dir" in run(*arguments, status=1).stderr
    assert not data_dir.exists()


def test_a_configuration_mistake_is_told_with_status_2(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "x.toml"
    file.write_text("[server]\ndata_dirr = 'x'\n")
    shown = run("channel", "list", "--config", str(file), status=2).stderr
    assert shown == (
        f"gamecast: {file}: unknown key server.data_dirr = 'x' (did you mean server.data_dir?)\n"
    )
    missing = run("channel", "list", "--config", str(tmp_path / "no.toml"), status=2).stderr
    assert "no.toml" in missing
    monkeypatch.setenv("GAMECAST_HTTP__PORT", "x")
    assert "GAMECAST_HTTP__PORT" in run("channel", "list", status=2).stderr


def test_the_option_wins_over_the_file(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "x.toml"
    file.write_text(f"[server]\ndata_dir = '{tmp_path}/from-file'\n")
    here = str(tmp_path / "from-option")
    run("channel", "add", "main", "--config", str(file), "--data-dir", here)
    assert (tmp_path / "from-option" / "gamecast.db").exists()
    assert not (tmp_path / "from-file").exists()


def test_removing_asks_on_a_terminal_only(data_dir: Path, run: Run) -> None:
    run("channel", "add", "main")
    done = subprocess.run(
        command("channel", "remove", "main", "--data-dir", data_dir),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (0, "Removed channel main.\n")


def test_a_no_on_the_terminal_removes_nothing(data_dir: Path, run: Run) -> None:
    import pty

    run("channel", "add", "main")

    def answer(yes: bytes) -> tuple[int, str]:
        leader, follower = pty.openpty()
        process = subprocess.Popen(
            command("channel", "remove", "main", "--data-dir", data_dir),
            stdin=follower,
            stdout=follower,
            stderr=follower,
        )
        with open(leader, "r+b", buffering=0) as terminal:  # noqa: PTH123 - a descriptor
            terminal.write(yes + b"\n")
            status = process.wait(60)
            import os

            os.close(follower)
            said = b""
            try:
                while chunk := terminal.read(1024):
                    said += chunk
            except OSError:  # how Linux says that the other end is closed
                pass
        return status, said.decode()

    status, said = answer(b"n")
    assert status == 1
    assert "Remove channel main" in said
    assert "main" in run("channel", "list").stdout
    assert answer(b"y")[0] == 0
    assert "main" not in run("channel", "list").stdout
