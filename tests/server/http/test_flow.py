"""HTTP-FLV and fMP4 as viewers get them: framings, versions of HTTP, ends."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace

import pytest

from gamecast.media.containers.flv import FlvDemuxer
from gamecast.media.track import Codec
from tests.server.http_viewer import FlvViewer, RawHttp, assert_unbroken, watch_flv
from tests.server.rtmp_peer import frame_numbers, on_air
from tests.server.site import MakeSite, Site
from tests.server.webrtc.studio import StudioPublisher
from tests.support.events import until
from tests.support.media import Feed, aac_track, h264_track


async def test_flv_comes_as_chunks_from_the_current_group_on(site: Site) -> None:
    publisher = await on_air(site)
    publisher.send(20)
    await until(lambda: site.stream().cached()[0].dts > 0, "a second group")
    async with await watch_flv(site.http) as viewer:
        assert viewer.http.headers["transfer-encoding"] == "chunked"
        assert viewer.http.headers["content-type"] == "video/x-flv"
        assert viewer.http.headers["cache-control"] == "no-store"
        assert viewer.http.headers["access-control-allow-origin"] == "*"
        publisher.send(30)
        await viewer.wait_for_frame(publisher.next_frame - 1)
        assert viewer.frames[0] % 10 == 0
        assert viewer.frames[0] > 0
        assert_unbroken(viewer.frames)
        publisher.stop()
        await viewer.wait_end()
        assert viewer.ended
    audio = [tag.timestamp for tag in viewer.tags if tag.type == 8]
    assert all(a < b for a, b in itertools.pairwise(audio[1:]))


async def test_a_viewer_of_http_1_0_gets_bytes_without_chunks(site: Site) -> None:
    publisher = await on_air(site)
    async with await RawHttp.open(site.http) as http:
        http.request("/live/main.flv", version="1.0")
        assert await http.read_head() == 200
        assert "transfer-encoding" not in http.headers
        publisher.send(10)
        publisher.stop()
        body = await http.read_to_end()
    tags = FlvDemuxer().receive_data(body)
    frames = [n for tag in tags if tag.type == 9 for n in frame_numbers(tag.payload)]
    assert frames == list(range(15))


@pytest.mark.parametrize(
    ("path", "media_type"),
    [("/live/main.flv", "video/x-flv"), ("/live/main.mp4", "video/mp4")],
)
async def test_head_says_what_get_would_and_opens_no_rendition(
    site: Site, path: str, media_type: str
) -> None:
    publisher = await on_air(site)
    answer = await site.browser.head(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == media_type
    assert answer.headers["access-control-allow-origin"] == "*"
    assert site.stream().renditions == {}
    publisher.stop()


async def test_mp4_begins_with_its_header_and_flows(site: Site) -> None:
    publisher = await on_air(site)
    async with await RawHttp.open(site.http) as http:
        http.request("/live/main.mp4")
        assert await http.read_head() == 200
        publisher.send(30)
        data = b""
        async with asyncio.timeout(5):
            while data.count(b"moof") < 3:
                data += await http.read_chunk()
    assert data[4:8] == b"ftyp"
    assert data.index(b"moov") < data.index(b"moof") < data.index(b"mdat")
    publisher.stop()


async def test_all_viewers_get_the_same_bytes_and_a_late_one_the_same_group(site: Site) -> None:
    publisher = await on_air(site)
    async with await watch_flv(site.http) as first, await watch_flv(site.http) as second:
        publisher.send(17)
        await first.wait_for_frame(21)
        async with await watch_flv(site.http) as late:
            publisher.send(10)
            for viewer in (first, second, late):
                await viewer.wait_for_frame(31)
        assert first.wire == second.wire
        assert late.frames == list(range(20, 32))
        start = next(i for i, tag in enumerate(late.tags) if tag.type == 9 and tag.payload[1] == 1)
        assert late.wire[start:] == first.wire[-len(late.wire[start:]) :]
    publisher.stop()


async def test_the_rendition_lives_as_long_as_somebody_watches(site: Site) -> None:
    publisher = await on_air(site)
    stream = site.stream()
    async with await watch_flv(site.http), await watch_flv(site.http):
        assert set(stream.renditions) == {"flv"}
        assert stream.audience() == {"total": 2, "flv": 2}
    await until(lambda: not stream.renditions, "the end of the rendition")
    publisher.stop()


async def test_what_a_viewer_says_after_its_request_means_nothing(site: Site) -> None:
    publisher = await on_air(site)
    async with await watch_flv(site.http) as viewer:
        for _ in range(50):
            viewer.http.send(b"GET / HTTP/1.1\r\n\r\n" + bytes(20_000))
        publisher.send(30)
        await viewer.wait_for_frame(34)
        assert_unbroken(viewer.frames)
    publisher.stop()


async def test_requests_behind_one_that_took_the_connection_are_not_answered(site: Site) -> None:
    publisher = await on_air(site)
    async with await RawHttp.open(site.http) as http:
        flv = b"GET /live/main.flv HTTP/1.1\r\nHost: test\r\n\r\n"
        http.send(flv + b"GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n" + flv)
        assert await http.read_head() == 200
        viewer = FlvViewer(http)
        async with viewer:
            publisher.send(30)
            await viewer.wait_for_frame(34)
            assert_unbroken(viewer.frames)
            publisher.stop()
            await viewer.wait_end()
            assert viewer.ended


async def test_names_and_formats_that_are_not_there(site: Site) -> None:
    for path, code in (
        ("/live/main.flv", "not_on_air"),
        ("/live/main.avi", "no_such_format"),
        ("/live/main", "no_such_format"),
        ("/live/main/index.m3u8", "not_on_air"),
        ("/live/%00.flv", "not_on_air"),
        ("/live/..%2f..%2fetc.flv", None),
    ):
        answer = await site.get(path)
        assert answer.status_code == 404, path
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == 404
        if code:
            assert answer.json()["code"] == code, path
        assert answer.headers["access-control-allow-origin"] == "*"


async def test_sound_alone_that_ts_cannot_carry_is_refused(site: Site) -> None:
    publisher = StudioPublisher()
    ingest = site.server.directory.publish("main", title="", publisher=publisher)
    for packet in Feed(video=None, audio=replace(aac_track(), codec=Codec.FLAC)).packets(2):
        ingest.write(packet)
    answer = await site.get("/live/main.ts")
    assert answer.status_code == 406
    assert answer.json()["code"] == "codec_not_carried"
    assert "flac" in answer.json()["detail"]
    assert (await site.browser.head("/live/main.mp4")).status_code == 200
    ingest.stop("over")


async def test_sound_that_ts_cannot_carry_is_left_out(site: Site) -> None:
    sound = replace(aac_track(), codec=Codec.FLAC)
    publisher = StudioPublisher()
    ingest = site.server.directory.publish("main", title="", publisher=publisher)
    for packet in Feed(video=h264_track(), audio=sound, group=10).packets(1):
        ingest.write(packet)
    assert (await site.browser.head("/live/main.ts")).status_code == 200
    ingest.stop("over")


async def test_other_methods(site: Site) -> None:
    answer = await site.browser.post("/live/main.flv")
    assert answer.status_code == 405
    assert "GET" in answer.headers["allow"]
    answer = await site.browser.options("/live/main.flv", headers={"origin": "http://else"})
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "*"


async def test_the_allowed_origin_is_configurable(make_site: MakeSite) -> None:
    for origin, expected in (("https://a.example", "https://a.example"), ("", None)):
        site = await make_site(auth={"publish": "open"}, http={"allow_origin": origin})
        publisher = await on_air(site)
        for path in ("/live/main/index.m3u8", "/live/gone.flv"):
            answer = await site.get(path)
            assert answer.headers.get("access-control-allow-origin") == expected
            assert ("origin" in answer.headers.get("vary", "")) == bool(expected)
        async with await watch_flv(site.http) as viewer:
            assert viewer.http.headers.get("access-control-allow-origin") == expected
        publisher.stop()
