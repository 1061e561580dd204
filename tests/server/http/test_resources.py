"""WebRTC sessions as HTTP resources: PATCH, restarts, what ICE servers clients are told."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import os
import re
import time

import httpx
import pytest

from gamecast.protocols.webrtc import stun
from gamecast.protocols.webrtc.credentials import IceCredentials
from gamecast.protocols.webrtc.sdp_fragment import SdpFragment, build_fragment, parse_fragment
from gamecast.protocols.webrtc.stun import Attribute, MessageClass
from gamecast.server.http.ice_servers import IceServers
from gamecast.server.http.resources import SessionResources
from tests.server.site import MakeSite, Site
from tests.server.webrtc.peer import SDP, Peer
from tests.server.webrtc.studio import on_air
from tests.server.webrtc.test_whep import _OFFER, source, url
from tests.support.events import until

KIND = {"content-type": "application/trickle-ice-sdpfrag"}
SERVERS = [
    {"url": "stun:stun.example.org"},
    {"url": "turn:turn.example.org?transport=udp", "username": "u", "credential": "p, q"},
]


def fragment(peer: Peer, credentials: IceCredentials | None = None) -> str:
    """A trickled fragment of a peer."""
    assert peer.session is not None
    return build_fragment(credentials or peer.session.agent.local, [], mid="0", kind="video")


async def offered(site: Site) -> httpx.Response:
    """The answer to an offer to watch."""
    answer = await site.browser.post("/live/main/whep", content=_OFFER, headers=SDP)
    assert answer.status_code == 201, answer.text
    return answer


async def test_trickled_candidates_are_taken_for_the_present_ice_session(site: Site) -> None:
    async with on_air(site), Peer(url(site)) as peer:
        patch = site.browser.patch
        body = fragment(peer)
        tag = {"if-match": peer.tag}
        assert (await patch(peer.resource, content=body, headers=KIND | tag)).status_code == 204
        any_tag = {"if-match": "*"}
        same = await patch(peer.resource, content=body, headers=KIND | any_tag)
        assert same.status_code == 204, "the same credentials restart nothing"
        assert (await patch(peer.resource, content=body, headers=KIND)).status_code == 428
        other = {"if-match": '"other"'}
        assert (await patch(peer.resource, content=body, headers=KIND | other)).status_code == 412
        plain = {"content-type": "text/plain"}
        answer = await patch(peer.resource, content=body, headers=plain | tag)
        assert (answer.status_code, answer.headers["accept-patch"]) == (415, KIND["content-type"])
        for bad, status in (("a=nothing\r\n", 400), ("x" * 20_000, 413)):
            answer = await patch(peer.resource, content=bad, headers=KIND | tag)
            assert answer.status_code == status
        answer = await site.browser.get(peer.resource)
        assert (answer.status_code, answer.headers["allow"]) == (405, "PATCH, DELETE, OPTIONS")
        assert (await patch("/live/main/whep/" + "x" * 24, headers=KIND)).status_code == 404


class Prober(asyncio.DatagramProtocol):
    """Checks the server's address once and keeps what comes."""

    def __init__(self) -> None:
        self.received: list[bytes] = []

    def datagram_received(self, data: bytes, addr: object) -> None:
        """From asyncio."""
        self.received.append(data)


def check(own: IceCredentials, answered: SdpFragment) -> bytes:
    """A check that nominates."""
    username = f"{answered.credentials.ufrag}:{own.ufrag}".encode()
    attributes = [
        (Attribute.USERNAME, username),
        (Attribute.PRIORITY, b"\0\0\0\1"),
        (Attribute.ICE_CONTROLLING, bytes(8)),
        (Attribute.USE_CANDIDATE, b""),
    ]
    key = answered.credentials.key
    return stun.build(MessageClass.REQUEST, os.urandom(12), attributes, key=key)


