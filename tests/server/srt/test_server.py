"""The SRT listener of a whole server: what is told of its connections, and what noise does."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from gamecast.protocols.srt.packet import HEADER
from tests.server.site import MakeSite, Site
from tests.server.srt.peer import SrtPeer
from tests.support.events import until

PUBLISH = "publish:live/main::key"


@asynccontextmanager
async def peer(site: Site, stream_id: str, **settings: object) -> AsyncIterator[SrtPeer]:
    """A caller that the server has answered."""
    made = SrtPeer(site.srt, stream_id, **settings)
    try:
        await made.settled()
        yield made
    finally:
        await made.close()


def tracks(site: Site) -> Callable[[], bool]:
    """Whether both tracks are on air."""

    def ready() -> bool:
        stream = site.server.directory.get("main")
        return stream is not None and len(stream.tracks) == 2

    return ready


async def test_statistics_have_libsrts_names_in_api_and_metrics(site: Site) -> None:
    assert (await site.get("/api/v1/srt")).status_code == 401
    token = await site.store.tokens.create(label="test")
    async with peer(site, PUBLISH) as publisher:
        publisher.publish(1.0)
        await until(tracks(site), "both tracks")
        async with peer(site, "read:live/main") as viewer:
            await until(lambda: len(viewer.received) > 3, "media")
            answer = await site.get("/api/v1/srt", authorization=f"Bearer {token}")
            links = {link["role"]: link for link in answer.json()["items"]}
            metrics = (await site.get("/metrics")).text
    assert {link["stream"] for link in links.values()} == {"main"}
    assert links["publisher"]["address"] == "127.0.0.1"
    into, out = links["publisher"]["statistics"], links["viewer"]["statistics"]
    assert into["pktRecvUnique"] > 3
    assert into["msRcvTsbPdDelay"] == 120
    assert {"msRTT", "pktRcvLoss", "pktRcvDrop", "mbpsRecvRate", "msRcvBuf"} <= set(into)
    assert out["pktSent"] > 3
    assert 'gamecast_srt_pkt_recv_unique_total{stream="main"}' in metrics
    assert 'gamecast_srt_ms_rtt{stream="main"}' in metrics


@pytest.mark.parametrize("hold", [True, False])
async def test_packets_wait_out_the_latency_unless_that_is_switched_off(
    make_site: MakeSite, hold: bool
) -> None:
    site = await make_site(auth={"publish": "open"}, srt={"latency": 1.5, "hold": hold})
    loop = asyncio.get_running_loop()
    async with peer(site, PUBLISH) as publisher:
        began = loop.time()
        publisher.publish(1.0)
        await until(tracks(site), "both tracks")
        assert (loop.time() - began > 1.4) == hold


async def test_noise_gets_no_answer_and_disturbs_nobody(site: Site) -> None:
    async with peer(site, PUBLISH) as publisher:
        publisher.publish(1.0)
        await until(tracks(site), "both tracks")
        dice = random.Random(1)
        number = publisher.connection.peer_id
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.setblocking(False)
            for size in (0, 1, 15, 16, 63, 64, 1472, 65_507):
                stranger.sendto(dice.randbytes(size), site.srt)
            for identity in (number, number ^ 1, 0, 0xFFFF_FFFF):  # the right one, wrong address
                for first in (0, 0x8005_0000, 0x8002_0000, 0xFFFF_0003, 0x8000_0000):
                    stranger.sendto(HEADER.pack(first, 1, 2, identity) + bytes(8), site.srt)
            publisher.publish(1.0)
            before = publisher.connection.statistics(0).pkt_sent
            await until(lambda: publisher.connection.in_flight == 0, "confirmation")
            with pytest.raises(BlockingIOError):
                stranger.recv(65_536)
        assert publisher.closed is None
        assert before > 0
        (link,) = site.server._srt.links()
        assert link.statistics.pkt_malformed == 0
        assert link.statistics.pkt_recv_unique == before
