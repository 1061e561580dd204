"""The shape of the project, held by the test command: layers, sizes, names, no loose ends."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ["src", "tests", "benchmarks", "examples", "scripts", "fuzz"]
SOURCES = sorted(
    path
    for folder in FOLDERS
    for path in (ROOT / folder).rglob("*.py")
    if "__pycache__" not in path.parts
)
PURE = ["amf", "media", "protocols", "packaging"]
MOST_LINES = 450
VAGUE_NAMES = {"utils", "util", "common", "helpers", "helper", "misc", "stuff"}
UNFINISHED = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")


def relative(path: Path) -> str:
    """How a failure names a file."""
    return path.relative_to(ROOT).as_posix()


def test_layers_import_only_what_they_may() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=100
    )
    assert done.returncode == 0, done.stdout


def test_files_are_short_enough_to_read() -> None:
    lengths = {relative(path): len(path.read_text("utf-8").splitlines()) for path in SOURCES}
    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES} == {}


def test_files_are_named_for_what_they_do() -> None:
    assert [relative(path) for path in SOURCES if path.stem in VAGUE_NAMES] == []


def test_nothing_is_marked_unfinished() -> None:
    marked = [
        f"{relative(path)}:{number}"
        for path in SOURCES
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if UNFINISHED.search(line)
    ]
    assert marked == []


@pytest.mark.parametrize("folder", PURE)
def test_pure_folders_have_no_clock_and_no_randomness_of_their_own(folder: str) -> None:
    """Beside what import-linter forbids: time and randomness are arguments there."""
    forbidden = {"random", "secrets", "select", "selectors", "multiprocessing"}
    found = [
        f"{relative(path)}: {name}"
        for path in sorted((ROOT / "src" / "gamecast" / folder).rglob("*.py"))
        for name in imported(path)
        if name.split(".")[0] in forbidden
    ]
    assert found == []


def imported(path: Path) -> list[str]:
    """The absolute names of every module that a file imports."""
    names = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.append(node.module)
    return names


def test_no_path_of_a_machine_is_committed() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode != 0:
        pytest.skip("this is no git work tree")
    machine = re.compile(rb"/(root|home/[a-z]+)/|" + re.escape(f"{ROOT}/".encode()))
    files = [ROOT / name for name in listed.stdout.split("\0") if name]
    found = [
        relative(path) for path in files if path.is_file() and machine.search(path.read_bytes())
    ]
    assert found == []


def test_the_server_starts_without_ffmpeg_s_libraries() -> None:
    """PyAV is a quarter of a small server's memory; only worker processes need it."""
    program = "import sys, gamecast.cli.serving; sys.exit('av' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_nothing_runs_a_shell() -> None:
    """Programs get lists of arguments: no text of anybody's becomes a command."""
    shells = {"system", "popen", "getoutput", "getstatusoutput", "create_subprocess_shell"}
    found = [
        f"{relative(path)}:{node.lineno}"
        for path in sorted((ROOT / "src").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and runs_a_shell(node, shells)
    ]
    assert found == []


def runs_a_shell(call: ast.Call, shells: set[str]) -> bool:
    """``os.system`` and its like, or ``shell=`` with anything but a plain ``False``."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    given = [word.value for word in call.keywords if word.arg == "shell"]
    off = all(isinstance(value, ast.Constant) and value.value is False for value in given)
    return name in shells or not off
