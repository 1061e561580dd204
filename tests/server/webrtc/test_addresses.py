"""Which addresses candidates name: configured ones, host names, IPv6."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

import pytest

from gamecast.server.webrtc import addresses
from gamecast.server.webrtc.addresses import PublicAddresses
from tests.server.site import MakeSite
from tests.server.webrtc.peer import Peer
from tests.server.webrtc.studio import on_air
from tests.server.webrtc.tcp_peer import TcpPeer
from tests.server.webrtc.test_whep import source, url
from tests.support.events import until


async def test_host_names_are_looked_up() -> None:
    public = PublicAddresses(["192.0.2.1", "localhost"], family=socket.AF_INET)
    await public.start()
    assert public.reached("10.0.0.1") == ["192.0.2.1", "127.0.0.1"]
    await public.close()


async def test_behind_a_proxy_the_site_s_own_name_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async def look_up(self: PublicAddresses, name: str) -> list[str]:
        assert name == "live.example.org"
        return ["192.0.2.9"]

    monkeypatch.setattr(PublicAddresses, "_look_up", look_up)
    guess = PublicAddresses([], family=socket.AF_INET, site="live.example.org")
    assert guess.reached("127.0.0.1") == ["127.0.0.1"], "not looked up yet"
    await guess.start()
    assert guess.reached("127.0.0.1") == ["192.0.2.9"], "the proxy's connection"
    assert guess.reached("10.0.0.1") == ["10.0.0.1", "192.0.2.9"], "reached without the proxy"
    await guess.close()
    told = PublicAddresses(["192.0.2.1"], family=socket.AF_INET, site="live.example.org")
    await told.start()
    assert told.reached("10.0.0.1") == ["192.0.2.1"]
    await told.close()


async def test_a_name_that_moves_is_followed_and_one_that_fails_keeps_its_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers: Iterator[OSError | list[str]] = iter(
        [OSError("not yet"), ["192.0.2.5"], OSError("no"), ["192.0.2.6"]]
    )
    asked: list[str] = []
    seen: list[list[str]] = []

    async def look_up(self: PublicAddresses, name: str) -> list[str]:
        seen.append(self.reached("10.0.0.1"))
        asked.append(name)
        answer = next(answers, None)
        if answer is None:
            await asyncio.Event().wait()
        if isinstance(answer, OSError):
            raise answer
        return answer or []

    monkeypatch.setattr(PublicAddresses, "_look_up", look_up)
    monkeypatch.setattr(addresses, "REFRESH_SECONDS", 0.01)
    public = PublicAddresses(["home.example.org"], family=socket.AF_INET)
    await public.start()
    await until(lambda: len(asked) == 5, "looked up again and again")
    assert seen == [["10.0.0.1"], ["10.0.0.1"], ["192.0.2.5"], ["192.0.2.5"], ["192.0.2.6"]]
    assert set(asked) == {"home.example.org"}
    await public.close()


@pytest.mark.parametrize(
    ("reached", "named"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8::7", "2001:db8::7"),
        ("fe80::1%eth0", "fe80::1"),
    ],
)
def test_where_a_request_came_to_as_candidates_have_it(reached: str, named: str) -> None:
    assert PublicAddresses([], family=socket.AF_INET6).reached(reached) == [named]


@pytest.mark.parametrize("kind", [Peer, TcpPeer])
async def test_watching_over_ipv6(make_site: MakeSite, kind: type[Peer]) -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("no IPv6 on this machine")
    site = await make_site(server={"host": "::1"})
    peer = kind(url(site))
    peer.host = "::1"
    async with on_air(site), peer:
        await peer.until(lambda: len(peer.of("video")) > 10)
        assert source(site).rtp.viewers[0].session.selected[0] == "::1"  # type: ignore[index]
        assert peer.agreement is not None
        assert {each.host for each in peer.agreement.remote.candidates} == {"::1"}