async def test_an_ice_restart_moves_the_media_and_changes_the_tag(site: Site) -> None:
    async with on_air(site), Peer(url(site)) as peer:
        await peer.until(lambda: peer.rtp)
        viewer = source(site).rtp.viewers[0]
        own = IceCredentials.generate(os.urandom)
        answer = await site.browser.patch(
            peer.resource, content=fragment(peer, own), headers=KIND | {"if-match": "*"}
        )
        assert answer.status_code == 200
        assert answer.headers["content-type"] == KIND["content-type"]
        assert answer.headers["etag"] != peer.tag
        answered = parse_fragment(answer.text)
        assert {each.transport for each in answered.candidates} == {"udp", "tcp"}
        assert "m=video" in answer.text
        stale = {"if-match": peer.tag}
        late = await site.browser.patch(peer.resource, content=fragment(peer), headers=KIND | stale)
        assert late.status_code == 412
        count = len(peer.rtp)
        await peer.until(lambda: len(peer.rtp) > count + 10)  # the old pair serves meanwhile
        assert site.server._ice is not None
        loop = asyncio.get_running_loop()
        transport, prober = await loop.create_datagram_endpoint(
            Prober, remote_addr=site.server._ice.address
        )
        transport.sendto(check(own, answered))
        await until(lambda: len(prober.received) > 10, "media at the new address")
        assert viewer.session.selected == transport.get_extra_info("sockname")
        transport.close()


async def test_restarts_keep_two_generations_and_no_more(site: Site) -> None:
    async with on_air(site), Peer(url(site)) as peer:
        for _ in range(5):
            own = IceCredentials.generate(os.urandom)
            answer = await site.browser.patch(
                peer.resource, content=fragment(peer, own), headers=KIND | {"if-match": "*"}
            )
            assert answer.status_code == 200
        assert site.server._ice is not None
        assert len(site.server._ice._router._by_ufrag) == 2
        await site.browser.delete(peer.resource)
        assert not site.server._ice._router._by_ufrag


async def test_ice_servers_come_with_the_answer_and_to_who_may_offer(make_site: MakeSite) -> None:
    site = await make_site(ice={"servers": SERVERS})
    expected = [
        '<stun:stun.example.org>; rel="ice-server"',
        '<turn:turn.example.org?transport=udp>; rel="ice-server"; username="u"; '
        'credential="p, q"; credential-type="password"',
    ]
    async with on_air(site):
        answer = await offered(site)
        assert answer.headers.get_list("link") == expected
        assert "link" in answer.headers["access-control-expose-headers"]
    asked = await site.browser.options("/live/main/whep")
    assert asked.headers.get_list("link") == expected
    assert asked.headers["accept-post"] == "application/sdp"
    preflight = {"access-control-request-method": "POST", "origin": "https://a.example"}
    assert "link" not in (await site.browser.options("/live/main/whep", headers=preflight)).headers
    for path in ("/live/main/whip", "/whip"):
        assert "link" not in (await site.browser.options(path)).headers, "credentials for anybody"
        wrong = {"authorization": "Bearer gc_wrong"}
        assert "link" not in (await site.browser.options(path, headers=wrong)).headers
        right = {"authorization": f"Bearer {site.key}"}
        asked = await site.browser.options(path, headers=right)
        assert asked.headers.get_list("link") == expected


async def test_viewers_who_may_not_play_are_told_no_servers(make_site: MakeSite) -> None:
    site = await make_site(ice={"servers": SERVERS}, auth={"play": "key"})
    asked = await site.browser.options("/live/main/whep")
    assert asked.status_code == 204
    assert "link" not in asked.headers
    right = {"authorization": f"Bearer {site.key}"}
    asked = await site.browser.options("/live/main/whep", headers=right)
    assert len(asked.headers.get_list("link")) == 2


async def test_a_shared_secret_makes_credentials_that_expire(make_site: MakeSite) -> None:
    server = {"url": "turn:turn.example.org", "secret": "canary", "lifetime": 600}
    site = await make_site(ice={"servers": [server]})
    link = (await site.browser.options("/live/main/whep")).headers["link"]
    assert "canary" not in link
    found = re.search(r'username="(\d+):gamecast"; credential="([^"]+)"', link)
    assert found is not None
    assert abs(int(found[1]) - time.time() - 600) < 30
    digest = hmac.new(b"canary", f"{found[1]}:gamecast".encode(), hashlib.sha1).digest()
    assert base64.b64encode(digest).decode() == found[2]


async def test_closed_sessions_are_forgotten(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gamecast.server.http.resources._SWEEP_SECONDS", 0.1)
    assert site.server._ice is not None
    servers = IceServers([], wall=time.time)
    resources = SessionResources("whep", site.server._ice, ice_servers=servers)
    async with on_air(site), Peer(url(site)) as peer:
        await peer.until(lambda: peer.rtp)
        session = source(site).rtp.viewers[0].session
        resources.created("main", session, "", end=lambda: None)
        await asyncio.sleep(0.25)  # two sweeps that find it alive
        assert len(resources) == 1
        site.server._ice.end(session, "over")
        await until(lambda: len(resources) == 0, "forgotten")
