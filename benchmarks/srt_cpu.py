"""Processor time per SRT publisher and player of 6 Mbit/s, beside ``srt-live-transmit``.

python -m benchmarks.srt_cpu --repeat 3 --publishers 10,50 --write
"""

from __future__ import annotations

import argparse
import contextlib
import json
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import imageio_ffmpeg

from benchmarks import machine, urgent
from benchmarks.srt_end import HOST, udp_socket
from benchmarks.srt_impairment import RESULTS, free_port
from gamecast.bench.cpu import waiting_seconds

START, END = "<!-- cpu -->", "<!-- end of cpu -->"
CLIP_SECONDS = 20.0
_SETTLE = 3.0
PASSPHRASE = "correct-horse-battery"
URL = "#!::r=live/bench0,m=%s,s=open"


@dataclass(slots=True, frozen=True, kw_only=True)
class Used:
    """What a server took in a measured time."""

    cpu: float
    """Share of a core."""
    waited: float
    """Share of the time in which it wanted the core and had none."""
    lost: int = 0
    """Packets that the server gave up."""


def clip(folder: Path) -> Path:
    """20 s of 6 Mbit/s at 60 frames a second, H.264 and AAC."""
    path = folder / "clip.ts"
    rate = ["-b:v", "5.6M", "-minrate", "5.6M", "-maxrate", "5.6M", "-bufsize", "1M"]
    subprocess.run(
        [
            *(imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-y"),
            *("-f", "lavfi", "-i", "testsrc2=s=1280x720:r=60", "-f", "lavfi", "-i", "sine=440"),
            *("-t", str(CLIP_SECONDS), "-c:v", "libx264", "-preset", "ultrafast", "-g", "120"),
            *("-tune", "zerolatency", *rate, "-x264-params", "nal-hrd=cbr"),
            *("-c:a", "aac", "-b:a", "128k", str(path)),
        ],
        check=True,
        timeout=120,
    )
    return path


@contextlib.contextmanager
def gamecast_server(folder: Path, passphrase: str) -> Iterator[tuple[int, int, str]]:
    """Process id, SRT port and HTTP address."""
    folder.mkdir()
    log = folder / "gamecast.log"
    options = [f"--{name}-port=0" for name in ("http", "rtmp", "srt", "ice")]
    arguments = machine.gamecast("serve", "--data-dir", folder, "--host", HOST, *options)
    settings = {"GAMECAST_AUTH__PUBLISH": "open", "GAMECAST_SRT__PASSPHRASE": passphrase}
    with urgent.program(arguments, log, core=machine.SERVER_CORE, env=settings) as child:
        machine.wait_for(folder / "ready.json", child, log)
        ready = json.loads((folder / "ready.json").read_text())
        yield child.pid, int(ready["srt"].rpartition(":")[2]), ready["http"]


def cpu_seconds(pid: int) -> float:
    """On a core so far, all threads that still live; to the nanosecond, not to the tick."""
    total = 0
    for path in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        total += int(path.read_text().split()[0])
    return total / 1e9


def observe(pid: int, seconds: float) -> Used:
    """Watch a process."""
    cpu, waited, at = cpu_seconds(pid), waiting_seconds(pid), time.monotonic()
    time.sleep(seconds)
    elapsed = time.monotonic() - at
    return Used(
        cpu=(cpu_seconds(pid) - cpu) / elapsed,
        waited=(waiting_seconds(pid) - waited) / elapsed,
    )


class Bench:
    """The cases, one after the other on the same machine."""

    def __init__(self, folder: Path, seconds: float) -> None:
        self._folder = folder
        self._seconds = min(seconds, CLIP_SECONDS - _SETTLE - 3)
        self._clip = clip(folder)
        self._count = 0
        self.sink = udp_socket()
        """Where what is played ends; nobody reads it."""

    def _folder_for(self, name: str) -> Path:
        self._count += 1
        return self._folder / f"{name}{self._count}"

    @contextlib.contextmanager
    def _load(self, port: int, publishers: int = 1, passphrase: str = "") -> Iterator[None]:
        arguments: list[str | Path] = [
            *(sys.executable, "-m", "benchmarks.srt_load", self._clip, "--port", str(port)),
            *("--publishers", str(publishers), "--seconds", str(CLIP_SECONDS)),
            *("--passphrase", passphrase),
        ]
        log = self._folder_for("load")
        with urgent.program(arguments, log, core=machine.LOAD_CORE) as child:
            deadline = time.monotonic() + 30
            while b"connected" not in log.read_bytes():
                if child.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(log.read_text())
                time.sleep(0.05)
            time.sleep(_SETTLE)
            yield
            if child.poll() not in (None, 0):
                raise RuntimeError(log.read_text())

    def _transmit(
        self, source: str, target: str, core: int
    ) -> contextlib.AbstractContextManager[subprocess.Popen[bytes]]:
        arguments: list[str | Path] = ["srt-live-transmit", "-q", "-chunk:1456", source, target]
        return urgent.program(arguments, self._folder / "slt.log", core=core)

    @property
    def _sink_url(self) -> str:
        return f"udp://{HOST}:{self.sink.getsockname()[1]}"

    def libsrt_publish(self, passphrase: str) -> Used:
        """srt-live-transmit listens, one publisher comes."""
        port = free_port()
        secret = f"&passphrase={passphrase}" if passphrase else ""
        source = f"srt://{HOST}:{port}?mode=listener{secret}"
        with self._transmit(source, self._sink_url, machine.SERVER_CORE) as child:
            time.sleep(0.5)
            with self._load(port, passphrase=passphrase):
                return observe(child.pid, self._seconds)

    def libsrt_play(self, passphrase: str) -> Used:
        """srt-live-transmit takes UDP and serves one SRT player."""
        port, udp = free_port(), free_port()
        secret = f"&passphrase={passphrase}" if passphrase else ""
        listening = f"srt://{HOST}:{port}?mode=listener{secret}"
        playing = f"srt://{HOST}:{port}?mode=caller{secret}"
        feed: list[str | Path] = [
            *(imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-re"),
            *("-i", self._clip, "-c", "copy", "-f", "mpegts", f"udp://{HOST}:{udp}?pkt_size=1316"),
        ]
        with self._transmit(f"udp://{HOST}:{udp}", listening, machine.SERVER_CORE) as child:
            time.sleep(0.5)
            log = self._folder / "feed.log"
            with (
                self._transmit(playing, self._sink_url, machine.LOAD_CORE),
                urgent.program(feed, log, core=machine.LOAD_CORE),
            ):
                time.sleep(_SETTLE)
                return observe(child.pid, self._seconds)

    def publish(self, passphrase: str, publishers: int = 1) -> Used:
        """Our server with publishers and no viewer."""
        with gamecast_server(self._folder_for("serve"), passphrase) as (pid, port, http):
            with self._load(port, publishers, passphrase):
                used = observe(pid, self._seconds)
                lost = self._lost(http, publishers)
            return Used(cpu=used.cpu, waited=used.waited, lost=lost)

    def play(self, passphrase: str) -> Used:
        """What one SRT player adds to our server."""
        secret = f"&passphrase={passphrase}" if passphrase else ""
        with gamecast_server(self._folder_for("serve"), passphrase) as (pid, port, _):
            playing = f"srt://{HOST}:{port}?mode=caller&streamid={URL % 'request'}{secret}"
            with self._load(port, 1, passphrase):
                before = observe(pid, self._seconds / 2)
                with self._transmit(playing, self._sink_url, machine.LOAD_CORE):
                    time.sleep(1.5)
                    used = observe(pid, self._seconds / 2)
            return Used(cpu=used.cpu - before.cpu, waited=used.waited)

    @staticmethod
    def _lost(http: str, publishers: int) -> int:
        """Packets given up, all publishers together; all have to be on air."""
        with urllib.request.urlopen(f"{http}/api/v1/streams", timeout=10) as answer:
            streams = json.loads(answer.read())["items"]
        if len(streams) != publishers:
            raise RuntimeError(f"{len(streams)} of {publishers} are on air")
        with urllib.request.urlopen(f"{http}/metrics", timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        dropped = [line for line in lines if line.startswith("gamecast_srt_pkt_rcv_drop_total{")]
        return sum(round(float(line.rpartition(" ")[2])) for line in dropped)


HEAD = (
    "| what | CPU of one core | waited for the core | lost | to srt-live-transmit |\n"
    "|---|--:|--:|--:|--:|"
)


def run(bench: Bench, *, repeat: int, many: list[int]) -> list[str]:
    """All cases in turn, ``repeat`` times; the rows of the table."""
    cases: dict[str, Callable[[], Used]] = {}
    for secret, words in (("", ""), (PASSPHRASE, ", AES-128")):
        cases[f"srt-live-transmit: receives one{words}"] = partial(bench.libsrt_publish, secret)
        cases[f"Gamecast: one publisher{words}"] = partial(bench.publish, secret)
        cases[f"srt-live-transmit: serves one{words}"] = partial(bench.libsrt_play, secret)
        cases[f"Gamecast: one more player{words}"] = partial(bench.play, secret)
    found: dict[str, list[Used]] = {}
    for _ in range(repeat):
        for name, case in cases.items():
            found.setdefault(name, []).append(case())
            sys.stderr.write(f"{name}: {found[name][-1]}\n")
    for count in many:
        name = f"Gamecast: {count} publishers"
        found[name] = [bench.publish("", count)]
        sys.stderr.write(f"{name}: {found[name][-1]}\n")
    return _rows(found)


def _rows(found: dict[str, list[Used]]) -> list[str]:
    rows = [HEAD]
    theirs = 0.0
    for name, runs in found.items():
        cpus = [used.cpu * 100 for used in runs]
        middle = statistics.median(cpus)
        ratio = ""
        if name.startswith("srt-live"):
            theirs = middle
        elif len(runs) > 1 or "one" in name:
            ratio = f"{middle / theirs:.1f}"
        spread = f" ({min(cpus):.1f}–{max(cpus):.1f})" if len(cpus) > 1 else ""
        waited = max(used.waited for used in runs) * 100
        lost = sum(used.lost for used in runs)
        rows.append(f"| {name} | {middle:.1f} %{spread} | {waited:.0f} % | {lost} | {ratio} |")
    return rows


def main() -> int:
    """Run, print, and with ``--write`` keep the table under ``docs/``."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--publishers", default="10,50", help="also so many at once")
    parser.add_argument("--write", action="store_true", help=f"into {RESULTS.name}")
    options = parser.parse_args()
    if shutil.which("srt-live-transmit") is None:
        parser.error("srt-live-transmit is not installed")
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(1))  # and end the children
    urgent.make_urgent()
    many = [int(word) for word in options.publishers.split(",") if word]
    with tempfile.TemporaryDirectory() as folder:
        rows = run(Bench(Path(folder), options.seconds), repeat=options.repeat, many=many)
    table = "\n".join(rows)
    sys.stdout.write(f"{machine.describe()}\n\n{table}\n")
    if options.write:
        text = RESULTS.read_text("utf-8")
        before, rest = text.split(START)
        _, after = rest.split(END)
        load = f"load average {machine.load_average():.1f}"
        about = (
            f"{datetime.now(UTC):%Y-%m-%d}, {machine.describe()}, {load}; {options.repeat} runs."
        )
        RESULTS.write_text(f"{before}{START}\n{about}\n\n{table}\n{END}{after}", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
