"""WHEP over a bad network: how often and how long Chromium's picture freezes, per server.

    python -m benchmarks.whep_loss --seconds 25 --write

The same browser, page, clip and dice for every server; the servers take turns in each condition.
Between browser and server stands a relay that loses, delays, reorders and repeats datagrams.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from playwright.async_api import Browser
from tests.support.browser import chromium

from benchmarks import machine, urgent
from benchmarks.contender import Contender
from benchmarks.impairer import Weather
from benchmarks.peers import janus, mediamtx
from benchmarks.servers import Running, gamecast_server
from benchmarks.whep_loss_page import Look, watching
from benchmarks.whep_loss_relay import ANY, Relay

RESULTS = Path(__file__).resolve().parent.parent / "docs" / "benchmarks" / "whep_loss.md"
START, END = "<!-- figures -->", "<!-- end of figures -->"
DELAY = 0.025
"""Each way."""
GAP = 0.2
"""Seconds without a new picture that a person notices."""
SETTLE = 3.0
SPELL = 10.0
CLIP_SECONDS = 20
_LONGEST = 3600


@dataclass(slots=True, frozen=True, kw_only=True)
class Condition:
    """What lies on the way to the browser; the way back has no jitter and keeps the order."""

    title: str
    down: Weather
    spell: bool = False
    """Bad for ten seconds only: what counts is when the picture is back."""

    @property
    def up(self) -> Weather:
        """Loss and repetition are the same on the way back."""
        return Weather(delay=DELAY, loss=self.down.loss, duplicate=self.down.duplicate)


CONDITIONS = (
    Condition(title="no loss", down=Weather(delay=DELAY)),
    Condition(title="1 % loss", down=Weather(delay=DELAY, loss=0.01)),
    Condition(title="5 % loss", down=Weather(delay=DELAY, loss=0.05)),
    Condition(title="10 % loss", down=Weather(delay=DELAY, loss=0.10)),
    Condition(
        title="5 % loss, 50 ms jitter, 5 % reordered, 5 % twice",
        down=Weather(delay=DELAY, loss=0.05, jitter=0.050, reorder=0.05, duplicate=0.05),
    ),
    Condition(title="30 % loss for 10 s", down=Weather(delay=DELAY, loss=0.30), spell=True),
)


@dataclass(slots=True, kw_only=True)
class Figures:
    """One server in one condition; counts and seconds are for a minute."""

    server: str
    condition: str
    freezes: float
    frozen: float
    gaps: float
    """Seconds in gaps of more than :data:`GAP` between two pictures on the screen."""
    longest_gap: float
    fps: float
    dropped: float
    """Frames that were decoded too late."""
    lost: float
    """Packets that did not come under their own number; those that RTX repairs are among them."""
    repaired: float
    """Packets that came by RTX."""
    nacks: float
    plis: float
    buffered: float
    """Seconds that a picture waited in the jitter buffer, on average."""
    stalled: float
    """Seconds in which the page had no processor: no fault of the server's."""
    back: float | None = None
    """Seconds from the end of a bad spell until the picture moves again."""


@dataclass(slots=True)
class _Served:
    """A server that is fed."""

    name: str
    protocol: str
    url: str


def make_clip(folder: Path, bitrate: float, group: float) -> Path:
    """H.264 as every browser takes it, without B-frames, at a bitrate that hardly moves.

    Returns a list for ffmpeg that plays it over and over.
    """
    path = folder / "clip.mp4"
    rate = f"{int(bitrate * 1000)}k"
    frames = str(round(group * 30))
    command = [
        "ffmpeg", "-v", "error", "-nostdin", "-y", "-f", "lavfi",
        "-i", "testsrc2=size=640x360:rate=30,noise=alls=12:allf=t", "-t", str(CLIP_SECONDS),
        "-c:v", "libx264", "-profile:v", "baseline", "-preset", "veryfast", "-bf", "0",
        "-g", frames, "-keyint_min", frames, "-sc_threshold", "0",
        "-b:v", rate, "-maxrate", rate, "-bufsize", f"{int(bitrate * 500)}k",
        "-pix_fmt", "yuv420p", str(path),
    ]  # fmt: skip
    subprocess.run(command, check=True, timeout=200)
    again = folder / "again.txt"
    again.write_text(f"file '{path}'\n" * round(_LONGEST / CLIP_SECONDS))
    return again


