"""HTTP-FLV fan-out: one 6 Mbit/s, 60 fps stream to hundreds of viewers, the server on one core.

    python -m benchmarks.flv_fanout [--viewers 500] [--seconds 10]

Prints CPU per viewer, Gbit/s per core-second, the delay that the server adds and the groups that
viewers missed. The publisher sends each frame at its own time. Status 1 if anything was missed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from benchmarks import machine
from benchmarks.servers import Running, gamecast_server, publisher
from gamecast.bench.results import WatchResult
from gamecast.bench.watch import WatchSettings, watch

Server = Callable[[Path], AbstractContextManager[Running]]


def measure(
    protocol: str, *, viewers: int, seconds: float, server: Server = gamecast_server
) -> WatchResult:
    """One run against a server of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with server(folder) as running, publisher(running, folder):
            settings = WatchSettings(viewers=viewers, seconds=seconds, pids=running.pids)
            with machine.on_core(machine.LOAD_CORE):
                return watch([running.watch_url(protocol)], settings)


def report(result: WatchResult) -> list[str]:
    """The figures that issue 2 and issue 6 ask for."""
    cpu, each = result.cpu or 0.0, result.cpu_per_viewer or 0.0
    per_core = (result.bits_per_core_second or 0.0) / 1e9
    delay = ", ".join(f"p{p} {result.delay[p] * 1e3:.1f} ms" for p in (50, 95, 99))
    return [
        f"viewers              {result.viewers} ({result.closed} lost)",
        f"out                  {result.bits_per_second / 1e9:.2f} Gbit/s",
        f"server CPU           {cpu:.1%} of a core, {each:.3%} a viewer",
        f"per core-second      {per_core:.1f} Gbit/s",
        f"added delay          {delay}",
        f"first media          p95 {result.first_media[95] * 1e3:.1f} ms",
        f"frames checked       {result.frames}, missed {result.missed_frames}",
        f"groups missed        {result.missed_groups}",
        f"load's CPU           {result.load_cpu:.1%} of the other core",
        f"server without core  {result.cpu_waiting or 0.0:.1%} of the time",
    ]


def main() -> int:
    """Run once and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--viewers", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--protocol", choices=("flv", "rtmp"), default="flv")
    options = parser.parse_args()
    sys.stdout.write(f"{machine.describe()}; load average {machine.load_average():.1f}\n")
    result = measure(options.protocol, viewers=options.viewers, seconds=options.seconds)
    sys.stdout.write("\n".join([*report(result), ""]))
    return 1 if result.missed_groups or result.missed_frames or result.closed else 0


if __name__ == "__main__":
    sys.exit(main())
