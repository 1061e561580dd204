"""How many WHEP viewers one core carries, at what cost and delay.

``python -m benchmarks.whep_fanout --viewers 50,100,200 --seconds 10``

``gamecast serve`` runs alone on one core; all viewers are one process on another core; this process
publishes. Every viewer is a full ICE and DTLS peer and checks the sequence number of every packet;
every tenth decrypts, too, and measures the delay from the publisher's write to the kernel's
time stamp of the last packet of a picture. Stops at the first step that lost something.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import cryptography
import uvloop

from benchmarks.whep_feed import Feed, FeedSettings
from gamecast import __version__

_SETTINGS = {"GAMECAST_AUTH__PUBLISH": "open"}
_SETTLE_SECONDS = 3.0
"""From the last join to the measurement: longer than a group, which a join is caught up on."""
_JOIN_PATIENCE = 120.0
_FULL_SECONDS = 0.25
"""With a median delay above this the core does not keep up."""
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(slots=True)
class Cpu:
    """A process's use of processors so far, seconds."""

    user: float
    system: float
    waited: float
    """Ready to run, but another process had the core."""

    @classmethod
    def of(cls, pid: int) -> Cpu:
        """All threads of a process."""
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
        waited = int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
        return cls(int(fields[11]) / _TICKS, int(fields[12]) / _TICKS, waited)


class Program:
    """A child process on one core."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    @classmethod
    async def start(cls, core: int, *arguments: str, log: Path) -> Program:
        """This interpreter with arguments."""
        with log.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                "taskset", "-c", str(core), sys.executable, *arguments,
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=output,
                env={**os.environ, **_SETTINGS},
            )  # fmt: skip
        return cls(process)

    async def ask(self, command: dict[str, float], within: float) -> dict[str, Any]:
        """One JSON line there, one back."""
        stdin, stdout = self.process.stdin, self.process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps(command).encode() + b"\n")
        async with asyncio.timeout(within):
            line = await stdout.readline()
        if not line:
            raise RuntimeError("the viewers' process has ended")
        answer: dict[str, Any] = json.loads(line)
        return answer

    async def stop(self) -> None:
        """SIGTERM and wait."""
        if self.process.returncode is None:
            self.process.terminate()
        await self.process.communicate()


async def _ready(data: Path, server: Program) -> dict[str, str]:
    path = data / "ready.json"
    while not path.exists():
        if server.process.returncode is not None:
            raise RuntimeError("the server did not start")
        await asyncio.sleep(0.05)
    found: dict[str, str] = json.loads(path.read_text())
    return found


async def _step(server: Program, audience: Program, viewers: int, seconds: float) -> dict[str, Any]:
    joined = await audience.ask({"grow": viewers}, _JOIN_PATIENCE)
    await asyncio.sleep(_SETTLE_SECONDS)
    before, began = Cpu.of(server.process.pid), time.monotonic()
    counted = await audience.ask({"measure": seconds}, seconds * 3 + 10)
    after, took = Cpu.of(server.process.pid), time.monotonic() - began
    user, system = after.user - before.user, after.system - before.system
    return {
        **counted,
        "failed": joined["failed"],
        "joins_took": joined["took"],
        "server_user": user / took,
        "server_system": system / took,
        "server_waited": (after.waited - before.waited) / took,
    }


def _limit(result: dict[str, Any]) -> str:
    if result["lost"] or result["forged"] or result["pictures_missing"]:
        return "something was lost"
    if result["failed"]:
        return "viewers did not connect"
    return "the server's core is full" if result["delays"]["50"] > _FULL_SECONDS else ""


def _line(result: dict[str, Any]) -> str:
    viewers, seconds = result["viewers"], result["seconds"]
    cpu = result["server_user"] + result["server_system"]
    delays = [f"{result['delays'][share] * 1000:6.1f}" for share in ("50", "95", "99")]
    return " ".join(
        [
            f"{viewers:7d} {cpu * 100:6.1f} {result['server_user'] * 100:6.1f}",
            f"{result['server_system'] * 100:6.1f} {result['server_waited'] * 100:6.1f}",
            f"{cpu * 100 / max(viewers, 1):9.3f} {result['bytes'] * 8 / seconds / 1e9:7.2f}",
            f"{result['datagrams'] / seconds:9.0f} {result['lost']:6d}",
            f"{result['pictures_missing']:6d}",
            *delays,
            f"{result['cpu'] * 100:7.0f}",
        ]
    )


_HEAD = (
    "viewers   cpu%  user%   sys%  wait% cpu%/view   Gbit packets/s   lost nopict"
    "    p50    p95    p99 clients%"
)


async def run(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """All steps; prints as it goes."""
    server_core, client_core = arguments.cores
    folder = Path(tempfile.mkdtemp(prefix="whep-fanout-"))
    results: list[dict[str, Any]] = []
    serve = [
        "-m", "gamecast", "serve", "--data-dir", str(folder), "--host", "127.0.0.1",
        "--http-port", "0", "--rtmp-port", "0", "--srt-port", "0", "--ice-port", "0",
    ]  # fmt: skip
    server = await Program.start(server_core, *serve, log=folder / "server.log")
    publisher: asyncio.Task[None] | None = None
    audience: Program | None = None
    try:
        ready = await _ready(folder, server)
        _say(f"server pid {server.process.pid}, log in {folder}")
        settings = FeedSettings(bitrate=arguments.bitrate, fps=arguments.fps)
        publisher = asyncio.create_task(Feed(settings).run(f"{ready['rtmp']}/live/bench"))
        await asyncio.sleep(settings.group_seconds)
        url = f"{ready['http']}/live/bench/whep"
        audience = await Program.start(
            client_core, "-m", "benchmarks.whep_audience", url, log=folder / "audience.log"
        )
        _say(_HEAD)
        for viewers in arguments.viewers:
            if publisher.done():
                publisher.result()
            results.append(await _step(server, audience, viewers, arguments.seconds))
            _say(_line(results[-1]))
            if limit := _limit(results[-1]):
                _say(f"stopped: {limit}")
                break
    finally:
        if publisher is not None:
            publisher.cancel()
        for program in (audience, server):
            if program is not None:
                await program.stop()
    return results


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--viewers", type=_numbers, default=[50, 100, 200, 300, 400, 500, 600])
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--bitrate", type=int, default=6_000_000)
    parser.add_argument("--fps", type=int, default=60)
    parser.add_argument("--cores", type=_numbers, default=[0, 1], help="server's, viewers'")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    arguments = parser.parse_args()
    _say(
        f"gamecast {__version__}, Python {platform.python_version()}, uvloop"
        f" {version('uvloop')}, cryptography {cryptography.__version__}, Linux"
        f" {platform.release()}, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    )
    results = uvloop.run(run(arguments))
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
