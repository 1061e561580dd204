"""What a user installs: the built packages, the build hook, the lock files."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import hatch_build
import pytest

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ["requirements.lock", "requirements-dev.lock", "requirements-build.lock"]
NEEDED = [
    *("pyproject.toml", "hatch_build.py", "package.json", "package-lock.json", ".npmrc"),
    *("README.md", "LICENSE", ".gitignore", "src"),
]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what a build needs, with the web libraries that this work tree has."""
    target = tmp_path_factory.mktemp("tree")
    for name in NEEDED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, target / name)
    assert hatch_build.is_current(target), "make check builds the web libraries first"
    return target


def build(tree: Path, kind: str) -> Path:
    """Build a wheel or an sdist without a network and return it."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", kind, "--directory", "dist"]
    # A registry that answers nothing: a build that asks npm or pip for anything fails.
    env = {**os.environ, "npm_config_registry": "http://127.0.0.1:9/", "PIP_NO_INDEX": "1"}
    done = subprocess.run(
        command, cwd=tree, env=env, capture_output=True, text=True, check=False, timeout=100
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = (tree / "dist").glob({"wheel": "*.whl", "sdist": "*.tar.gz"}[kind])
    return built


@pytest.fixture(scope="module")
def wheel(tree: Path) -> set[str]:
    """The names of the files in the wheel."""
    with zipfile.ZipFile(build(tree, "wheel")) as archive:
        return set(archive.namelist())


def test_the_wheel_has_every_module_and_every_page(wheel: set[str]) -> None:
    source = ROOT / "src"
    expected = {
        path.relative_to(source).as_posix()
        for path in (source / "gamecast").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert expected - wheel == set()
    assert "gamecast/py.typed" in wheel


def test_the_wheel_has_the_web_libraries_and_their_licences(wheel: set[str]) -> None:
    wanted = json.loads((ROOT / "src/gamecast/web/vendor.json").read_text("utf-8"))
    for package, entry in wanted.items():
        for name in entry["files"].values():
            assert f"gamecast/web/vendor/{name}" in wheel
        assert any(
            name.startswith(f"gamecast/web/vendor/licenses/{package}.LICENSE") for name in wheel
        )


def test_the_sdist_builds_the_same_wheel_without_npm(
    tree: Path, wheel: set[str], tmp_path: Path
) -> None:
    with tarfile.open(build(tree, "sdist")) as archive:
        if hasattr(tarfile, "data_filter"):  # not in the 3.11.2 of Debian 12
            archive.extraction_filter = tarfile.data_filter
        archive.extractall(tmp_path)
    (unpacked,) = tmp_path.iterdir()
    assert hatch_build.is_current(unpacked)
    with zipfile.ZipFile(build(unpacked, "wheel")) as archive:
        assert set(archive.namelist()) == wheel


def test_a_changed_web_library_is_not_taken_for_the_right_one(tree: Path, tmp_path: Path) -> None:
    copy = tmp_path / "tree"
    shutil.copytree(tree, copy)
    assert not hatch_build.bring_in(copy), "nothing to fetch"
    script = next(hatch_build.vendor_folder(copy).glob("*.mjs"))
    script.write_bytes(script.read_bytes() + b"\n")
    assert not hatch_build.is_current(copy)


def test_without_npm_the_build_says_what_is_wrong(tree: Path, tmp_path: Path) -> None:
    copy = tmp_path / "tree"
    shutil.copytree(tree, copy, ignore=shutil.ignore_patterns("vendor", "dist"))
    env = {
        **os.environ,
        "npm_config_registry": "http://127.0.0.1:9/",
        "npm_config_cache": str(tmp_path / "npm"),
        "npm_config_fetch_retries": "0",
    }
    done = subprocess.run(
        [sys.executable, "hatch_build.py"],
        cwd=copy,
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: npm ci failed")
    assert "Is the npm registry reachable?" in done.stderr
    assert not hatch_build.vendor_folder(copy).exists()


def test_vendor_json_and_the_lock_must_agree(tree: Path, tmp_path: Path) -> None:
    copy = tmp_path / "tree"
    shutil.copytree(tree, copy, ignore=shutil.ignore_patterns("dist"))
    path = copy / "src/gamecast/web/vendor.json"
    wanted = json.loads(path.read_text("utf-8"))
    wanted["hls.js"]["version"] = "0.0.1"
    path.write_text(json.dumps(wanted), "utf-8")
    with pytest.raises(hatch_build.VendorError, match=r"hls\.js 0\.0\.1.*make lock"):
        hatch_build.read_wanted(copy)


@pytest.mark.parametrize("name", LOCKS)
def test_every_requirement_is_pinned_with_a_hash_and_no_host(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    entries = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    assert entries
    for entry in entries:
        first = entry.splitlines()[0]
        assert "==" in first, first
        assert "--hash=sha256:" in entry, first
    assert "://" not in text
    assert "--index-url" not in text
    assert "--find-links" not in text


def test_every_web_package_is_locked_by_hash_without_a_host() -> None:
    locked = json.loads((ROOT / "package-lock.json").read_text("utf-8"))["packages"]
    packages = {name: entry for name, entry in locked.items() if name}
    assert packages
    for name, entry in packages.items():
        assert entry["integrity"].startswith("sha512-"), name
        assert "resolved" not in entry, name


@pytest.mark.parametrize("name", LOCKS)
def test_the_lock_files_do_not_contradict_each_other(name: str) -> None:
    pins = pinned("requirements-dev.lock")
    for package, versions in pinned(name).items():
        assert versions == pins.get(package, versions), package


def pinned(lock: str) -> dict[str, list[str]]:
    """Every package of a lock file with its versions (more than one where Pythons differ)."""
    found: dict[str, list[str]] = {}
    for line in (ROOT / lock).read_text("utf-8").splitlines():
        if match := re.match(r"([a-z0-9][a-z0-9._-]*)(?:\[[^\]]*\])?==([^ ;\\]+)", line):
            found.setdefault(match[1], []).append(match[2])
    return found
