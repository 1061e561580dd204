"""Node-Media-Server, from npm: the peer for HTTP-FLV and RTMP play."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

from benchmarks import machine
from benchmarks.contender import CACHE, Contender
from benchmarks.servers import NAME, Running

_FOLDER = CACHE / "node-media-server"
_PACKAGE = _FOLDER / "node_modules" / "node-media-server"
_START = """
process.chdir(require('path').dirname(process.argv[1])); // it writes a folder where it stands
const N = require('node-media-server'); new N(require(process.argv[1])).run()
"""


def missing() -> str:
    """Why it cannot run here; empty if it can."""
    if _node() is None:
        return "no node; apt install nodejs"
    return "" if _PACKAGE.is_dir() else "not installed: scripts/bench-needs"


def _node() -> str | None:
    """The system's, else the one that scripts/bench-needs found in .venv."""
    return shutil.which("node") or shutil.which(CACHE / "bin" / "node")


def version() -> str:
    """Of the package."""
    return str(json.loads((_PACKAGE / "package.json").read_text())["version"])


@contextlib.contextmanager
def server(folder: Path) -> Iterator[Running]:
    """One process, as its program starts it, but without TLS and API."""
    rtmp, http = machine.free_port(), machine.free_port()
    settings = {
        "bind": "127.0.0.1",
        "auth": {"play": False, "publish": False},
        "rtmp": {"port": rtmp},
        "http": {"port": http},
    }
    file, log = folder / "config.json", folder / "node.log"
    file.write_text(json.dumps(settings))
    environment = {"NODE_PATH": str(_FOLDER / "node_modules"), "NODE_ENV": "production"}
    arguments: list[str | Path] = [_node() or "node", "-e", _START, file]
    with machine.program(arguments, core=machine.SERVER_CORE, log=log, env=environment) as child:
        machine.wait_for_port(rtmp, child, log)
        machine.wait_for_port(http, child, log)
        name = f"{NAME}{{n}}"
        yield Running(
            pids=(child.pid,),
            publish_urls={"rtmp": f"rtmp://127.0.0.1:{rtmp}/live/{name}"},
            watch_urls={
                "rtmp": f"rtmp://127.0.0.1:{rtmp}/live/{name}",
                "flv": f"http://127.0.0.1:{http}/live/{name}.flv",
            },
        )


CONTENDER = Contender(
    name="Node-Media-Server",
    missing=missing,
    version=version,
    start=server,
    watch=frozenset({"flv", "rtmp"}),
    publish=frozenset({"rtmp"}),
)
