"""Publishers that send every frame at its own time, as a game's encoder does.

``ffmpeg -re -c copy`` sends in bursts, which flatters servers that gather writes.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from gamecast.bench.errors import BenchError
from gamecast.bench.limits import raise_open_files_limit
from gamecast.bench.publish_rtmp import open_rtmp
from gamecast.bench.publish_rtp import open_rtp
from gamecast.bench.publish_srt import open_srt
from gamecast.bench.publish_whip import open_whip
from gamecast.bench.published import Published, Publisher
from gamecast.bench.source import Source
from gamecast.media.track import Track

_CONNECTS_AT_ONCE = 8


async def publish(
    urls: Sequence[str],
    source: Source,
    *,
    seconds: float | None,
    key: str = "",
    started: Callable[[], None] = lambda: None,
) -> list[Published]:
    """Publish to all URLs, each frame at its time, for ``seconds`` or until cancelled.

    Publishers are spread evenly over the time of a frame. ``key`` is the bearer token of WHIP.
    ``started`` is called once all are connected. Raises :class:`BenchError`, ``OSError``,
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
        await _send_in_time(publishers, source, seconds)
    finally:
        for publisher in publishers:
            publisher.stop()
    await asyncio.sleep(0.1)  # the goodbyes
    return [publisher.result for publisher in publishers]


async def _send_in_time(
    publishers: Sequence[Publisher], source: Source, seconds: float | None
) -> None:
    frame = 1.0 / source.settings.fps
    step = frame / len(publishers)
    loop = asyncio.get_running_loop()
    begin = loop.time()
    number = 0
    while seconds is None or number * frame < seconds:
        for index, publisher in enumerate(publishers):
            due = begin + number * frame + index * step
            # Behind its time it still has to let the loop read and write.
            await asyncio.sleep(max(0.0, due - loop.time()))
            if loop.time() - due > frame / 2:
                publisher.result.late += 1
            publisher.send(source.packets(number, time.time_ns()))
        number += 1


async def _open(url: str, tracks: Sequence[Track], key: str) -> Publisher:
    match urlsplit(url).scheme:
        case "rtmp":
            return await open_rtmp(url, tracks)
        case "srt":
            return await open_srt(url, tracks)
        case "http":
            return await open_whip(url, tracks, key=key)
        case "rtp":
            return await open_rtp(url, tracks)
    raise BenchError("publish needs rtmp://, srt://, http:// (WHIP) or rtp://")
