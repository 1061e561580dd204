"""A thousand peers of each protocol come and go: nothing of them stays."""

from __future__ import annotations

import asyncio
import gc
import itertools
import os
import re
import socket
import time
import weakref
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

import psutil
import pytest

from gamecast.bench.exchange import post_offer
from gamecast.bench.figures import Figures
from gamecast.bench.publish_srt import open_srt
from gamecast.bench.publish_whip import open_whip
from gamecast.bench.webrtc_session import join
from gamecast.bench.whep_viewer import LightViewer
from gamecast.media.codecs import audio_track
from gamecast.media.codecs.opus import OpusConfig, build_opus_head
from gamecast.media.track import Codec
from gamecast.protocols.rtmp.events import PlayStarted
from gamecast.protocols.srt import Caller, Settings
from gamecast.protocols.webrtc.offer import play_offer
from gamecast.server.http import resources
from gamecast.server.http.resources import SessionResources
from tests.server.http_viewer import RawHttp
from tests.server.rtmp_peer import Publisher, on_air, play, publish
from tests.server.site import Site, turns
from tests.support.events import until
from tests.support.media import Feed, av_feed, h264_track

WARM_UP = 100
CYCLES = 1000
PER_CYCLE = 0.5
"""Python objects that may stay of each peer: of one that leaks, at least its session does."""
GROWTH = 12 * 1024 * 1024
"""Bytes: noise of the allocator, but less than 1 000 sessions with their buffers."""

ONLY_OURS = {"http": 1.0, "rtmp": 1.0, "srt": 0.0}
"""Who asks for the metrics, and the publisher."""

_numbers = itertools.count()

UPGRADE = (
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
)


@dataclass(slots=True, kw_only=True)
class Held:
    """What this process has of everything that can leak."""

    objects: int
    descriptors: int
    tasks: int
    memory: int

    @classmethod
    def now(cls) -> Held:
        """Count, after what only waited for the collector is gone.

        Weak references hold nothing, and sqlite3 keeps up to 200 dead ones of cursors for each of
        the pool's connections: how many connections were in use is up to the machine's load.
        """
        gc.collect()
        process = psutil.Process()
        return cls(
            objects=sum(type(each) is not weakref.ReferenceType for each in gc.get_objects()),
            descriptors=process.num_fds(),
            tasks=len(asyncio.all_tasks()),
            memory=process.memory_info().rss,
        )


async def watch_flv(site: Site) -> None:
    async with await RawHttp.open(site.http) as http:
        http.request("/live/main.flv")
        assert await http.read_head() == 200
        assert await http.read_chunk()


async def watch_converted(site: Site) -> None:
    """With Opus made into AAC for all of them."""
    await watch_flv(site)
    assert "derived:aac" in site.stream().renditions


async def watch_over_websocket(site: Site) -> None:
    async with await RawHttp.open(site.http) as http:
        http.request("/live/main.flv", *UPGRADE)
        assert await http.read_head() == 101
        assert await http.reader.read(64)


async def watch_hls(site: Site) -> None:
    async with await RawHttp.open(site.http) as http:
        http.request("/live/main/index.m3u8")
        assert b"#EXTM3U" in await http.read_answer()


async def follow_the_feed(site: Site) -> None:
    async with await RawHttp.open(site.http) as http:
        http.request("/api/v1/streams/main/live")
        assert await http.read_head() == 200


async def watch_rtmp(site: Site) -> None:
    peer = await play(site.rtmp, "main")
    await peer.expect(PlayStarted)
    peer.driver.close()
    await peer.wait_closed()


async def publish_rtmp(site: Site) -> None:
    publisher = await publish(site, f"visitor{next(_numbers)}")
    publisher.send(2)
    publisher.stop()
    await publisher.peer.wait_closed()


async def watch_srt(site: Site) -> None:
    await asyncio.to_thread(call_srt, site.srt, "read:live/main")


