"""What is measured: our server, and the publisher that feeds it or a peer."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks import machine

NAME = "bench"


@dataclass(slots=True, frozen=True, kw_only=True)
class Running:
    """A server that can be published to and watched."""

    pids: tuple[int, ...]
    publish_url: str
    watch_urls: dict[str, str]
    """By protocol."""


@contextlib.contextmanager
def gamecast_server(folder: Path) -> Iterator[Running]:
    """``gamecast serve`` on its core and ports of the system's choice."""
    log = folder / "gamecast.log"
    options = [f"--{name}-port=0" for name in ("http", "rtmp", "srt", "ice")]
    arguments = machine.gamecast("serve", "--data-dir", folder, "--host", "127.0.0.1", *options)
    settings = {
        "GAMECAST_AUTH__PUBLISH": "open",
        "GAMECAST_HTTP__MAX_CONNECTIONS_PER_ADDRESS": "20000",
        "GAMECAST_RTMP__MAX_CONNECTIONS_PER_ADDRESS": "20000",
    }
    with machine.program(arguments, core=machine.SERVER_CORE, log=log, env=settings) as child:
        machine.wait_for(folder / "ready.json", child, log)
        ready = json.loads((folder / "ready.json").read_text())
        yield Running(
            pids=(child.pid,),
            publish_url=f"{ready['rtmp']}/live/{NAME}",
            watch_urls={
                "flv": f"{ready['http']}/live/{NAME}.flv",
                "rtmp": f"{ready['rtmp']}/live/{NAME}",
            },
        )


@contextlib.contextmanager
def publisher(server: Running, folder: Path, *, bitrate: float = 6.0) -> Iterator[None]:
    """The load's publisher, on the other core."""
    arguments = machine.gamecast("bench", "publish", server.publish_url, "--bitrate", str(bitrate))
    with machine.program(arguments, core=machine.LOAD_CORE, log=folder / "publish.log") as child:
        time.sleep(4)  # it encodes its loop, and the server has to see a first group
        if child.poll() is not None:
            raise RuntimeError((folder / "publish.log").read_text())
        yield
