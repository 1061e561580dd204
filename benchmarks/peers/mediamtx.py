"""MediaMTX, a Go program: the peer for most protocols. From $PATH or ``scripts/bench-needs``."""

from __future__ import annotations

import contextlib
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

from benchmarks import machine
from benchmarks.contender import CACHE, Contender, first_line
from benchmarks.servers import NAME, Running

_CONFIGURATION = """
logLevel: warn
rtsp: false
moq: false
rtmpAddress: 127.0.0.1:{rtmp}
hlsAddress: 127.0.0.1:{hls}
hlsAlwaysRemux: true
hlsSegmentDuration: 2s
hlsPartDuration: 333ms
webrtcAddress: 127.0.0.1:{webrtc}
webrtcLocalUDPAddress: 127.0.0.1:{ice}
webrtcIPsFromInterfaces: false
webrtcAdditionalHosts: [127.0.0.1]
srtAddress: 127.0.0.1:{srt}
paths:
  all_others:
"""


def _program() -> str | None:
    return shutil.which("mediamtx") or shutil.which("mediamtx", path=str(CACHE / "bin"))


def missing() -> str:
    """Why it cannot run here; empty if it can."""
    return "" if _program() else "no mediamtx in $PATH, and Go's module proxy did not give it"


@contextlib.contextmanager
def server(folder: Path) -> Iterator[Running]:
    """One process; Go sees one core."""
    ports = {name: machine.free_port() for name in ("rtmp", "hls", "webrtc")}
    ports |= {name: machine.free_port(socket.SOCK_DGRAM) for name in ("ice", "srt")}
    file, log = folder / "mediamtx.yml", folder / "mediamtx.log"
    file.write_text(_CONFIGURATION.format(**ports))
    arguments: list[str | Path] = [_program() or "mediamtx", file]
    with machine.program(arguments, core=machine.SERVER_CORE, log=log) as child:
        for name in ("rtmp", "hls", "webrtc"):
            machine.wait_for_port(ports[name], child, log)
        host, name = "127.0.0.1", f"live/{NAME}{{n}}"
        yield Running(
            pids=(child.pid,),
            publish_urls={
                "rtmp": f"rtmp://{host}:{ports['rtmp']}/{name}",
                "srt": f"srt://{host}:{ports['srt']}?streamid=publish:{name}",
                "whip": f"http://{host}:{ports['webrtc']}/{name}/whip",
            },
            watch_urls={
                "rtmp": f"rtmp://{host}:{ports['rtmp']}/{name}",
                "whep": f"http://{host}:{ports['webrtc']}/{name}/whep",
                "ll-hls": f"http://{host}:{ports['hls']}/{name}/index.m3u8",
                "srt": f"srt://{host}:{ports['srt']}?streamid=read:{name}",
            },
        )


CONTENDER = Contender(
    name="MediaMTX",
    missing=missing,
    version=lambda: first_line(_program() or "mediamtx", "--version"),
    start=server,
    watch=frozenset({"rtmp", "whep", "ll-hls", "srt"}),
    publish=frozenset({"rtmp", "srt", "whip"}),
)
