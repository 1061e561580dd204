"""nginx with its RTMP module, as Debian packages it: the peer for RTMP play."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks import machine
from benchmarks.contender import Contender, first_line
from benchmarks.servers import NAME, Running

_CONFIGURATION = """
load_module {module};
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
{user}
error_log {folder}/error.log;
events {{ worker_connections 16384; }}
rtmp {{
  access_log off;
  server {{
    listen 127.0.0.1:{port};
    chunk_size 60000;
    application live {{ live on; }}
  }}
}}
"""
_MODULE = Path("/usr/lib/nginx/modules/ngx_rtmp_module.so")


def missing() -> str:
    """Why it cannot run here; empty if it can."""
    found = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin")
    return "" if found and _MODULE.exists() else "apt install nginx libnginx-mod-rtmp"


@contextlib.contextmanager
def nginx_server(folder: Path) -> Iterator[Running]:
    """One worker on the server's core."""
    port = machine.free_port()
    user = "user root;" if os.getuid() == 0 else ""  # its worker has to write into our folder
    file = folder / "nginx.conf"
    file.write_text(_CONFIGURATION.format(module=_MODULE, folder=folder, port=port, user=user))
    arguments: list[str | Path] = [
        "/usr/sbin/nginx",
        "-p",
        folder,
        "-c",
        file,
        "-e",
        folder / "error.log",
    ]
    with machine.program(arguments, core=machine.SERVER_CORE, log=folder / "nginx.log") as child:
        machine.wait_for(folder / "nginx.pid", child, folder / "nginx.log")
        machine.wait_for_port(port, child, folder / "nginx.log")
        workers = Path(f"/proc/{child.pid}/task/{child.pid}/children")
        while not (children := workers.read_text().split()):
            time.sleep(0.005)
        url = f"rtmp://127.0.0.1:{port}/live/{NAME}{{n}}"
        yield Running(
            pids=tuple(int(pid) for pid in children),
            publish_urls={"rtmp": url},
            watch_urls={"rtmp": url},
        )


CONTENDER = Contender(
    name="nginx-rtmp",
    missing=missing,
    version=lambda: first_line("/usr/sbin/nginx", "-v").rpartition("/")[2],
    start=nginx_server,
    watch=frozenset({"rtmp"}),
    publish=frozenset({"rtmp"}),
)
