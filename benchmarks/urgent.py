"""Programs that no neighbour delays: where a late end would look like a bad network."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

_PRIORITY = 5
"""Above that of the programs of ``machine``, which may be measured at the same time."""


def make_urgent() -> None:
    """This process, and what it starts with all its threads, goes before others (as root)."""
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(_PRIORITY))


@contextlib.contextmanager
def program(
    arguments: Sequence[str | Path],
    log: Path,
    *,
    core: int | None = None,
    env: Mapping[str, str] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """A child while the block lasts, on one core or on any."""
    pinned = ["taskset", "-c", str(core)] if core is not None else []
    with log.open("ab") as output:
        child = subprocess.Popen(
            [*pinned, *(str(argument) for argument in arguments)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, **(env or {})},
        )
    try:
        yield child
    finally:
        child.terminate()
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
