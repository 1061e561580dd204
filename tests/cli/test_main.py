from __future__ import annotations

import json
import subprocess
import sys

import pytest

from gamecast import __version__
from gamecast.cli.main import COMMANDS
from tests.cli.conftest import Run
from tests.support.gamecast import command

HEAVY = ("sqlalchemy", "fastapi", "uvicorn", "av", "alembic", "gamecast.server.app")


def _modules_after(*arguments: str) -> set[str]:
    """What a command has imported when it ends."""
    code = (
        "import json, sys\n"
        f"sys.argv = ['gamecast', *{list(arguments)!r}]\n"
        "from gamecast.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return set(json.loads(done.stderr.splitlines()[-1]))


def test_the_version_is_one_line() -> None:
    done = subprocess.run(command("--version"), capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"gamecast {__version__}\n"


def test_no_command_at_all_shows_the_help(run: Run) -> None:
    assert "serve" in run(status=2).output


def test_the_help_names_every_command(run: Run) -> None:
    shown = run("--help").output
    assert all(name in shown for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_help_of_its_own(run: Run, name: str) -> None:
    shown = run(name, "--help").output
    assert f"gamecast {name}" in shown


def test_nothing_heavy_is_imported_to_say_the_version_or_help() -> None:
    for arguments in (("--version",), ("--help",), ("serve", "--help"), ("push", "--help")):
        assert not _modules_after(*arguments) & set(HEAVY), arguments


def test_a_command_imports_no_other(run: Run) -> None:
    loaded = _modules_after("key", "--help")
    assert "gamecast.cli.key" in loaded
    assert not {"gamecast.cli.push", "gamecast.cli.serve", "gamecast.cli.doctor"} & loaded


def test_an_unknown_command_or_option_is_a_usage_error(run: Run) -> None:
    assert "No such command" in run("sevre", status=2).stderr
    assert "--htttp-port" in run("serve", "--htttp-port", "1", status=2).stderr


def test_errors_are_a_line_on_stderr_without_a_traceback() -> None:
    done = subprocess.run(
        command("key", "create", "main", "--data-dir", "/nonexistent"),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("gamecast: ")
    assert done.stderr.count("\n") == 1
