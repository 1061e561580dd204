"""The command line in this process, on a data directory of the test's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gamecast.cli.main import app

Run = Callable[..., Result]


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """Where the commands of ``run`` keep their data; not there yet."""
    return tmp_path / "data"


@pytest.fixture
def run(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command as the user would type it. Checks the exit status; 0 unless told."""
    monkeypatch.setenv("GAMECAST_SERVER__DATA_DIR", str(data_dir))

    def invoke(*arguments: str, status: int = 0) -> Result:
        result = CliRunner().invoke(app, list(arguments), prog_name="gamecast")
        assert result.exit_code == status, (result.output, result.exception)
        return result

    return invoke
