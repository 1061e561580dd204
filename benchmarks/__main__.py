"""``make bench``: the same work on us and on peers, interleaved, as a Markdown table.

make bench ARGS="--viewers 200 --repeat 3 --seconds 10 --write"
"""

from __future__ import annotations

import argparse
import statistics
import sys
from datetime import UTC, datetime
from pathlib import Path

import gamecast
from benchmarks import machine, nginx
from benchmarks.flv_fanout import Server, measure
from benchmarks.servers import gamecast_server
from gamecast.bench.results import WatchResult

RESULTS = Path(__file__).resolve().parent.parent / "docs" / "benchmarks" / "fanout.md"
_HEAD = (
    "| server | protocol | viewers | CPU per viewer | Gbit/s per core-second "
    "| delay p50 / p95 | first media p95 | missed groups |\n"
    "|---|---|--:|--:|--:|--:|--:|--:|"
)

Case = tuple[str, str, Server]


def cases() -> list[Case]:
    """Who is measured at what: each server at each protocol it serves."""
    found: list[Case] = [
        ("Gamecast", "flv", gamecast_server),
        ("Gamecast", "rtmp", gamecast_server),
    ]
    if reason := nginx.missing():
        sys.stderr.write(f"without nginx-rtmp: {reason}\n")
    else:
        found.append(("nginx-rtmp", "rtmp", nginx.nginx_server))
    return found


def run(*, viewers: int, seconds: float, repeat: int) -> dict[tuple[str, str], list[WatchResult]]:
    """All cases in turn, ``repeat`` times: what disturbs the machine disturbs all of them."""
    results: dict[tuple[str, str], list[WatchResult]] = {}
    for _ in range(repeat):
        for name, protocol, server in cases():
            sys.stderr.write(f"{name} {protocol} ...\n")
            result = measure(protocol, viewers=viewers, seconds=seconds, server=server)
            results.setdefault((name, protocol), []).append(result)
    return results


def table(results: dict[tuple[str, str], list[WatchResult]]) -> str:
    """Medians; of the CPU also the spread."""
    return "\n".join([_HEAD, *(_row(*case, runs) for case, runs in results.items())])


def _row(name: str, protocol: str, runs: list[WatchResult]) -> str:
    def median(values: list[float]) -> float:
        return statistics.median(values)

    cpus = [(run.cpu_per_viewer or 0.0) * 100 for run in runs]
    per_core = median([(run.bits_per_core_second or 0.0) / 1e9 for run in runs])
    p50, p95 = (median([run.delay[p] * 1e3 for run in runs]) for p in (50, 95))
    first = median([run.first_media[95] * 1e3 for run in runs])
    missed = sum(run.missed_groups for run in runs)
    return (
        f"| {name} | {protocol} | {runs[0].viewers} "
        f"| {median(cpus):.3f} % ({min(cpus):.3f}–{max(cpus):.3f}) | {per_core:.1f} "
        f"| {p50:.1f} / {p95:.1f} ms | {first:.1f} ms | {missed} |"
    )


def main() -> int:
    """Run, print, and with ``--write`` keep the table under ``docs/``."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--viewers", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--write", action="store_true", help=f"into {RESULTS.name}")
    options = parser.parse_args()
    results = run(viewers=options.viewers, seconds=options.seconds, repeat=options.repeat)
    text = table(results)
    sys.stdout.write(f"{machine.describe()}\n\n{text}\n")
    if options.write:
        RESULTS.parent.mkdir(parents=True, exist_ok=True)
        RESULTS.write_text(_document(text, options.seconds, options.repeat))
    return 0


def _document(text: str, seconds: float, repeat: int) -> str:
    return (
        "# Fan-out over TCP\n\n"
        f"Gamecast {gamecast.__version__}, {datetime.now(UTC):%Y-%m-%d}, {machine.describe()}.\n\n"
        "One stream of 6 Mbit/s and 60 frames a second, H.264 and AAC, keyframes every 2 s. The\n"
        "publisher sends each frame at its own time. The server has one core to itself,\n"
        f"publisher and viewers have another. Medians of {repeat} runs of {seconds:g} s, the\n"
        "servers in turn; in brackets the spread. The delay is from the publisher's `write` to\n"
        "the viewer's `read`, of every frame of 20 viewers. A viewer has its first media so long\n"
        "after its request.\n\n"
        f"{text}\n\nTo measure yourself: `make bench`.\n"
    )


if __name__ == "__main__":
    sys.exit(main())
