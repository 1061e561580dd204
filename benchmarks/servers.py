"""What is measured: our server, and the publishers that feed it or a peer."""

from __future__ import annotations

import contextlib
import json
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import machine

NAME = "bench"
GROUP_SECONDS = 2.0
RTP_STAMPS = ("--stamp-every", "6")
"""A stamp is a packet of its own over RTP, which encoders do not send with every picture."""
_PATIENCE = 60.0
_MANY = "60000"
"""All viewers come from one address, as they never do."""


@dataclass(slots=True, frozen=True, kw_only=True)
class Running:
    """A server that can be published to and watched. In all URLs ``{n}`` counts streams."""

    pids: tuple[int, ...]
    publish_urls: dict[str, str]
    """By protocol: rtmp, srt, whip, rtp."""
    watch_urls: dict[str, str]
    """By protocol, as ``gamecast bench watch --protocol`` calls it."""

    def watch_url(self, protocol: str, number: int = 1) -> str:
        """The first stream's, or another's."""
        return self.watch_urls[protocol].replace("{n}", str(number))


@dataclass(slots=True, frozen=True, kw_only=True)
class Feed:
    """What the load publishes."""

    protocol: str = "rtmp"
    count: int = 1
    bitrate: float = 6.0
    fps: int = 60
    audio: str = "aac"
    extra: tuple[str, ...] = field(default=())


@contextlib.contextmanager
def gamecast_server(folder: Path) -> Iterator[Running]:
    """``gamecast serve`` on its core and ports of the system's choice."""
    log = folder / "gamecast.log"
    options = [f"--{name}-port=0" for name in ("http", "rtmp", "srt", "ice")]
    arguments = machine.gamecast("serve", "--data-dir", folder, "--host", "127.0.0.1", *options)
    settings = {
        "GAMECAST_AUTH__PUBLISH": "open",
        "GAMECAST_HTTP__MAX_CONNECTIONS": _MANY,
        "GAMECAST_HTTP__MAX_CONNECTIONS_PER_ADDRESS": _MANY,
        "GAMECAST_RTMP__MAX_CONNECTIONS": _MANY,
        "GAMECAST_RTMP__MAX_CONNECTIONS_PER_ADDRESS": _MANY,
        "GAMECAST_SRT__MAX_CONNECTIONS_PER_ADDRESS": _MANY,
        "GAMECAST_ICE__MAX_SESSIONS_PER_ADDRESS": _MANY,
    }
    with machine.program(arguments, core=machine.SERVER_CORE, log=log, env=settings) as child:
        machine.wait_for(folder / "ready.json", child, log)
        ready = json.loads((folder / "ready.json").read_text())
        http, rtmp, srt = ready["http"], ready["rtmp"], ready["srt"]
        name = f"{NAME}{{n}}"
        yield Running(
            pids=(child.pid,),
            publish_urls={
                "rtmp": f"{rtmp}/live/{name}",
                "srt": f"{srt}?streamid=publish:live/{name}",
                "whip": f"{http}/live/{name}/whip",
            },
            watch_urls={
                "flv": f"{http}/live/{name}.flv",
                "ts": f"{http}/live/{name}.ts",
                "rtmp": f"{rtmp}/live/{name}",
                "whep": f"{http}/live/{name}/whep",
                "ll-hls": f"{http}/live/{name}/index.m3u8",
                "srt": f"{srt}?streamid=read:live/{name}",
            },
        )


@contextlib.contextmanager
def publisher(server: Running, folder: Path, feed: Feed | None = None) -> Iterator[int]:
    """The load's publishers, on the other core, once their first group has been sent.

    Yields the process that they are.
    """
    feed = feed or Feed()
    url = server.publish_urls[feed.protocol]
    log = folder / "publish.log"
    arguments = machine.gamecast(
        "bench", "publish", url if feed.count > 1 else url.replace("{n}", "1"),
        "--count", str(feed.count), "--bitrate", str(feed.bitrate), "--fps", str(feed.fps),
        "--keyframe-interval", str(GROUP_SECONDS), "--audio", feed.audio, *feed.extra,
    )  # fmt: skip
    log.unlink(missing_ok=True)
    with machine.program(arguments, core=machine.LOAD_CORE, log=log) as child:
        _wait_until_publishing(child, log)
        time.sleep(GROUP_SECONDS + 0.5)
        if child.poll() is not None:
            raise RuntimeError(log.read_text()[-2000:])
        yield child.pid


def _wait_until_publishing(child: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while "publishing" not in log.read_text():
        if child.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"nothing is published: {log.read_text()[-2000:]}")
        time.sleep(0.05)
