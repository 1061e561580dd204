"""nginx-rtmp as a server for our client."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from tests.support.events import until
from tests.support.peers import require
from tests.support.process import Process

CONFIG = """
daemon off;
{user}
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log info;
load_module modules/ngx_rtmp_module.so;
events {{ worker_connections 64; }}
rtmp {{
  server {{
    listen 127.0.0.1:{port};
    application live {{ live on; wait_key on; wait_video on; }}
  }}
}}
"""


def free_port() -> int:
    """A port that was free a moment ago, for programs that cannot take one from the system."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def is_listening(port: int) -> bool:
    """Whether anyone accepts connections on ``port``."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Nginx:
    """Start it, then wait for ``ready``; the process is to be used as a context manager."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._log = folder / "error.log"
        config = folder / "nginx.conf"
        user = "user root;" if os.getuid() == 0 else ""
        config.write_text(CONFIG.format(folder=folder, port=self.port, user=user), "utf-8")
        self.process = Process(
            [
                *(require("nginx"), "-p", "/usr/share/nginx"),
                *("-c", config, "-e", self._log),
            ],
            log=folder / "nginx.log",
        )

    @property
    def log(self) -> str:
        """What the module has logged."""
        return self._log.read_text("utf-8") if self._log.exists() else ""

    async def ready(self) -> None:
        """Wait until it accepts connections."""

        def listening() -> bool:
            assert self.process.running, self.process.output + self.log
            return is_listening(self.port)

        await until(listening, "nginx to listen")
