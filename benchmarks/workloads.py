"""What is measured, of whom."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import gamecast
from benchmarks import machine
from benchmarks.contender import Contender
from benchmarks.ladder import FULL_DELAY, Ladder, Step
from benchmarks.peers import PEERS
from benchmarks.servers import RTP_STAMPS, Feed, gamecast_server, publisher
from gamecast.bench.cpu import CpuMeter, resident_bytes
from gamecast.bench.watch import WatchSettings, watch, watch_steps
from gamecast.bench.watched import Watched

GAMECAST = Contender(
    name="Gamecast",
    missing=lambda: "",
    version=lambda: gamecast.__version__,
    start=gamecast_server,
    watch=frozenset({"flv", "rtmp", "whep", "ll-hls"}),
    publish=frozenset({"rtmp", "srt", "whip"}),
)
CONTENDERS = [GAMECAST, *PEERS]
_IDLE_SECONDS = 5.0
_SAMPLE, _RTP_SAMPLE = 20, 8
"""Viewers that look at every frame; to decrypt costs as much as to serve."""
_SEGMENTS = 4.0
"""Seconds more until a server lists enough segments for an HLS player to begin."""


@dataclass(slots=True, frozen=True)
class Case:
    """One server at one protocol."""

    contender: Contender
    protocol: str


@dataclass(slots=True, frozen=True, kw_only=True)
class Pace:
    """How long to look, and how far to go."""

    seconds: float = 3.0
    settle: float = 1.5
    quick: bool = False
    known: list[int] = field(default_factory=list)
    """The steps to take, if they are known from a run before."""


@dataclass(slots=True, kw_only=True)
class Run:
    """One case, once."""

    steps: list[Step] = field(default_factory=list)
    stopped: str = ""
    facts: dict[str, float] = field(default_factory=dict)


@dataclass(slots=True, frozen=True, kw_only=True)
class Workload:
    """A kind of work."""

    name: str
    title: str
    unit: str
    """What there are ever more of."""
    protocols: tuple[str, ...]
    low: int
    most: int
    measure: Callable[[Workload, Case, Pace, Path], Run]
    publishes: bool = False
    full_delay: float = FULL_DELAY

    def cases(self) -> list[Case]:
        """Every contender at every protocol that it has, those of one protocol in turn."""
        found = []
        for protocol in self.protocols:
            for contender in CONTENDERS:
                has = contender.publish if self.publishes else contender.watch
                if protocol in has or not protocol:
                    found.append(Case(contender, protocol))
        return found

    def run(self, case: Case, pace: Pace) -> Run:
        """Once, with a server of its own."""
        with tempfile.TemporaryDirectory(prefix="gamecast-bench-") as name:
            return self.measure(self, case, pace, Path(name))

    def ladder(self, pace: Pace) -> Ladder:
        """Two steps at most if it is to be quick."""
        most = min(self.most, self.low * 2) if pace.quick else self.most
        return Ladder(self.low, most, known=pace.known, full_delay=self.full_delay)


def _feed_of(protocol: str, contender: Contender) -> Feed:
    if protocol == "janus":
        return Feed(protocol="rtp", audio="opus", extra=RTP_STAMPS)
    if protocol == "whep":
        return Feed(protocol="whip", audio="opus", extra=RTP_STAMPS)
    return Feed()


def _fan_out(workload: Workload, case: Case, pace: Pace, folder: Path) -> Run:
    """One stream, ever more viewers."""
    ladder = workload.ladder(pace)
    feed = _feed_of(case.protocol, case.contender)
    with case.contender.start(folder) as running, publisher(running, folder, feed):
        settings = WatchSettings(
            protocol=Watched(case.protocol),
            seconds=pace.seconds,
            settle_seconds=pace.settle,
            calm=workload.full_delay / 2,
            sample=_RTP_SAMPLE if case.protocol in ("whep", "janus") else _SAMPLE,
            whole=workload.low if case.protocol in ("flv", "rtmp") else 0,
            pids=running.pids,
        )
        if case.protocol == "ll-hls":
            with machine.on_core(machine.LOAD_CORE):
                watch([running.watch_url(case.protocol)], replace(settings, seconds=_SEGMENTS))
        url = running.watch_url(case.protocol)
        with machine.on_core(machine.LOAD_CORE), ladder.climbing():
            results = watch_steps([url], settings, ladder.numbers())
            with contextlib.closing(results):
                for result in results:
                    ladder.steps.append(Step.of(result))
    return Run(steps=ladder.steps, stopped=ladder.stopped)


def _ingest(workload: Workload, case: Case, pace: Pace, folder: Path) -> Run:
    """Ever more publishers, each with a stream of its own; the first and last are watched."""
    ladder = workload.ladder(pace)
    probe = next(p for p in ("flv", "rtmp", "whep") if p in case.contender.watch)
    audio = "opus" if case.protocol == "whip" or probe == "whep" else "aac"
    with case.contender.start(folder) as running, ladder.climbing():
        for number in ladder.numbers():
            feed = Feed(protocol=case.protocol, count=number, audio=audio)
            with publisher(running, folder, feed) as load:
                settings = WatchSettings(
                    viewers=2,
                    protocol=Watched(probe),
                    seconds=pace.seconds,
                    settle_seconds=0.5,  # the publishers have been there for a group
                    sample=2,
                    pids=running.pids,
                )
                urls = [running.watch_url(probe, each) for each in (1, number)]
                with machine.on_core(machine.LOAD_CORE):
                    publishing = CpuMeter([load])
                    step = Step.of(watch(urls, settings), number=number)
                step.load_cpu += publishing.share()
            ladder.steps.append(step)
    return Run(steps=ladder.steps, stopped=ladder.stopped)


def _start(workload: Workload, case: Case, pace: Pace, folder: Path) -> Run:
    """From the command to the first accepted connection, and then nothing to do."""
    begin = time.monotonic()
    with case.contender.start(folder) as running:
        ready = time.monotonic() - begin
        time.sleep(1.0)
        idle = CpuMeter(list(running.pids))
        time.sleep(1.0 if pace.quick else _IDLE_SECONDS)
        memory = sum(map(resident_bytes, running.pids))
        return Run(facts={"ready": ready, "idle_cpu": idle.share(), "memory": float(memory)})


def workloads() -> Iterator[Workload]:
    """All of them, in the order of the report."""
    yield Workload(
        name="tcp", title="HTTP-FLV and RTMP play", unit="viewers", protocols=("flv", "rtmp"),
        low=200, most=8000, measure=_fan_out,
    )  # fmt: skip
    yield Workload(
        name="whep", title="WebRTC play (WHEP)", unit="viewers", protocols=("whep", "janus"),
        low=50, most=2000, measure=_fan_out,
    )  # fmt: skip
    yield Workload(
        name="ll-hls", title="Low-latency HLS", unit="viewers", protocols=("ll-hls",),
        low=200, most=6000, measure=_fan_out, full_delay=1.0,
    )  # fmt: skip
    yield Workload(
        name="ingest", title="Ingest", unit="publishers", protocols=("rtmp", "srt", "whip"),
        low=20, most=2000, measure=_ingest, publishes=True, full_delay=0.3,
    )  # fmt: skip
    yield Workload(
        name="start", title="Start and idle", unit="", protocols=("",), low=0, most=0,
        measure=_start,
    )  # fmt: skip