@contextlib.contextmanager
def _publishing(clip: Path, server: Running, log: Path) -> Iterator[None]:
    """By RTMP; by plain RTP where the server takes nothing else."""
    # Debian's ffmpeg does not get beyond the end of a file without sound by -stream_loop.
    read = ["-re", "-f", "concat", "-safe", "0", "-i", str(clip), "-c", "copy"]
    if "rtmp" in server.publish_urls:
        write = ["-f", "flv", server.publish_urls["rtmp"].replace("{n}", "1")]
    else:
        address = server.publish_urls["rtp"].partition("?")[0]
        every_keyframe = "h264_mp4toannexb,dump_extra=freq=keyframe"
        write = ["-bsf:v", every_keyframe, "-payload_type", "96", "-f", "rtp"]
        write.append(f"{address}?pkt_size=1200")
    command: list[str | Path] = ["ffmpeg", "-v", "error", "-nostdin", *read, *write]
    with machine.program(command, core=machine.LOAD_CORE, log=log):
        yield


def _start(
    stack: ExitStack,
    name: str,
    start: Callable[[Path], AbstractContextManager[Running]],
    folder: Path,
    clip: Path,
) -> _Served:
    folder.mkdir()
    server = stack.enter_context(start(folder))
    stack.enter_context(_publishing(clip, server, folder / "publish.log"))
    protocol = "whep" if "whep" in server.watch_urls else "janus"
    return _Served(name, protocol, server.watch_url(protocol))


async def watch(
    browser: Browser, served: _Served, condition: Condition, *, seconds: float, seed: int
) -> Figures:
    """One run: a page of its own, a relay of its own."""
    relay = await Relay.open(Weather(delay=DELAY), seed, towards=ANY)
    try:
        async with watching(browser, served.protocol, served.url, relay) as page:
            await page.plays()
            await asyncio.sleep(SETTLE)
            before = await page.look()
            relay.change(condition.down, condition.up)
            over: float | None = None
            if condition.spell:
                await asyncio.sleep(SPELL)
                relay.change(Weather(delay=DELAY))
                over = await page.now()
                await asyncio.sleep(SPELL)
            else:
                await asyncio.sleep(seconds)
            after = await page.look()
    finally:
        relay.close()
    found = figures(served.name, condition.title, before, after)
    if over is not None:
        found.back = back(after, over)
    return found


def figures(server: str, condition: str, before: Look, after: Look) -> Figures:
    """What happened between two looks at a page."""
    per_minute = 60 / (after.now - before.now)

    def count(name: str) -> float:
        return float(after.video.get(name, 0)) - float(before.video.get(name, 0))

    shown = [each for each in after.shown if each >= before.now] or [before.now]
    pairs = zip([before.now, *shown], [*shown, after.now], strict=True)
    gaps = [end - start for start, end in pairs]
    return Figures(
        server=server,
        condition=condition,
        freezes=count("freezeCount") * per_minute,
        frozen=count("totalFreezesDuration") * per_minute,
        gaps=sum(gap for gap in gaps if gap > GAP) * per_minute,
        longest_gap=max(gaps),
        fps=len(shown) / (after.now - before.now),
        dropped=count("framesDropped") * per_minute,
        lost=count("packetsLost") * per_minute,
        repaired=count("retransmittedPacketsReceived") * per_minute,
        nacks=count("nackCount") * per_minute,
        plis=count("pliCount") * per_minute,
        buffered=count("jitterBufferDelay") / max(1.0, count("jitterBufferEmittedCount")),
        stalled=(after.stalled - before.stalled) * per_minute,
    )


def back(look: Look, since: float, *, run: int = 15) -> float | None:
    """Seconds after ``since`` from which ``run`` pictures come without a gap; ``None``: never."""
    shown = look.shown
    first = max(0, next((n for n, at in enumerate(shown) if at >= since), len(shown)) - 1)
    for start in range(first, len(shown) - run):
        some = shown[start : start + run]
        if all(later - at <= GAP for at, later in pairwise(some)):
            return max(0.0, some[0] - since)
    return None


