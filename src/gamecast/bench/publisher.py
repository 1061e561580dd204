"""Publishers that send every frame at its own time, as a game's encoder does.

``ffmpeg -re -c copy`` sends in bursts, which flatters servers that gather writes.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections import deque
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from gamecast.bench.cpu import CpuMeter, resident_bytes
from gamecast.bench.errors import BenchError
from gamecast.bench.limits import raise_open_files_limit
from gamecast.bench.publish_rtmp import open_rtmp
from gamecast.bench.publish_rtp import open_rtp
from gamecast.bench.publish_srt import open_srt
from gamecast.bench.publish_whip import open_whip
from gamecast.bench.published import Publisher, PublishResult, summed
from gamecast.bench.source import Source
from gamecast.media.track import Track

_CONNECTS_AT_ONCE = 8


async def publish(
    urls: Sequence[str],
    source: Source,
    *,
    seconds: float | None,
    key: str = "",
    pids: Sequence[int] = (),
    started: Callable[[], None] = lambda: None,
    progress: Callable[[str], None] = lambda text: None,
) -> PublishResult:
    """Publish to all URLs, each frame at its time, for ``seconds`` or until SIGINT or SIGTERM.

    Publishers are spread evenly over the time of a frame. ``key`` is the bearer token of WHIP,
    ``pids`` are processes whose CPU is the target's. ``started`` is called once all are connected,
    ``progress`` every second. Raises :class:`BenchError`, ``OSError``,
    ``ValueError``.
    """
    raise_open_files_limit()
    publishers: list[Publisher] = []
    tracks = [source.video, source.audio]
    try:
        for begin in range(0, len(urls), _CONNECTS_AT_ONCE):
            some = urls[begin : begin + _CONNECTS_AT_ONCE]
            publishers += await asyncio.gather(*(_open(url, tracks, key) for url in some))
        started()
        result = await _measured(publishers, source, seconds, pids, progress)
    finally:
        for publisher in publishers:
            publisher.stop()
    await asyncio.sleep(0.1)  # the goodbyes
    return result


async def _measured(
    publishers: Sequence[Publisher],
    source: Source,
    seconds: float | None,
    pids: Sequence[int],
    progress: Callable[[str], None],
) -> PublishResult:
    target, own, begin = CpuMeter(list(pids)), CpuMeter([os.getpid()]), time.monotonic()
    telling = asyncio.create_task(_tell(publishers, progress))
    try:
        await _send_in_time(publishers, source, seconds, _stopped_by_signals())
    finally:
        telling.cancel()
    result = summed([each.result for each in publishers], time.monotonic() - begin)
    if pids:
        result.cpu, result.cpu_kernel = target.share(), target.kernel_share()
        result.cpu_waiting = target.waiting()
        result.memory = sum(map(resident_bytes, pids))
    result.load_cpu = own.share()
    return result


async def _tell(publishers: Sequence[Publisher], progress: Callable[[str], None]) -> None:
    begin = time.monotonic()
    while True:
        await asyncio.sleep(1.0)
        total = summed([each.result for each in publishers], time.monotonic() - begin)
        rate = total.bits_per_second / 1e6
        progress(f"{total.seconds:4.0f} s  {rate:8.0f} Mbit/s  {total.late} frames late")


def _stopped_by_signals() -> asyncio.Event:
    """Set when somebody ends the run: what was measured so far is shown all the same."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows
            loop.add_signal_handler(number, stop.set)
    return stop


async def _send_in_time(
    publishers: Sequence[Publisher], source: Source, seconds: float | None, stop: asyncio.Event
) -> None:
    frame = 1.0 / source.settings.fps
    step = frame / len(publishers)
    unstamped = source.settings.stamp_every - 1
    sent: list[deque[int]] = [deque(maxlen=unstamped) for _ in publishers]
    loop = asyncio.get_running_loop()
    begin = loop.time()
    number = 0
    while not stop.is_set() and (seconds is None or number * frame < seconds):
        for index, publisher in enumerate(publishers):
            due = begin + number * frame + index * step
            # Behind its time it still has to let the loop read and write.
            await asyncio.sleep(max(0.0, due - loop.time()))
            if loop.time() - due > frame / 2:
                publisher.result.late += 1
            packets = source.packets(number, time.time_ns(), sent[index])
            sent[index].append(publisher.send(packets))
        number += 1


async def _open(url: str, tracks: Sequence[Track], key: str) -> Publisher:
    match urlsplit(url).scheme:
        case "rtmp" | "rtmps":
            return await open_rtmp(url, tracks)
        case "srt":
            return await open_srt(url, tracks)
        case "http" | "https":
            return await open_whip(url, tracks, key=key)
        case "rtp":
            return await open_rtp(url, tracks)
    raise BenchError("publish needs rtmp(s)://, srt://, http(s):// (WHIP) or rtp://")
