from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from gamecast.cli.output import print_json, print_table, show_time


def test_columns_line_up(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("A", "LONGER", "LAST"), [("1", "x", "free text"), ("22", "yyyyyyyy", "")])
    assert capsys.readouterr().out == (
        "A   LONGER    LAST\n1   x         free text\n22  yyyyyyyy\n"
    )


def test_times_in_json_are_rfc_3339(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"at": datetime(2026, 11, 22, 12, 0, tzinfo=UTC), "title": "中"})
    out = capsys.readouterr().out
    assert json.loads(out) == {"at": "2026-11-22T12:00:00+00:00", "title": "中"}
    assert "中" in out
    with pytest.raises(TypeError):
        print_json(object())


def test_no_time_is_a_dash() -> None:
    assert show_time(None) == "-"
    assert show_time(datetime(2026, 11, 22, 12, 0, tzinfo=UTC)).startswith("2026-11-2")
