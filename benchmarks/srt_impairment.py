"""SRT over a bad network: our ends and libsrt's, in all four pairs, under the same weather.

python -m benchmarks.srt_impairment --seconds 30 --write
"""

from __future__ import annotations

import argparse
import contextlib
import heapq
import select
import shutil
import signal
import socket
import statistics
import struct
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import count, product
from pathlib import Path

from benchmarks import machine, urgent
from benchmarks.impairer import Direction, Weather
from benchmarks.srt_end import HOST, udp_socket

RESULTS = Path(__file__).resolve().parent.parent / "docs" / "benchmarks" / "srt.md"
START, END = "<!-- impairment -->", "<!-- end of impairment -->"
LATENCY = 0.200
"""Four round trips of 50 ms."""
RATE = 300
"""Packets per second: 3.2 Mbit/s."""
SIZE = 1316
_STAMP = struct.Struct(">Id")

WEATHERS = {
    "1 % loss": Weather(loss=0.01),
    "5 % loss": Weather(loss=0.05),
    "10 % loss": Weather(loss=0.10),
    "20 % loss": Weather(loss=0.20),
    "5 % loss in bursts of 5": Weather(loss=0.05, burst=5),
    "2 % loss, 20 ms jitter": Weather(loss=0.02, jitter=0.020, delay=0.015),
    "2 % loss, 5 % reordered": Weather(loss=0.02, reorder=0.05),
    "2 % loss, 5 % duplicated": Weather(loss=0.02, duplicate=0.05),
}
OURS, LIBSRT = "Gamecast", "libsrt"


class Wire:
    """Everything that is under way between all sockets, and who reads what."""

    def __init__(self) -> None:
        self._poll = select.epoll()
        self._readers: dict[int, Callable[[], None]] = {}
        self._under_way: list[tuple[float, int, socket.socket, bytes, tuple[str, int]]] = []
        self._order = count()

    def read(self, sock: socket.socket, reader: Callable[[], None]) -> None:
        """Call ``reader`` when the socket has something."""
        self._poll.register(sock.fileno(), select.EPOLLIN)
        self._readers[sock.fileno()] = reader

    def post(self, at: float, sock: socket.socket, data: bytes, to: tuple[str, int]) -> None:
        """Send later."""
        heapq.heappush(self._under_way, (at, next(self._order), sock, data, to))

    def run(self, until: float, work: Callable[[float], float]) -> None:
        """Pass time; ``work(now)`` says when it wants to be called next."""
        while (now := time.monotonic()) < until:
            due = work(now)
            while self._under_way and self._under_way[0][0] <= now:
                _, _, sock, data, to = heapq.heappop(self._under_way)
                with contextlib.suppress(OSError):
                    sock.sendto(data, to)
            if self._under_way:
                due = min(due, self._under_way[0][0])
            for number, _ in self._poll.poll(max(0.0, min(due, until) - time.monotonic())):
                self._readers[number]()


class Lane:
    """Feeder, sending end, network, receiving end, sink: one of the four pairs."""

    def __init__(self, wire: Wire, weather: Weather, seed: int) -> None:
        self._wire = wire
        self.feeder, self.front, self.back, self.sink = (udp_socket() for _ in range(4))
        self.up, self.down = Direction(weather, seed), Direction(weather, seed + 1)
        self.source_port, self.listener_port = free_port(), free_port()
        self._caller = (HOST, 0)
        self.sent = 0
        self._counting = False
        self.delays: dict[int, float] = {}
        self.awake = False
        for sock in (self.front, self.back, self.sink):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        wire.read(self.front, self._go_up)
        wire.read(self.back, self._go_down)
        wire.read(self.sink, self._arrive)

    def feed(self, now: float) -> None:
        """One payload."""
        number = self.sent if self._counting else 0xFFFF_FFFF
        self.sent += self._counting
        stamp = _STAMP.pack(number, now)
        with contextlib.suppress(OSError):
            self.feeder.sendto(stamp + bytes(SIZE - len(stamp)), (HOST, self.source_port))

    def begin(self) -> None:
        """From now on it rains, and counts."""
        self._counting = self.up.impaired = self.down.impaired = True
        self.up.packets = self.up.retransmitted = self.up.data_bytes = 0
        self.down.control_bytes = 0

    def end(self) -> None:
        """What is fed from now on only keeps things moving."""
        self._counting = False

    def close(self) -> None:
        """Close the sockets."""
        for sock in (self.feeder, self.front, self.back, self.sink):
            sock.close()

    def _go_up(self) -> None:
        for data, address in drain(self.front):
            self._caller = address
            self.up.count(data)
            for at, arriving in self.up.arrivals(data, time.monotonic()):
                self._wire.post(at, self.back, arriving, (HOST, self.listener_port))

    def _go_down(self) -> None:
        for data, _ in drain(self.back):
            self.down.count(data)
            for at, arriving in self.down.arrivals(data, time.monotonic()):
                self._wire.post(at, self.front, arriving, self._caller)

    def _arrive(self) -> None:
        now = time.monotonic()
        for data, _ in drain(self.sink):
            self.awake = True
            number, sent_at = _STAMP.unpack_from(data)
            if number != 0xFFFF_FFFF:
                self.delays.setdefault(number, now - sent_at)


def drain(sock: socket.socket) -> Iterator[tuple[bytes, tuple[str, int]]]:
    """All that a socket has."""
    with contextlib.suppress(BlockingIOError):
        while True:
            with contextlib.suppress(ConnectionRefusedError):
                yield sock.recvfrom(2048)


