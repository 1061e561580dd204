"""How many WHEP viewers one core carries, at what cost and delay.

``python -m benchmarks.whep_fanout --viewers 50,100,200 --seconds 10``

``gamecast serve`` runs alone on one core; publisher and viewers are on another. Every viewer is a
full ICE and DTLS peer and the sequence number of every packet is checked; every tenth decrypts the
beginning of every picture, too, and measures the delay from the publisher's write to the kernel's
time stamp of the picture's last packet. Stops at the first step that lost something.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks import machine
from benchmarks.servers import RTP_STAMPS, Feed, gamecast_server, publisher
from gamecast.bench.results import WatchResult
from gamecast.bench.watch import WatchSettings, watch_steps

_FULL_SECONDS = 0.25
"""With a median delay above this the core does not keep up."""
_HEAD = (
    "viewers   cpu%  user%   sys%  wait% cpu%/view   Gbit/s   lost missed"
    "    p50    p95    p99  first clients%"
)


def measure(steps: list[int], seconds: float, feed: Feed) -> Iterator[WatchResult]:
    """One server, ever more viewers."""
    with tempfile.TemporaryDirectory(prefix="whep-fanout-") as name:
        folder = Path(name)
        with gamecast_server(folder) as running, publisher(running, folder, feed):
            settings = WatchSettings(
                viewers=steps[-1], seconds=seconds, settle_seconds=3, pids=running.pids
            )
            with machine.on_core(machine.LOAD_CORE):
                yield from watch_steps([running.watch_url("whep")], settings, steps)


def limit(result: WatchResult) -> str:
    """Why there is no use in going on; empty if there is."""
    if result.lost or result.forged or result.missed_frames:
        return "something was lost"
    if result.failed or result.closed:
        return "viewers were not served"
    return "the server's core is full" if result.delay[50] > _FULL_SECONDS else ""


def line(result: WatchResult) -> str:
    """One step as a row of the table."""
    cpu, kernel = result.cpu or 0.0, result.cpu_kernel or 0.0
    delays = " ".join(f"{result.delay.get(share, 0.0) * 1000:6.1f}" for share in (50, 95, 99))
    return (
        f"{result.viewers:7d} {cpu * 100:6.1f} {(cpu - kernel) * 100:6.1f} {kernel * 100:6.1f}"
        f" {(result.cpu_waiting or 0.0) * 100:6.1f} {(result.cpu_per_viewer or 0.0) * 100:9.3f}"
        f" {result.bits_per_second / 1e9:8.2f} {result.lost:6d} {result.missed_frames:6d}"
        f" {delays} {result.first_media.get(95, 0.0) * 1000:6.0f} {result.load_cpu * 100:7.0f}"
    )


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
    machine.use_cores(*arguments.cores)
    _say(f"{machine.describe()}; load average {machine.load_average():.1f}\n{_HEAD}")
    results = []
    feed = Feed(bitrate=arguments.bitrate / 1e6, fps=arguments.fps, audio="opus", extra=RTP_STAMPS)
    for result in measure(arguments.viewers, arguments.seconds, feed):
        results.append(result.as_dict())
        _say(line(result))
        if why := limit(result):
            _say(f"stopped: {why}")
            break
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n")


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
