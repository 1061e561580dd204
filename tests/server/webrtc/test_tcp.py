"""ICE-TCP end to end: watching and publishing where UDP does not pass, and what may not stay."""

from __future__ import annotations

import asyncio
import contextlib
from itertools import pairwise

import pytest

from gamecast.media.track import Codec
from gamecast.protocols.webrtc import ice_client
from gamecast.protocols.webrtc.framing import frame
from gamecast.server.webrtc import tcp
from gamecast.server.webrtc.endpoint import Endpoint
from tests.server.site import MakeSite, Site
from tests.server.webrtc.peer import Peer
from tests.server.webrtc.studio import on_air
from tests.server.webrtc.tcp_peer import TcpPeer
from tests.server.webrtc.test_whep import source, url
from tests.server.webrtc.test_whip import STREAMS, Encoder
from tests.support.events import until

GROUP = 15
FRAME_TICKS = 3000
"""Of the 90 kHz clock, at 30 frames a second."""


def endpoint(site: Site) -> Endpoint:
    """The server's WebRTC port."""
    assert site.server._ice is not None
    return site.server._ice


def connections(site: Site) -> int:
    """ICE-TCP connections that are open."""
    paths = endpoint(site)._tcp
    assert paths is not None
    return len(paths)


async def ended(reader: asyncio.StreamReader) -> None:
    """Wait until the server has closed a connection, one way or the other."""
    with contextlib.suppress(ConnectionResetError):
        while await reader.read(1000):
            pass


async def test_a_viewer_gets_every_frame_over_tcp(site: Site) -> None:
    async with on_air(site, group=300) as publisher, TcpPeer(url(site)) as peer:
        await peer.until(lambda: len(peer.units(Codec.H264, "video")) > 60)
        assert peer.candidate.port == endpoint(site).address[1]
        sequences = [packet.sequence for packet in peer.of("video")]
        assert sequences == list(range(sequences[0], sequences[0] + len(sequences)))
        published = [packet.data for packet in publisher.sent if packet.is_video]
        assert peer.units(Codec.H264, "video")[1:60] == published[1:60]
        assert len(peer.of("audio")) > 10
    await until(lambda: connections(site) == 0, "closed")


async def test_a_publisher_comes_in_over_tcp(site: Site) -> None:
    async with TcpPeer(f"{site.base_url}/live/main/whip", streams=STREAMS, key=site.key) as peer:
        await peer.until(lambda: peer.session is not None and peer.session.is_connected)
        task = asyncio.create_task(Encoder(peer).run())
        await until(lambda: site.server.directory.get("main") is not None, "main on air")
        task.cancel()


async def test_a_connection_that_breaks_is_replaced_by_another(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ice_client, "CONSENT_INTERVAL", 0.2)
    async with on_air(site), TcpPeer(url(site)) as peer:
        await peer.until(lambda: peer.of("video"))
        viewer = source(site).rtp.viewers[0]
        peer.cut()
        await until(lambda: not viewer.session.is_connected, "nowhere to send to")
        await peer.reconnect()
        count = len(peer.rtp)
        await peer.until(lambda: len(peer.rtp) > count + 30)
        assert connections(site) == 1


async def test_a_viewer_that_stops_reading_loses_groups_and_takes_no_more_memory(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tcp, "MOST_WAITING", 200_000)
    async with on_air(site, group=GROUP, frame_bytes=40_000), TcpPeer(url(site)) as peer:
        await peer.until(lambda: len(peer.of("video")) > 20)
        start = peer.of("video")[0].timestamp  # that of a keyframe: viewers begin with a group
        viewer = source(site).rtp.viewers[0]
        peer.reading.clear()
        await until(lambda: viewer.dropped_groups >= 2, "groups dropped")
        assert viewer.skipping
        assert 0 < viewer.socket.backlog() < 200_000 + 100_000
        assert not viewer.queue
        peer.rtp.clear()
        peer.reading.set()
        await until(lambda: not viewer.skipping, "a group again")
        await peer.until(lambda: len({p.timestamp for p in peer.of("video")}) > 60)
        # It goes on with whole groups: what follows a gap is a keyframe's first packet.
        packets = peer.of("video")
        after = [b for a, b in pairwise(packets) if b.sequence != a.sequence + 1 & 0xFFFF]
        assert after
        for packet in after:
            frames = (packet.timestamp - start) / FRAME_TICKS
            assert frames % GROUP == pytest.approx(0, abs=0.1)


async def test_a_slow_line_gets_the_cached_group_at_its_own_pace(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tcp, "MOST_WAITING", 400_000)
    peer = TcpPeer(url(site))
    peer.pause = 0.025
    async with on_air(site, group=3000, frame_bytes=40_000, cached=4.0), peer:
        await peer.until(lambda: len({p.timestamp for p in peer.of("video")}) > 130)
        viewer = source(site).rtp.viewers[0]
        assert viewer.dropped_groups == 0
        sequences = [packet.sequence for packet in peer.of("video")]
        assert sequences == list(range(len(sequences))), "from the keyframe on, without a gap"


@pytest.mark.parametrize(
    "data",
    [b"\x00\x05hello", b"GET / HTTP/1.1\r\n\r\n", frame(b"\x80" * 40), frame(b"\x00\x01" * 20)],
)
async def test_what_is_no_session_s_is_closed_at_once(site: Site, data: bytes) -> None:
    reader, writer = await asyncio.open_connection(*endpoint(site).address)
    writer.write(data)
    async with asyncio.timeout(5):
        await ended(reader)
    writer.close()
    assert connections(site) == 0


async def test_a_silent_connection_is_closed_in_time(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tcp, "CHECK_SECONDS", 0.1)
    opened = [await asyncio.open_connection(*endpoint(site).address) for _ in range(20)]
    await until(lambda: connections(site) == 20, "connected")
    opened[0][1].write(b"\x00")  # half a length keeps nothing open
    await until(lambda: connections(site) == 0, "closed")
    for _, writer in opened:
        writer.close()


async def test_connections_are_bounded(make_site: MakeSite) -> None:
    site = await make_site(ice={"max_sessions": 3})
    opened = [await asyncio.open_connection(*endpoint(site).address) for _ in range(5)]
    async with asyncio.timeout(5):
        for reader, _ in opened[3:]:
            await ended(reader)
    assert connections(site) == 3
    for _, writer in opened:
        writer.close()


async def test_tcp_can_be_left_out(make_site: MakeSite) -> None:
    site = await make_site(ice={"tcp": False})
    async with on_air(site):
        async with Peer(url(site)) as peer:
            assert peer.agreement is not None
            found = peer.agreement.remote.candidates
            assert [candidate.transport for candidate in found] == ["udp"]
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(*endpoint(site).address)
