"""A loop that does nothing for two seconds: nobody is taken for silent, nobody is thrown out."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import structlog

from gamecast.protocols.webrtc import ice
from tests.server import rtmp_peer
from tests.server.http_viewer import FlvViewer, assert_unbroken, watch_flv
from tests.server.site import MakeSite, Site
from tests.server.srt import peer
from tests.server.srt.peer import SrtPeer
from tests.server.webrtc.peer import Peer
from tests.server.webrtc.test_whip import STREAMS, Encoder
from tests.support.events import until

IDLE = 0.8
"""Seconds of silence after which each protocol gives a peer up."""
BLOCKED = 2.2


@dataclass
class Peers:
    """A publisher by each protocol, and a viewer. They stand still with the server, no longer."""

    rtmp: rtmp_peer.Publisher
    flv: FlvViewer
    srt: SrtPeer
    whip: Peer

    async def publish(self) -> None:
        """For ever; WHIP has a task of its own."""
        while True:
            self.rtmp.send(3)
            self.srt.publish(0.1)
            await asyncio.sleep(0.1)

    def assert_alive(self, site: Site) -> None:
        """Nobody was thrown out, at either end."""
        assert {stream.name for stream in site.server.directory} == {"main", "by-srt", "by-whip"}
        for stream in site.server.directory:
            assert stream.publisher is not None, stream.name
        assert not self.rtmp.peer.gone
        assert not self.flv.over
        assert self.srt.closed is None
        assert self.whip.closed is None
        assert_unbroken(self.flv.frames)


@contextlib.asynccontextmanager
async def on_air(site: Site) -> AsyncIterator[Peers]:
    rtmp = await rtmp_peer.on_air(site)
    srt = SrtPeer(site.srt, "publish:live/by-srt")
    await srt.settled()
    url = f"{site.base_url}/live/by-whip/whip"
    async with Peer(url, STREAMS) as whip, await watch_flv(site.http) as flv:
        await whip.until(lambda: whip.session is not None and whip.session.is_connected)
        peers = Peers(rtmp, flv, srt, whip)
        sending = [asyncio.create_task(work) for work in (peers.publish(), Encoder(whip).run())]
        try:
            yield peers
        finally:
            for task in sending:
                task.cancel()
            await srt.close()
            rtmp.stop()


async def test_sessions_outlive_a_blocked_loop_and_the_log_tells_of_it(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ice, "CONSENT_TIMEOUT", IDLE)
    monkeypatch.setattr(peer, "_TICK", 0.05)  # the server's look at its timers comes first
    idle = {"idle_timeout": IDLE}
    site = await make_site(auth={"publish": "open"}, rtmp=idle, srt=idle)
    async with on_air(site) as peers:
        await until(lambda: len(list(site.server.directory)) == 3, "three streams")
        await until(lambda: all(s.publisher for s in site.server.directory), "publishers")
        with structlog.testing.capture_logs() as lines:
            time.sleep(BLOCKED)  # noqa: ASYNC251
            seen = peers.flv.frames[-1]
            await until(lambda: any(line["event"] == "loop.blocked" for line in lines), "the log")
            await peers.flv.wait_for_frame(seen + 15)
            peers.assert_alive(site)
        (said,) = [line for line in lines if line["event"] == "loop.blocked"]
        assert BLOCKED - 0.3 < said["seconds"] < BLOCKED + 1
        assert said["cpu_seconds"] < 1
