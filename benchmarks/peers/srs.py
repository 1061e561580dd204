"""SRS, a C++ program: the peer for RTMP, HTTP-FLV and WebRTC. From $PATH or the bench's cache.

Its WebRTC viewers watch what came by WHIP: between RTMP and WebRTC it would have to convert sound.
"""

from __future__ import annotations

import contextlib
import resource
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

from benchmarks import machine
from benchmarks.contender import CACHE, Contender, first_line
from benchmarks.isolation import is_isolated
from benchmarks.servers import NAME, Running
from gamecast.bench.limits import raise_open_files_limit

_CONFIGURATION = """
listen 127.0.0.1:{rtmp};
max_connections {most};
daemon off;
srs_log_tank console;
srs_log_level_v2 warn;
pid {folder}/srs.pid;
work_dir {folder};
http_server {{
    enabled on;
    listen 127.0.0.1:{http};
    dir {folder};
}}
http_api {{
    enabled on;
    listen 127.0.0.1:{api};
}}
rtc_server {{
    enabled on;
    listen {ice};
    candidate 127.0.0.1;
    api_as_candidates off;
}}
vhost __defaultVhost__ {{
    tcp_nodelay on;
    min_latency on;
    play {{
        gop_cache on;
        queue_length 10;
        mw_latency 50;
    }}
    publish {{
        mr off;
    }}
    http_remux {{
        enabled on;
        mount [vhost]/[app]/[stream].flv;
    }}
    rtc {{
        enabled on;
    }}
}}
"""
"""What its documentation has for real time, but with the group of pictures that it keeps anyway.

It gathers for 50 ms, as we do at the most; with the 100 of its documentation few steps are good.
"""
_MOST, _RESERVED = 16384, 512
"""Connections; it does not start if they may be more than the files that it may open."""


def _program() -> str | None:
    """A program for mail has that name too, which is a script."""
    for path in (None, str(CACHE / "bin")):
        found = shutil.which("srs", path=path)
        if found and _is_binary(Path(found)):
            return found
    return None


def _is_binary(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def missing() -> str:
    """Why it cannot run here; empty if it can."""
    return "" if _program() else "no srs in $PATH, and no package manager has this one"


@contextlib.contextmanager
def server(folder: Path) -> Iterator[Running]:
    """One process, which is one thread for all viewers."""
    if not is_isolated():
        raise RuntimeError("it listens on all addresses: needs root, for a network of its own")
    raise_open_files_limit()
    most = min(_MOST, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - _RESERVED)
    ports = {name: machine.free_port() for name in ("rtmp", "http", "api")}
    ports["ice"] = machine.free_port(socket.SOCK_DGRAM)
    file, log = folder / "srs.conf", folder / "srs.log"
    file.write_text(_CONFIGURATION.format(folder=folder, most=most, **ports))
    arguments: list[str | Path] = [_program() or "srs", "-c", file]
    with machine.program(arguments, core=machine.SERVER_CORE, log=log) as child:
        for name in ("rtmp", "http", "api"):
            machine.wait_for_port(ports[name], child, log)
        name, api = f"{NAME}{{n}}", f"http://127.0.0.1:{ports['api']}/rtc/v1"
        yield Running(
            pids=(child.pid,),
            publish_urls={
                "rtmp": f"rtmp://127.0.0.1:{ports['rtmp']}/live/{name}",
                "whip": f"{api}/whip/?app=live&stream={name}",
            },
            watch_urls={
                "rtmp": f"rtmp://127.0.0.1:{ports['rtmp']}/live/{name}",
                "flv": f"http://127.0.0.1:{ports['http']}/live/{name}.flv",
                "whep": f"{api}/whep/?app=live&stream={name}",
            },
        )


CONTENDER = Contender(
    name="SRS",
    missing=missing,
    version=lambda: first_line(_program() or "srs", "-v"),
    start=server,
    watch=frozenset({"flv", "rtmp", "whep"}),
    publish=frozenset({"rtmp"}),
)
