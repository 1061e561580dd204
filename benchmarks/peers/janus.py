"""Janus with its streaming plugin, as Debian packages it: RTP in, WebRTC out."""

from __future__ import annotations

import contextlib
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

from benchmarks import machine
from benchmarks.contender import Contender, first_line
from benchmarks.servers import Running
from gamecast.bench.publish_rtp import AUDIO_TYPE, VIDEO_TYPE

_GENERAL = """
general: {{
  configs_folder = "{folder}"
  plugins_folder = "{modules}/plugins"
  transports_folder = "{modules}/transports"
  events_folder = "{folder}"
  loggers_folder = "{folder}"
  debug_level = 3
  session_timeout = 0
}}
media: {{ ipv6 = false }}
nat: {{
  ice_lite = true
  full_trickle = false
  ice_enforce_list = "{interface}"
}}
plugins: {{ disable = "{plugins}" }}
transports: {{ disable = "{transports}" }}
"""
_HTTP = """
general: {{
  json = "compact"
  base_path = "/janus"
  http = true
  port = {http}
  ip = "127.0.0.1"
  https = false
}}
admin: {{ admin_http = false }}
"""
_STREAMING = """
bench: {{
  type = "rtp"
  id = 1
  media = (
    {{ type = "video", mid = "0", label = "v", port = {video}, pt = {video_type}, codec = "h264",
       fmtp = "profile-level-id=42e01f;packetization-mode=1", iface = "127.0.0.1" }},
    {{ type = "audio", mid = "1", label = "a", port = {audio}, pt = {audio_type}, codec = "opus",
       iface = "127.0.0.1" }}
  )
}}
"""
_NEEDED = {"libjanus_streaming.so", "libjanus_http.so"}


def _modules() -> Path | None:
    return next(iter(Path("/usr/lib").glob("*/janus")), None)


def missing() -> str:
    """Why it cannot run here; empty if it can."""
    return "" if shutil.which("janus") and _modules() else "apt install janus"


@contextlib.contextmanager
def server(folder: Path) -> Iterator[Running]:
    """One process with the streaming plugin and the HTTP API alone."""
    modules = _modules()
    assert modules is not None
    ports = {"http": machine.free_port()}
    ports |= {name: machine.free_port(socket.SOCK_DGRAM) for name in ("video", "audio")}
    general = _GENERAL.format(
        folder=folder,
        modules=modules,
        interface="127.0.0.1",
        plugins=_others(modules / "plugins"),
        transports=_others(modules / "transports"),
    )
    (folder / "janus.jcfg").write_text(general)
    (folder / "janus.transport.http.jcfg").write_text(_HTTP.format(**ports))
    types = {"video_type": VIDEO_TYPE, "audio_type": AUDIO_TYPE}
    (folder / "janus.plugin.streaming.jcfg").write_text(_STREAMING.format(**ports, **types))
    log = folder / "janus.log"
    arguments: list[str | Path] = ["janus", "-F", folder, "-C", folder / "janus.jcfg"]
    with machine.program(arguments, core=machine.SERVER_CORE, log=log) as child:
        machine.wait_for_port(ports["http"], child, log)
        yield Running(
            pids=(child.pid,),
            publish_urls={"rtp": f"rtp://127.0.0.1:{ports['video']}?audio={ports['audio']}"},
            watch_urls={"janus": f"http://127.0.0.1:{ports['http']}/janus?stream=1"},
        )


def _others(folder: Path) -> str:
    return ",".join(sorted(path.name for path in folder.glob("*.so") if path.name not in _NEEDED))


CONTENDER = Contender(
    name="Janus",
    missing=missing,
    version=lambda: first_line("dpkg-query", "-W", "-f", "${Version}", "janus"),
    start=server,
    watch=frozenset({"janus"}),
    publish=frozenset(),
    has_own_network=False,  # libnice offers no loopback addresses
)
