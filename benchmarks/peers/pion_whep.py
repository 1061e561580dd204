"""A small WHIP and WHEP server of Pion's library (``pion/main.go``), built by bench-needs."""

from __future__ import annotations

import contextlib
import re
import socket
from collections.abc import Iterator
from pathlib import Path

from benchmarks import machine
from benchmarks.contender import CACHE, Contender
from benchmarks.servers import NAME, Running

_PROGRAM = CACHE / "bin" / "pion-whep"
_MODULE = Path(__file__).with_name("pion") / "go.mod"


def missing() -> str:
    """Why it cannot run here; empty if it can."""
    return "" if _PROGRAM.exists() else "not built: scripts/bench-needs, which needs Go"


def version() -> str:
    """Of the library."""
    found = re.search(r"pion/webrtc/v4 (v\S+)", _MODULE.read_text())
    return found[1] if found else "unknown"


@contextlib.contextmanager
def server(folder: Path) -> Iterator[Running]:
    """One process; all sessions share one UDP port."""
    http, ice = machine.free_port(), machine.free_port(socket.SOCK_DGRAM)
    log = folder / "pion.log"
    arguments: list[str | Path] = [
        _PROGRAM, "-http", f"127.0.0.1:{http}", "-ice", f"127.0.0.1:{ice}",
    ]  # fmt: skip
    with machine.program(arguments, core=machine.SERVER_CORE, log=log) as child:
        machine.wait_for_port(http, child, log)
        base = f"http://127.0.0.1:{http}/{NAME}{{n}}"
        yield Running(
            pids=(child.pid,),
            publish_urls={"whip": f"{base}/whip"},
            watch_urls={"whep": f"{base}/whep"},
        )


CONTENDER = Contender(
    name="Pion",
    missing=missing,
    version=version,
    start=server,
    watch=frozenset({"whep"}),
    publish=frozenset({"whip"}),
)