def table(found: list[Figures]) -> str:
    """Markdown."""
    lines = [
        "| on the way | server | freezes | frozen s | gaps, s | longest s | pictures/s |"
        " lost | by RTX | NACKs | PLIs | buffer ms | back after s | page stalled s |",
        "|---" * 14 + "|",
    ]
    for each in found:
        cells = [
            each.condition, each.server, f"{each.freezes:.0f}", f"{each.frozen:.1f}",
            f"{each.gaps:.1f}", f"{each.longest_gap:.2f}", f"{each.fps:.1f}", f"{each.lost:.0f}",
            f"{each.repaired:.0f}", f"{each.nacks:.0f}", f"{each.plis:.0f}",
            f"{each.buffered * 1000:.0f}", _back_cell(each), f"{each.stalled:.1f}",
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _back_cell(each: Figures) -> str:
    if not each.condition.startswith("30 %"):
        return ""
    return "never" if each.back is None else f"{each.back:.1f}"


@dataclass(slots=True)
class Bench:
    """Who is measured, and what was found."""

    options: argparse.Namespace
    found: list[Figures] = field(default_factory=list)

    async def run(self, folder: Path) -> None:
        """All servers at once, each with its own publisher; the pages one after another."""
        clip = make_clip(folder, self.options.bitrate, self.options.group)
        with ExitStack() as stack:
            servers = [
                _start(stack, name, start, folder / name.lower(), clip)
                for name, start in self._starts()
            ]
            await asyncio.sleep(self.options.group + 1)
            async with chromium() as browser:
                for condition in self._conditions():
                    for served in servers:
                        await self._one(browser, served, condition)

    async def _one(self, browser: Browser, served: _Served, condition: Condition) -> None:
        seconds, seed = self.options.seconds, self.options.seed
        found = await watch(browser, served, condition, seconds=seconds, seed=seed)
        self.found.append(found)
        sys.stdout.write(table([found]).splitlines()[-1] + "\n")
        sys.stdout.flush()

    def _starts(self) -> Iterator[tuple[str, Callable[[Path], AbstractContextManager[Running]]]]:
        wanted = self.options.servers.lower().split(",")
        if "gamecast" in wanted:
            yield "Gamecast", gamecast_server
        for peer in (janus.CONTENDER, mediamtx.CONTENDER):
            if peer.name.lower() in wanted and not (why := peer.missing()):
                yield peer.name, peer.start
            elif peer.name.lower() in wanted:
                sys.stdout.write(f"{peer.name}: {why}\n")

    def _conditions(self) -> list[Condition]:
        wanted = self.options.only
        return [each for each in CONDITIONS if not wanted or wanted in each.title]


def versions() -> str:
    """Of the peers that are here."""
    here: list[Contender] = [
        peer for peer in (janus.CONTENDER, mediamtx.CONTENDER) if not peer.missing()
    ]
    return ", ".join(f"{peer.name} {peer.version()}" for peer in here)


def _write(found: list[Figures], options: argparse.Namespace) -> None:
    before, rest = RESULTS.read_text("utf-8").split(START)
    _, after = rest.split(END)
    about = (
        f"{datetime.now(UTC):%Y-%m-%d}, {machine.describe()}, load average "
        f"{machine.load_average():.1f}; {versions()}; {options.seconds:g} s a run, "
        f"{options.bitrate:g} Mbit/s, a keyframe every {options.group:g} s."
    )
    RESULTS.write_text(f"{before}{START}\n{about}\n\n{table(found)}\n{END}{after}", "utf-8")


def main() -> int:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=25.0, help="of each run")
    parser.add_argument("--servers", default="gamecast,janus,mediamtx")
    parser.add_argument("--only", default="", help="conditions whose title holds this")
    parser.add_argument("--seed", type=int, default=10)
    parser.add_argument("--bitrate", type=float, default=2.5, help="Mbit/s")
    parser.add_argument("--group", type=float, default=2.0, help="seconds between keyframes")
    parser.add_argument("--json", type=Path, help="also write every figure here")
    parser.add_argument("--write", action="store_true", help=f"into {RESULTS.name}")
    options = parser.parse_args()
    urgent.make_urgent()
    bench = Bench(options)
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(bench.run(Path(folder)))
    if options.json:
        figures_found: list[dict[str, Any]] = [asdict(each) for each in bench.found]
        options.json.write_text(json.dumps(figures_found, indent=1) + "\n", "utf-8")
    if options.write:
        _write(bench.found, options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
