"""A thousand connected WHEP viewers that vanish at once: when the server has let go of them.

python -m benchmarks.webrtc_reaping --viewers 1000 --rounds 3
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from benchmarks import machine
from benchmarks.servers import Feed, Running, gamecast_server, publisher

_PATIENCE = 90.0
_LIGHT = Feed(bitrate=0.1, fps=5, audio="opus", protocol="whip")


@dataclass(slots=True, frozen=True, kw_only=True)
class State:
    """What the server holds."""

    viewers: int
    megabytes: float
    descriptors: int

    @classmethod
    def of(cls, server: Running) -> State:
        """Now."""
        pid = server.pids[0]
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return cls(
            viewers=_viewers(server),
            megabytes=pages * os.sysconf("SC_PAGE_SIZE") / 1e6,
            descriptors=len(list(Path(f"/proc/{pid}/fd").iterdir())),
        )

    def __str__(self) -> str:
        return f"{self.viewers} viewers, {self.megabytes:.0f} MB, {self.descriptors} descriptors"


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _viewers(server: Running) -> int:
    origin = server.watch_url("flv").partition("/live/")[0]
    with urllib.request.urlopen(f"{origin}/api/v1/streams", timeout=30) as answer:
        items = json.load(answer)["items"]
    return sum(item["viewers"].get("whep", 0) for item in items)


def _wait(server: Running, viewers: int) -> float:
    """Seconds until there are at least, or with 0 at most, so many."""
    started = time.monotonic()
    while time.monotonic() - started < _PATIENCE:
        found = _viewers(server)
        if found >= viewers if viewers else found == 0:
            return time.monotonic() - started
        time.sleep(0.5)
    raise RuntimeError(f"{_viewers(server)} viewers after {_PATIENCE:.0f} s")


def _vanish(server: Running, count: int, folder: Path) -> None:
    arguments = machine.gamecast(
        "bench", "watch", server.watch_url("whep"), "--count", str(count), "--duration", "600"
    )
    log = folder / "watch.log"
    with machine.program(arguments, core=machine.LOAD_CORE, log=log) as child:
        _say(f"  connected in {_wait(server, count):.1f} s: {State.of(server)}")
        child.send_signal(signal.SIGKILL)  # not a word to the server
        child.wait()
    _say(f"  gone {_wait(server, 0):.1f} s after they vanished: {State.of(server)}")


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
            _say(f"before: {State.of(server)}")
            for number in range(1, arguments.rounds + 1):
                _say(f"round {number}")
                _vanish(server, arguments.viewers, folder)
                time.sleep(arguments.settle)
                _say(f"  {arguments.settle:.0f} s later: {State.of(server)}")


if __name__ == "__main__":
    main()
