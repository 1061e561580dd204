"""Who is measured, and where programs that no package manager installs are kept."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.servers import Running

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gamecast-bench"
"""Filled by ``scripts/bench-needs``."""
_PATIENCE = 20


@dataclass(slots=True, frozen=True, kw_only=True)
class Contender:
    """A server that the bench can start."""

    name: str
    missing: Callable[[], str]
    """Why it cannot run here; empty if it can."""
    version: Callable[[], str]
    start: Callable[[Path], AbstractContextManager[Running]]
    """On the server's core, with its files in a folder, ready to be published to."""
    watch: frozenset[str]
    """Protocols of viewers."""
    publish: frozenset[str]
    """Protocols of any number of publishers."""
    has_own_network: bool = True
    """Whether it runs where loopback is the only interface."""


def first_line(*command: str | Path) -> str:
    """What a program says of its version."""
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    lines = (done.stdout + done.stderr).strip().splitlines()
    return lines[0].strip() if lines else "unknown"
