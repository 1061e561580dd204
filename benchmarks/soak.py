"""An hour on air while viewers come and go: does anything grow? ``python -m benchmarks.soak [S]``

One publisher, one crowd of every protocol that stays, and another that comes for half a minute,
leaves and comes again. Prints what the server holds after each round, when the second crowd is
gone, and at the end the growth per hour over the second half (the first warms caches up) as one
JSON object.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from benchmarks import machine
from benchmarks.held import State
from benchmarks.servers import Feed, Running, gamecast_server, publisher

PROTOCOLS = ("flv", "ts", "rtmp", "ll-hls", "whep", "srt")
STAY, COME = 5, 20
"""Viewers of each protocol."""
ROUND, AWAY = 30, 30
"""Seconds that the second crowd stays, and until it is surely forgotten."""
_FEED = Feed(bitrate=1.0, fps=30, audio="aac")


def _crowd(stack: ExitStack, server: Running, folder: Path, count: int, seconds: int) -> None:
    for protocol in PROTOCOLS:
        arguments = machine.gamecast(
            *("bench", "watch", server.watch_url(protocol), "--protocol", protocol),
            *("--count", str(count), "--duration", str(seconds)),
        )
        log = folder / f"watch-{protocol}.log"
        stack.enter_context(machine.program(arguments, core=machine.LOAD_CORE, log=log))


def _growth(seconds: list[float], values: list[float]) -> float:
    """Per hour, by least squares."""
    if len(seconds) < 2:
        return 0.0
    return statistics.linear_regression(seconds, values).slope * 3600


def _rounds(server: Running, folder: Path, seconds: int) -> list[tuple[float, State]]:
    started = time.monotonic()
    found: list[tuple[float, State]] = []
    while time.monotonic() - started < seconds:
        with ExitStack() as crowd:
            _crowd(crowd, server, folder, COME, ROUND)
            time.sleep(ROUND)
        time.sleep(AWAY)
        found.append((time.monotonic() - started, State.of(server)))
        sys.stdout.write(f"{found[-1][0]:6.0f} s: {found[-1][1]}\n")
        sys.stdout.flush()
    return found


def main() -> None:
    """Command line."""
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 3600
    sys.stdout.write(f"{machine.describe()}\n")
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        server = stack.enter_context(gamecast_server(folder))
        stack.enter_context(publisher(server, folder, _FEED))
        _crowd(stack, server, folder, STAY, seconds + 600)
        found = _rounds(server, folder, seconds)
    half = found[len(found) // 2 :]
    times = [at for at, _ in half]
    growth = {
        "megabytes_per_hour": round(_growth(times, [state.megabytes for _, state in half]), 2),
        "descriptors_per_hour": round(_growth(times, [state.descriptors for _, state in half]), 1),
        "first": str(found[0][1]),
        "last": str(found[-1][1]),
    }
    sys.stdout.write(f"{json.dumps(growth, indent=2)}\n")


if __name__ == "__main__":
    main()
