"""A whole measurement: open viewers, settle, measure, sum up; in one step or in several."""

from __future__ import annotations

import contextlib
import math
import os
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from gamecast.bench.cpu import CpuMeter, resident_bytes
from gamecast.bench.crowd import Crowd
from gamecast.bench.errors import BenchError
from gamecast.bench.limits import raise_open_files_limit
from gamecast.bench.results import WatchResult, percentiles, summarise
from gamecast.bench.tls import SCHEMES
from gamecast.bench.watched import Watched

_LOOK_SECONDS = 0.5
_BY_BYTES = frozenset({Watched.FLV, Watched.TS, Watched.MP4, Watched.RTMP})


@dataclass(slots=True, frozen=True, kw_only=True)
class WatchSettings:
    """How many viewers, for how long."""

    viewers: int = 1
    protocol: Watched | None = None
    """``None``: what the URL looks like."""
    seconds: float = 10.0
    settle_seconds: float = 2.0
    """After the last viewer has come; not measured."""
    calm: float = 0.0
    """If not 0: nothing is measured before the p95 of the delay is below so many seconds again."""
    patience: float = 6.0
    """Seconds after which it is measured all the same."""
    sample: int = 20
    """Viewers whose every frame is checked."""
    whole: int = 0
    """If there are no more than so many, every frame of all of them is checked."""
    pids: tuple[int, ...] = ()
    """Processes whose CPU time is the target's."""
    key: str = ""
    """Bearer token for WHEP."""


Progress = Callable[[str], None]


def watch(
    urls: Sequence[str], settings: WatchSettings, *, progress: Progress = lambda text: None
) -> WatchResult:
    """Viewers spread over ``urls``. Raises ``BenchError`` or ``OSError`` if they are not served."""
    with contextlib.closing(watch_steps(urls, settings, [settings.viewers], progress)) as steps:
        return next(steps)


def watch_steps(
    urls: Sequence[str],
    settings: WatchSettings,
    steps: Iterable[int],
    progress: Progress = lambda text: None,
) -> Generator[WatchResult, None, None]:
    """The same with ever more viewers; ``steps`` may depend on the results before.

    ``close()`` it to send the viewers away early.

    Raises ``BenchError`` or ``OSError`` if they are not served.
    """
    raise_open_files_limit()
    crowd = make_crowd(urls, settings)
    by_bytes = (settings.protocol or protocol_of(urls[0])) in _BY_BYTES
    try:
        for step in steps:
            crowd.grow(step, sample=step if step <= settings.whole else settings.sample)
            progress(f"{len(crowd.figures)} viewers connected")
            _settle(crowd, settings)
            yield _measure(crowd, settings, by_bytes, progress)
    finally:
        crowd.close()


def protocol_of(url: str) -> Watched:
    """What a URL looks like. Raises :class:`BenchError`."""
    scheme, _, rest = url.partition("://")
    path = rest.partition("?")[0]
    if scheme in ("rtmp", "rtmps", "srt"):
        return Watched(scheme.removesuffix("s"))
    endings = {
        ".flv": Watched.FLV,
        ".ts": Watched.TS,
        ".mp4": Watched.MP4,
        ".m3u8": Watched.LL_HLS,
        "whep": Watched.WHEP,
        "whep/": Watched.WHEP,
        "janus": Watched.JANUS,
    }
    for ending, protocol in endings.items():
        if scheme in ("http", "https") and path.endswith(ending):
            return protocol
    raise BenchError("the URL does not tell the protocol: use --protocol")


def make_crowd(urls: Sequence[str], settings: WatchSettings) -> Crowd:
    """Viewers of the right kind."""
    match settings.protocol or protocol_of(urls[0]):
        case Watched.WHEP | Watched.JANUS as protocol:
            from gamecast.bench.whep_crowd import WhepCrowd

            return WhepCrowd(urls, janus=protocol is Watched.JANUS, key=settings.key)
        case Watched.LL_HLS | Watched.HLS as protocol:
            from gamecast.bench.hls_crowd import HlsCrowd

            return HlsCrowd(urls, low_latency=protocol is Watched.LL_HLS)
        case Watched.SRT:
            from gamecast.bench.srt_crowd import SrtCrowd

            return SrtCrowd(urls)
        case _:
            from gamecast.bench.openings import opening_for, sign_of_life
            from gamecast.bench.viewers import StreamCrowd

            scheme = urlsplit(urls[0]).scheme
            openings = [opening_for(url) for url in urls]
            return StreamCrowd(openings, sign_of_life(scheme), tls=scheme in SCHEMES)


def _settle(crowd: Crowd, settings: WatchSettings) -> None:
    """Wait until what the newcomers cost (keys, the group that each begins with) is worked off."""
    now = time.monotonic()
    crowd.run(now + settings.settle_seconds)
    end = now + settings.settle_seconds + (settings.patience if settings.calm else 0.0)
    while (now := time.monotonic()) < end:
        for viewer in crowd.figures:
            viewer.reset(now)
        crowd.run(now + _LOOK_SECONDS)
        delays = [delay for viewer in crowd.figures for delay in viewer.delays]
        if percentiles(delays).get(95, math.inf) < settings.calm:
            return


def _measure(
    crowd: Crowd, settings: WatchSettings, by_bytes: bool, progress: Progress
) -> WatchResult:
    begin = time.monotonic()
    for viewer in crowd.figures:
        viewer.reset(begin)
    target = CpuMeter(list(settings.pids))
    own = CpuMeter([os.getpid()])
    end = begin + settings.seconds
    while (now := time.monotonic()) < end:
        crowd.run(min(end, now + 1.0))
        total = sum(viewer.received for viewer in crowd.figures)
        rate = total * 8 / (time.monotonic() - begin) / 1e6
        progress(f"{time.monotonic() - begin:4.0f} s  {rate:8.0f} Mbit/s")
    now = time.monotonic()
    for viewer in crowd.figures:
        viewer.waited(now)
    result = summarise(crowd.figures, now - begin, by_bytes=by_bytes)
    result.failed = crowd.failed
    if settings.pids:
        result.cpu = target.share()
        result.cpu_kernel = target.kernel_share()
        result.cpu_waiting = target.waiting()
        result.memory = sum(map(resident_bytes, settings.pids))
    result.load_cpu = own.share()
    return result