def call_srt(address: tuple[str, int], stream_id: str) -> None:
    """Connect and hang up, from a thread: the loop is the server's."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(address)
        sock.settimeout(0.1)
        settings = Settings(stream_id=stream_id)
        caller = Caller(settings, now=time.monotonic(), random_bytes=os.urandom)
        while caller.closed is None and caller.connection is None:
            for datagram in caller.data_to_send():
                sock.send(datagram)
            try:
                caller.receive_datagram(sock.recv(2048), time.monotonic())
            except TimeoutError:
                caller.handle_timer(time.monotonic())
        assert caller.connection is not None, caller.closed
        caller.connection.close(time.monotonic())
        for datagram in caller.data_to_send():
            sock.send(datagram)


async def publish_srt(site: Site) -> None:
    name = f"visitor{next(_numbers)}"
    host, port = site.srt
    url = f"srt://{host}:{port}?streamid=publish:live/{name}::any&latency=20"
    feed = av_feed(group=10)
    publisher = await open_srt(url, [track for track in (feed.video, feed.audio) if track])
    publisher.send(list(feed.packets(0.2)))
    await until(lambda: site.server.directory.get(name), f"{name} on air")
    publisher.stop()


def opus_feed() -> Feed:
    """What WebRTC carries as it is."""
    opus = audio_track(Codec.OPUS, build_opus_head(OpusConfig(channels=2)))
    return Feed(video=h264_track(), audio=opus, group=10)


async def watch_whep(site: Site) -> None:
    make_offer = partial(play_offer, video=("h264",), session_id=1)
    url = f"{site.base_url}/live/main/whep"
    joined = await join(make_offer, lambda offer: post_offer(url, offer))
    figures = Figures(scans=True, asked_at=time.monotonic())
    viewer = LightViewer(joined, figures, bytearray(65_536), thorough=True)
    await viewer.connect()
    await until(lambda: figures.received > 0, "the cached group")
    viewer.close()
    assert not figures.forged


async def publish_whip(site: Site) -> None:
    name = f"visitor{next(_numbers)}"
    feed = opus_feed()
    tracks = [track for track in (feed.video, feed.audio) if track]
    publisher = await open_whip(f"{site.base_url}/live/{name}/whip", tracks)
    publisher.send(list(feed.packets(0.2)))
    await until(lambda: site.server.directory.get(name), f"{name} on air")
    publisher.stop()


@pytest.mark.parametrize(
    "visit",
    [
        watch_flv,
        watch_converted,
        watch_over_websocket,
        watch_hls,
        follow_the_feed,
        watch_rtmp,
        publish_rtmp,
        watch_srt,
        publish_srt,
        watch_whep,
        publish_whip,
    ],
)
async def test_nothing_stays_of_those_who_have_gone(
    site: Site, visit: Callable[[Site], Awaitable[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resources, "_SWEEP_SECONDS", 0.2)
    with_opus = visit in (watch_whep, watch_converted)
    publisher = await on_air(site, feed=opus_feed() if with_opus else None)
    await come_and_go(site, publisher, visit, WARM_UP)
    before = Held.now()
    await come_and_go(site, publisher, visit, CYCLES)
    after = Held.now()
    publisher.stop()
    assert after.descriptors <= before.descriptors + 2
    assert after.tasks <= before.tasks
    assert after.objects - before.objects < CYCLES * PER_CYCLE
    assert after.memory - before.memory < GROWTH


async def come_and_go(
    site: Site, publisher: Publisher, visit: Callable[[Site], Awaitable[None]], times: int
) -> None:
    """Visit so often, ten at a time, while the stream goes on; then wait until all are gone."""
    for _ in range(times // 10):
        await asyncio.gather(*(visit(site) for _ in range(10)))
        publisher.send(1)
    async with asyncio.timeout(20):
        while (await connections(site)) != ONLY_OURS or known_to_http(site):
            await turns()


def known_to_http(site: Site) -> int:
    """How many WebRTC sessions there are, or were a moment ago: a ``DELETE`` may still come.

    Of this server: the ones of the tests before may not have been collected yet.
    """
    return sum(
        len(each)
        for each in gc.get_objects()
        if type(each) is SessionResources and each._endpoint is site.server._ice
    )


async def connections(site: Site) -> dict[str, float]:
    """How many there are, by listener."""
    text = (await site.get("/metrics")).text
    found = re.findall(r'^gamecast_connections{listener="(\w+)"} (.+)$', text, re.MULTILINE)
    return {listener: float(count) for listener, count in found}
