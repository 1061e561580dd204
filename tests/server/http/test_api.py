"""The API, pages and feeds over a real connection."""

from __future__ import annotations

import asyncio

import pytest

from tests.server.http_viewer import RawHttp, watch_flv
from tests.server.rtmp_peer import on_air
from tests.server.site import MakeSite, Site
from tests.support.events import until


async def test_an_administrator_ends_a_stream_and_sees_viewers(site: Site) -> None:
    publisher = await on_air(site)
    token = await site.store.tokens.create(label="test")
    path = "/api/v1/streams/main"
    assert (await site.browser.delete(path)).status_code == 401
    wrong = {"authorization": "Bearer gct_wrong"}
    assert (await site.browser.delete(path, headers=wrong)).status_code == 403
    right = {"authorization": f"Bearer {token}"}
    async with await watch_flv(site.http) as viewer:
        items = (await site.browser.get(f"{path}/viewers", headers=right)).json()["items"]
        assert [item["protocol"] for item in items] == ["flv"]
        assert items[0]["bytes"] > 0
        assert (await site.browser.delete(path, headers=right)).status_code == 204
        await viewer.wait_end()
        assert viewer.ended
    await publisher.peer.wait_closed()
    assert (await site.browser.delete(path, headers=right)).status_code == 404


async def test_health_and_metrics(site: Site) -> None:
    assert await site.json("/healthz") == {"status": "ok"}
    publisher = await on_air(site)
    async with await watch_flv(site.http):
        text = (await site.get("/metrics")).text
    assert 'gamecast_viewers{protocol="flv",stream="main"} 1.0' in text
    assert "gamecast_streams 1.0" in text
    publisher.stop()


@pytest.mark.parametrize(
    ("networks", "status"),
    [
        ("", 200),
        ("127.0.0.1", 200),
        ("10.0.0.0/8,127.0.0.0/8", 200),
        ("::ffff:0:0/96", 403),
        ("127.0.0.2", 403),
        ("10.0.0.0/8,::1", 403),
    ],
)
async def test_metrics_are_for_those_who_may_read_them(
    make_site: MakeSite, networks: str, status: int
) -> None:
    site = await make_site(http={"metrics_from": networks})
    answer = await site.get("/metrics")
    assert answer.status_code == status
    assert ("gamecast_" in answer.text) == (status == 200)
    assert (await site.get("/healthz")).status_code == 200


async def test_pages_have_a_policy_a_language_and_a_tag(site: Site) -> None:
    answer = await site.get("/main", accept_language="zh-CN,en;q=0.5")
    assert '<html lang="zh-CN"' in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    again = await site.get("/main", accept_language="zh-CN", if_none_match=answer.headers["etag"])
    assert again.status_code == 304
    embedded = await site.get("/embed/main")
    assert "frame-ancestors *" in embedded.headers["content-security-policy"]
    assert (await site.get("/assets/nothing.js")).status_code == 404


async def test_the_feed_tells_what_happens(site: Site) -> None:
    async with await RawHttp.open(site.http) as http:
        http.request("/api/v1/streams/main/live")
        assert await http.read_head() == 200
        assert http.headers["content-type"].startswith("text/event-stream")
        assert b'"stream":null' in await http.read_chunk()
        publisher = await on_air(site)
        assert b'"name":"main"' in await http.read_chunk()
        publisher.stop()
        seen = b""
        async with asyncio.timeout(5):
            while b'"code":"ended"' not in seen:
                seen += await http.read_chunk()
        assert b'"code":"publisher_lost"' in seen


@pytest.mark.parametrize("how", ["key", "token"])
async def test_every_media_route_asks_for_the_credential(make_site: MakeSite, how: str) -> None:
    site = await make_site(auth={"play": how})
    publisher = await on_air(site, site.key)
    secret = site.key if how == "key" else await site.store.tokens.create(play="main")
    for file in ("main.mp4", "main.ts", "main/index.m3u8", "main/media.m3u8", "main/poster.jpg"):
        assert (await site.get(f"/live/{file}")).status_code == 401, file
        assert (await site.get(f"/live/{file}?token=wrong")).status_code in (403, 429), file
    bearer = f"Bearer {secret}"
    assert (await site.get("/live/main/index.m3u8", authorization=bearer)).status_code == 200
    assert (await site.get(f"/live/main/index.m3u8?{how}={secret}")).status_code == 200
    async with await RawHttp.open(site.http) as http:
        http.request(f"/live/main.flv?{how}={secret}")
        assert await http.read_head() == 200
    await until(lambda: not site.stream().audience().get("flv"), "the viewer gone")
    publisher.stop()
