"""Sessions that never connect and viewers that vanish: gone in bounded time, with all they held."""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock

import pytest

from gamecast.protocols.webrtc import ice, ice_client
from gamecast.protocols.webrtc import session as webrtc_session
from gamecast.protocols.webrtc.dtls import DtlsConnection
from gamecast.protocols.webrtc.media_receiver import MediaReceiver
from gamecast.protocols.webrtc.session import Session
from gamecast.server.auth_answers import Grant
from gamecast.server.webrtc.endpoint import Endpoint, TooMany
from gamecast.server.webrtc.source import WebRtcSource
from gamecast.server.webrtc.viewer import WhepViewer
from gamecast.server.webrtc.whep import WhepService
from gamecast.server.webrtc.whip import WhipPublisher, WhipService
from tests.server.site import MakeSite, Site
from tests.server.webrtc.peer import SDP, Peer
from tests.server.webrtc.studio import on_air
from tests.server.webrtc.tcp_peer import TcpPeer
from tests.server.webrtc.test_tcp import connections
from tests.server.webrtc.test_whep import _OFFER, source, url
from tests.support.events import until

MANY = 1000
_OURS = (Session, DtlsConnection, WhepViewer, WhipPublisher, MediaReceiver)


def endpoint(site: Site) -> Endpoint:
    """The server's WebRTC port."""
    assert site.server._ice is not None
    return site.server._ice


@pytest.fixture(autouse=True)
def no_circles() -> Iterator[None]:
    """Nothing is freed but what nobody refers to: circles would show as left behind."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def held(site: Site) -> dict[str, int]:
    """What a session could leave behind."""
    names = (type(each).__name__ for each in gc.get_objects() if isinstance(each, _OURS))
    router = endpoint(site)._router
    return {
        **Counter(names),
        "sessions": len(endpoint(site)),
        "counted": endpoint(site).admission.count,
        "ufrags": len(router._by_ufrag),
        "addresses": len(router._by_address) + len(router._addresses),
        "streams": len(site.server.directory.all()),
        "descriptors": len(list(Path("/proc/self/fd").iterdir())),
        "tasks": len(asyncio.all_tasks()),
    }


def left(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    """What there is more of; the test's own HTTP client may have kept a connection."""
    spare = {"descriptors": 2, "tasks": 1}
    more = {name: count - before.get(name, 0) for name, count in after.items()}
    return {name: count for name, count in more.items() if count > spare.get(name, 0)}


def fire_timers(port: Endpoint, *, ahead: float) -> None:
    """What the sessions' timers do, all at once and so many seconds early."""
    real, now = port._loop, port._loop.time() + ahead
    port._loop = Mock(wraps=real, time=lambda: now)
    for session, held in list(port._sessions.items()):
        assert held.timer is not None
        assert held.timer[0] <= now
        held.timer[1].cancel()
        held.waited_for = held.timer[0]  # it is no standstill, after which peers are heard first
        port._timer(session)
    port._loop = real


async def test_a_thousand_of_each_kind_that_never_connect_leave_nothing(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = await make_site(ice={"max_sessions": 2 * MANY, "max_sessions_per_address": 2 * MANY})
    monkeypatch.setattr(webrtc_session, "CONNECT_TIMEOUT", 60.0)  # however slow the machine is
    whep = WhepService(endpoint(site), convert=None, b_frames="drop", pace=site.server.pace)
    whip = WhipService(endpoint(site), site.server.directory)
    sending = _OFFER.replace("recvonly", "sendonly")
    async with on_air(site):
        before = held(site)
        loop = asyncio.get_running_loop()
        for number in range(MANY):
            await whep.start(_OFFER, site.stream(), reached_at="127.0.0.1", address="192.0.2.1")
            whip.start(
                sending,
                Grant(channel=f"c{number}", title="", key_id=None, credential=""),
                reached_at="127.0.0.1",
                address="192.0.2.1",
                software="",
                now=loop.time(),
            )
        assert len(endpoint(site)) == 2 * MANY
        assert site.stream().audience() == {"total": 0}
        answer = await site.browser.post("/live/main/whep", content=_OFFER, headers=SDP)
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "5"
        with pytest.raises(TooMany):
            await whep.start(_OFFER, site.stream(), reached_at="127.0.0.1", address="192.0.2.2")
        fire_timers(endpoint(site), ahead=61.0)
        assert len(endpoint(site)) == 0
        await until(lambda: site.stream().find_rendition(WebRtcSource.KEY) is None, "no source")
        assert left(before, held(site)) == {}


@pytest.mark.parametrize(("kind", "count"), [(Peer, 15), (TcpPeer, 5)])
async def test_viewers_that_vanish_leave_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch, kind: type[Peer], count: int
) -> None:
    monkeypatch.setattr(ice, "CONSENT_TIMEOUT", 2.0)
    monkeypatch.setattr(ice_client, "CONSENT_INTERVAL", 0.3)
    async with on_air(site):
        before = held(site)
        peers = [kind(url(site)) for _ in range(count)]
        for peer in peers:
            await peer.__aenter__()
        for peer in peers:
            await peer.until(lambda peer=peer: peer.of("video"))  # type: ignore[misc]
        assert site.stream().audience() == {"total": count, "whep": count}
        for peer in peers:
            peer.mute()
        await until(lambda: len(endpoint(site)) == 0, "all of them gone", within=10)
        assert site.stream().audience() == {"total": 0}
        for peer in peers:
            await peer.__aexit__()
            peer.session = None
        del peers, peer
        await until(lambda: connections(site) == 0, "closed")
        await until(lambda: site.stream().find_rendition(WebRtcSource.KEY) is None, "no source")
        after = held(site)
        for known_to_http in ("Session", "DtlsConnection"):  # for some seconds more
            after.pop(known_to_http, None)
        assert left(before, after) == {}


async def test_one_address_cannot_take_every_place(make_site: MakeSite) -> None:
    site = await make_site(ice={"max_sessions": 10, "max_sessions_per_address": 2})
    async with on_air(site), Peer(url(site)), Peer(url(site)) as peer:
        await peer.until(lambda: peer.rtp)
        headers = {**SDP, "authorization": f"Bearer {site.key}"}
        sending = _OFFER.replace("recvonly", "sendonly")
        for path, offer in (("/live/main/whep", _OFFER), ("/whip", sending)):
            answer = await site.browser.post(path, content=offer, headers=headers)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert len(source(site).rtp.viewers) == 2
        await site.browser.delete(peer.resource)
        answer = await site.browser.post("/live/main/whep", content=_OFFER, headers=SDP)
        assert answer.status_code == 201, "there is a place again"
