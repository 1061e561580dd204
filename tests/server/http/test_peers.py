"""What administrators are told of WebRTC's viewers and publishers."""

from __future__ import annotations

import asyncio
from typing import Any

from gamecast.protocols.webrtc.rtcp import ReceiverReport, ReportBlock
from gamecast.protocols.webrtc.rtcp_feedback import (
    GenericNack,
    PictureLossIndication,
    ReceiverEstimate,
)
from tests.server.site import Site
from tests.server.webrtc.peer import Peer
from tests.server.webrtc.studio import on_air
from tests.server.webrtc.tcp_peer import TcpPeer
from tests.server.webrtc.test_whep import source, url
from tests.server.webrtc.test_whip import publishing
from tests.support.events import until


async def admin(site: Site, path: str) -> Any:
    """The JSON of an administrator's GET."""
    token = await site.store.tokens.create(label="test")
    headers = {"authorization": f"Bearer {token}"}
    answer = await site.browser.get(f"/api/v1/streams/main/{path}", headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_whep_viewers_with_what_their_players_say(site: Site) -> None:
    async with on_air(site), Peer(url(site)) as peer, TcpPeer(url(site)) as other:
        await peer.until(lambda: peer.of("video"))
        await other.until(lambda: other.of("video"))
        ssrc = peer.of("video")[0].ssrc
        viewer = source(site).rtp.viewers[0]
        earlier = asyncio.get_running_loop().time() - 2
        viewer.reception.told_counts(1, 0, earlier)  # the share lost is that of more than a second
        block = ReportBlock(
            ssrc=ssrc,
            fraction_lost=255,
            cumulative_lost=9,
            highest_sequence=1 + 36,
            jitter=900,
            last_sr=0,
            delay_since_last_sr=0,
        )
        peer.send_rtcp(ReceiverReport(1, [block]))
        peer.send_rtcp(ReceiverEstimate(1, 2_000_000, [ssrc]))
        peer.send_rtcp(GenericNack(1, ssrc, [1, 2]))
        peer.send_rtcp(PictureLossIndication(1, ssrc))
        await until(lambda: viewer.reception.plis, "the last of these")
        found = (await admin(site, "viewers"))["items"]
        assert [item["protocol"] for item in found] == ["whep", "whep"]
        first, second = found
        assert first["address"] == "127.0.0.1"
        assert "httpx" in first["software"]
        assert first["bytes"] > 1000
        said = first["webrtc"]
        assert said.pop("rtt") >= 0
        assert said == {
            "transport": "udp",
            "estimate": 2_000_000,
            "fraction_lost": 0.25,
            "jitter": 0.01,
            "nacks": 2,
            "plis": 1,
        }
        assert second["webrtc"]["transport"] == "tcp"


async def test_a_whip_publisher_with_how_it_arrives(site: Site) -> None:
    async with publishing(site):
        await until(lambda: site.server.directory.get("main") is not None, "main on air")
        found = await admin(site, "publisher")
        assert found["protocol"] == "whip"
        assert found["webrtc"]["transport"] == "udp"
        sources = {each["kind"]: each for each in found["webrtc"]["sources"]}
        assert sources["video"]["codec"] == "h264"
        assert sources["audio"]["received"] > 0
        assert sources["video"]["lost"] == 0
    answer = await site.browser.get("/api/v1/streams/main/publisher")
    assert answer.status_code == 401
