"""The table of rules in README.md: every test that it names exists, and every rule has one."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent.parent
SOURCE = TESTS.parent / "src" / "gamecast"
README = (Path(__file__).parent / "README.md").read_text("utf-8")
ROWS = re.findall(r"^\| (R\d+) \| [^|]+ \| ([^|]+) \|$", README, re.MULTILINE)
WITHOUT_A_SUBJECT = {"R12", "R16", "R17"}


def test_every_rule_is_there() -> None:
    assert {rule for rule, _ in ROWS} | WITHOUT_A_SUBJECT == {f"R{n}" for n in range(1, 23)}


@pytest.mark.parametrize(("rule", "held_by"), ROWS, ids=[rule for rule, _ in ROWS])
def test_the_tests_of_a_rule_exist(rule: str, held_by: str) -> None:
    named = re.findall(r"`([^`]+)::(test_\w+)`", held_by)
    assert named
    for file, name in named:
        tree = ast.parse((TESTS / file).read_text("utf-8"))
        functions = [n for n in tree.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
        assert name in {function.name for function in functions}, f"{file}::{name}"


def imported_by_the_server() -> dict[str, set[str]]:
    """The modules that each file imports, for files that meet strangers' bytes."""
    folders = ("server", "protocols", "net", "media", "amf", "packaging", "relay", "store")
    found: dict[str, set[str]] = {}
    for path in (file for folder in folders for file in (SOURCE / folder).rglob("*.py")):
        names: set[str] = set()
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names.add(node.module)
        found[path.relative_to(SOURCE).as_posix()] = {name.split(".")[0] for name in names}
    return found


@pytest.mark.parametrize(
    ("rule", "modules"),
    [
        ("R12", {"httpx", "aiohttp", "requests", "urllib3", "httpcore"}),
        ("R16", {"nats", "redis", "kafka", "zmq"}),
        ("R17", {"jwt", "jose", "authlib", "jwcrypto"}),
    ],
)
def test_what_would_need_another_rule_is_not_there(rule: str, modules: set[str]) -> None:
    assert not [file for file, names in imported_by_the_server().items() if names & modules], rule


def test_nothing_of_a_peers_is_decompressed() -> None:
    """zlib is there for checksums (STUN's fingerprint), and for nothing else."""
    modules = {"gzip", "bz2", "lzma", "zipfile", "tarfile", "brotli", "zstandard"}
    files = imported_by_the_server()
    assert not [file for file, names in files.items() if names & modules]
    with_zlib = [SOURCE / file for file, names in files.items() if "zlib" in names]
    assert not [path for path in with_zlib if "decompress" in path.read_text("utf-8")]
