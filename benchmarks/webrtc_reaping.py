"""A thousand connected WHEP viewers that vanish at once: when the server has let go of them.

python -m benchmarks.webrtc_reaping --viewers 1000 --rounds 3
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import held, machine
from benchmarks.servers import Feed, Running, gamecast_server, publisher

_PATIENCE = 90.0
_LIGHT = Feed(bitrate=0.1, fps=5, audio="opus", protocol="whip")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _wait(server: Running, viewers: int) -> float:
    """Seconds until there are at least, or with 0 at most, so many."""
    started = time.monotonic()
    while time.monotonic() - started < _PATIENCE:
        found = held.viewers(server, "whep")
        if found >= viewers if viewers else found == 0:
            return time.monotonic() - started
        time.sleep(0.5)
    raise RuntimeError(f"{held.viewers(server, 'whep')} viewers after {_PATIENCE:.0f} s")


def _vanish(server: Running, count: int, folder: Path) -> None:
    arguments = machine.gamecast(
        "bench", "watch", server.watch_url("whep"), "--count", str(count), "--duration", "600"
    )
    log = folder / "watch.log"
    with machine.program(arguments, core=machine.LOAD_CORE, log=log) as child:
        _say(f"  connected in {_wait(server, count):.1f} s: {held.State.of(server, 'whep')}")
        child.send_signal(signal.SIGKILL)  # not a word to the server
        child.wait()
    _say(f"  gone {_wait(server, 0):.1f} s after they vanished: {held.State.of(server, 'whep')}")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--viewers", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--settle", type=float, default=25.0, help="seconds after each round")
    arguments = parser.parse_args()
    _say(machine.describe())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with gamecast_server(folder) as server, publisher(server, folder, _LIGHT):
            _say(f"before: {held.State.of(server, 'whep')}")
            for number in range(1, arguments.rounds + 1):
                _say(f"round {number}")
                _vanish(server, arguments.viewers, folder)
                time.sleep(arguments.settle)
                _say(f"  {arguments.settle:.0f} s later: {held.State.of(server, 'whep')}")


if __name__ == "__main__":
    main()
