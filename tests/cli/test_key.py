from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

from tests.cli.conftest import Run
from tests.support.gamecast import command

KEY = r"gc_[a-z2-7]{32}"


def test_create_prints_the_key_and_nothing_else(run: Run, data_dir: Path) -> None:
    run("channel", "add", "main")
    done = subprocess.run(
        command("key", "create", "main", "--data-dir", data_dir),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(KEY + "\n", done.stdout)


def test_keys_are_listed_without_being_shown(run: Run) -> None:
    run("channel", "add", "main")
    key = run("key", "create", "main", "--label", "obs").stdout.strip()
    run("key", "create", "main", "--play")
    listed = run("key", "list", "main").stdout
    assert key not in listed
    header, first, second = listed.splitlines()
    assert header.split()[:4] == ["ID", "KEY", "FOR", "STATE"]
    assert first.split()[:3] == ["1", f"{key[:7]}…", "publish"]
    assert first.endswith("obs")
    assert second.split()[2] == "play"
    assert [item["scope"] for item in json.loads(run("key", "list", "main", "--json").stdout)] == [
        "publish",
        "play",
    ]


def test_a_key_is_revoked(run: Run) -> None:
    run("channel", "add", "main")
    first = run("key", "create", "main").stdout.strip()
    run("key", "create", "main")
    assert "2 keys" in run("key", "revoke", "main", status=1).stderr  # which?
    assert "key 1" in run("key", "revoke", "main", first[:7]).stdout
    assert "key 2" in run("key", "revoke", "main").stdout
    states = [
        item["revoked_at"] for item in json.loads(run("key", "list", "main", "--json").stdout)
    ]
    assert all(states)
    assert "no key" in run("key", "revoke", "main", "1", status=1).stderr


def test_all_keys_are_revoked(run: Run) -> None:
    run("channel", "add", "main")
    for _ in range(3):
        run("key", "create", "main")
    assert "3 keys" in run("key", "revoke", "main", "--all").stdout
    run("key", "revoke", "main", "1", "--all", status=2)
