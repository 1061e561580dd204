from __future__ import annotations

import json
import re

import pytest

from tests.cli.conftest import Run


def test_a_token_is_printed_and_nothing_else(run: Run) -> None:
    result = run("token", "create", "--label", "grafana")
    assert re.fullmatch(r"gct_[a-z2-7]{32}\n", result.output)
    listed = run("token", "list").stdout
    assert result.stdout.strip() not in listed
    assert listed.splitlines()[1].split()[1:5] == [f"{result.stdout[:8]}…", "api", "in", "use"]
    assert listed.splitlines()[1].endswith("grafana")


def test_a_play_token_is_for_its_channel(run: Run) -> None:
    run("channel", "add", "main")
    run("token", "create", "--play", "main", "--expires", "90m")
    (token,) = json.loads(run("token", "list", "--json").stdout)
    assert (token["scope"], token["channel"]) == ("play", "main")
    assert token["expires_at"] > token["created_at"]
    assert "play main" in run("token", "list").stdout


def test_a_token_is_revoked(run: Run) -> None:
    token = run("token", "create").stdout.strip()
    assert token[:8] in run("token", "revoke", token[:8]).stdout
    assert "revoked" in run("token", "list").stdout
    run("token", "revoke", token[:8], status=1)


@pytest.mark.parametrize("time", ["", "5", "0h", "-1h", "1w", "1h30m", "9999999d", "soon"])
def test_a_time_must_be_one(run: Run, time: str) -> None:
    assert "--expires" in run("token", "create", "--expires", time, status=2).stderr