def free_port() -> int:
    """A UDP port that was free a moment ago."""
    with udp_socket() as sock:
        return int(sock.getsockname()[1])


def command(who: str, role: str, *, udp: int, srt: int) -> list[str | Path]:
    """How an end is started."""
    latency = round(LATENCY * 1000)
    if who == OURS:
        ports = ["--udp", str(udp), "--srt", str(srt), "--latency", str(latency)]
        return [sys.executable, "-m", "benchmarks.srt_end", role, *ports]
    program = ["srt-live-transmit", "-q", "-chunk:1456"]
    if role == "send":
        return [*program, f"udp://{HOST}:{udp}", f"srt://{HOST}:{srt}?latency={latency}"]
    listening = f"srt://{HOST}:{srt}?mode=listener&latency={latency}"
    return [*program, listening, f"udp://{HOST}:{udp}"]


PAIRS = tuple(product((OURS, LIBSRT), repeat=2))


def measure(weather: Weather, *, seed: int, seconds: float, folder: Path) -> dict[str, Lane]:
    """All four pairs at once, so that what disturbs the machine disturbs all of them."""
    wire = Wire()
    lanes = {f"{a} → {b}": Lane(wire, weather, seed) for a, b in PAIRS}
    with contextlib.ExitStack() as stack:
        for (sender, receiver), lane in zip(PAIRS, lanes.values(), strict=True):
            stack.callback(lane.close)
            sink, front = (sock.getsockname()[1] for sock in (lane.sink, lane.front))
            for who, role, udp, srt in (
                (receiver, "receive", sink, lane.listener_port),
                (sender, "send", lane.source_port, front),
            ):
                arguments = command(who, role, udp=udp, srt=srt)
                stack.enter_context(urgent.program(arguments, folder / f"{who}-{role}.log"))
        _run(wire, list(lanes.values()), seconds)
    return lanes


def _run(wire: Wire, lanes: list[Lane], seconds: float) -> None:
    next_at = time.monotonic()

    def work(now: float) -> float:
        nonlocal next_at
        while next_at <= now:
            for lane in lanes:
                lane.feed(now)
            next_at += 1 / RATE
        return next_at

    deadline = time.monotonic() + 20
    while not all(lane.awake for lane in lanes):
        if time.monotonic() > deadline:
            raise RuntimeError("no connection")
        wire.run(time.monotonic() + 0.2, work)
    wire.run(time.monotonic() + 2.0, work)  # both sides have measured the round trip
    for lane in lanes:
        lane.begin()
    wire.run(time.monotonic() + seconds, work)
    for lane in lanes:
        lane.end()
    wire.run(time.monotonic() + 1.0, work)


def row(title: str, pair: str, lanes: list[Lane]) -> str:
    """All runs of one pair together."""
    sent = sum(lane.sent for lane in lanes)
    came = sum(len(lane.delays) for lane in lanes)
    again = sum(lane.up.retransmitted for lane in lanes)
    back = sum(lane.down.control_bytes for lane in lanes)
    delays = sorted(delay for lane in lanes for delay in lane.delays.values())
    p50, p99 = statistics.median(delays), delays[int(len(delays) * 0.99)]
    return (
        f"| {title} | {pair} | {100 * came / sent:.3f} % | {sent - came} | "
        f"{100 * again / sent:.1f} % | {100 * back / (sent * SIZE):.2f} % | "
        f"{p50 * 1e3:.0f} / {p99 * 1e3:.0f} ms |"
    )


HEAD = (
    "| network | from → to | delivered | missing | sent again | reports back | delay p50 / p99 |\n"
    "|---|---|--:|--:|--:|--:|--:|"
)


def main() -> int:
    """Run, print, and with ``--write`` keep the table under ``docs/``."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--only", default="", help="weathers whose name has this in it")
    parser.add_argument("--write", action="store_true", help=f"into {RESULTS.name}")
    options = parser.parse_args()
    if shutil.which("srt-live-transmit") is None:
        parser.error("srt-live-transmit is not installed")
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(1))  # and end the children
    urgent.make_urgent()
    rows = [HEAD]
    sys.stdout.write(f"{HEAD}\n")
    with tempfile.TemporaryDirectory() as folder:
        for title, weather in WEATHERS.items():
            if options.only not in title:
                continue
            runs = [
                measure(weather, seed=seed, seconds=options.seconds, folder=Path(folder))
                for seed in range(10, 10 + 10 * options.seeds, 10)
            ]
            for pair in runs[0]:
                rows.append(row(title, pair, [run[pair] for run in runs]))
                sys.stdout.write(f"{rows[-1]}\n")
            sys.stdout.flush()
    if options.write:
        _write("\n".join(rows), options.seconds, options.seeds)
    return 0


def _write(table: str, seconds: float, seeds: int) -> None:
    text = RESULTS.read_text("utf-8")
    before, rest = text.split(START)
    _, after = rest.split(END)
    about = (
        f"{datetime.now(UTC):%Y-%m-%d}, {machine.describe()}, load average "
        f"{machine.load_average():.1f}; {seeds} runs of {seconds:g} s."
    )
    RESULTS.write_text(f"{before}{START}\n{about}\n\n{table}\n{END}{after}", "utf-8")


if __name__ == "__main__":
    sys.exit(main())
