"""HLS that is answered without the application: the same answers, in the same order."""

from __future__ import annotations

import re

import pytest

from gamecast.server.hls import find_hls
from gamecast.server.http.answers import Answer, Headers
from gamecast.server.http.ready import ReadyHls
from tests.server.http.test_hls import MEDIA, hint, media, playing
from tests.server.http_viewer import RawHttp
from tests.server.site import Site
from tests.support.events import until

PLAIN = [(b"host", b"x"), (b"user-agent", b"y"), (b"connection", b"keep-alive")]


async def ready_on(site: Site, *, may_play: bool = True) -> tuple[ReadyHls, str, int, int]:
    """One that knows the site's streams, with the epoch and the place of the preload hint."""
    msn, part, file = hint(await media(site))
    known = ReadyHls(site.server.directory, headers={}, may_play=lambda **_: may_play)
    return known, file[:16], msn, part


async def test_everybody_gets_the_same_bytes(site: Site) -> None:
    publisher = await playing(site)
    known, epoch, msn, part = await ready_on(site)
    for file in (
        f"media.m3u8?_HLS_msn={msn - 1}&_HLS_part=0&_HLS_skip=YES",
        f"media.m3u8?token=abc&_HLS_msn={msn - 1}",
        f"{epoch}-{msn - 1}.0.m4s",
        f"{epoch}-{msn - 1}.m4s",
    ):
        first = known.find(f"/live/main/{file}".encode(), PLAIN, "here")
        other = known.find(f"/live/main/{file}".encode(), PLAIN, "there")
        assert isinstance(first, Answer), file
        assert first is other
    later = known.find(f"{MEDIA}?_HLS_msn={msn}&_HLS_part={part}".encode(), PLAIN, "here")
    assert later is not None
    assert not isinstance(later, Answer)
    publisher.stop()


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?_HLS_skip=YES",
        "?_HLS_part=0",
        "?_HLS_msn=x",
        "?_HLS_msn=-1",
        "?_HLS_msn=\xb2",
        "?_HLS_msn=1234567890123",
        "?_HLS_msn=1&_HLS_msn=2",
        "?_HLS_part=0&_HLS_msn=1",
        "?_HLS_msn=1&_HLS_skip=NO",
        "?_HLS_msn=1&x=y",
        "?x=y&_HLS_msn=1",
        "?key=%20&_HLS_msn=1",
        "?key=a&token=b&_HLS_msn=1",
        "?_HLS_msn=1#x",
        "far",
    ],
)
async def test_directives_that_are_not_plain_are_the_application_s(site: Site, query: str) -> None:
    publisher = await playing(site)
    known, _, msn, _ = await ready_on(site)
    query = query if query != "far" else f"?_HLS_msn={msn + 2}"
    assert known.find(f"{MEDIA}{query}".encode("latin-1"), PLAIN, "") is None
    assert known.find(f"{MEDIA}?_HLS_msn=1".encode(), PLAIN, "") is not None, "this one is plain"
    publisher.stop()


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"host", b"x"), (b"host", b"y")],
        [(b"host", b"x"), (b"connection", b"keep-alive, x")],
        [(b"host", b"x"), (b"range", b"bytes=0-1")],
        [(b"host", b"x"), (b"expect", b"100-continue")],
        [(b"host", b"x"), (b"content-length", b"1")],
        [(b"host", b"x"), (b"transfer-encoding", b"chunked")],
        [(b"host", b"x"), (b"authorization", b"Bearer z")],
    ],
)
async def test_headers_that_are_not_plain_are_the_application_s(
    site: Site, headers: Headers
) -> None:
    publisher = await playing(site)
    known, _, _, _ = await ready_on(site)
    before = site.stream().audience()
    assert known.find(f"{MEDIA}?_HLS_msn=1".encode(), headers, "elsewhere") is None
    assert site.stream().audience() == before, "the application counts it"
    publisher.stop()


async def test_who_may_not_play_yet_is_asked_by_the_application(site: Site) -> None:
    publisher = await playing(site)
    known, epoch, msn, _ = await ready_on(site, may_play=False)
    assert known.find(f"{MEDIA}?_HLS_msn=1".encode(), PLAIN, "") is None
    assert known.find(f"/live/main/{epoch}-{msn - 1}.0.m4s".encode(), PLAIN, "") is not None
    publisher.stop()


async def test_what_has_nothing_to_play_yet_is_the_application_s(site: Site) -> None:
    publisher = await playing(site)
    known, _, _, _ = await ready_on(site)
    rendition = find_hls(site.stream())
    assert rendition is not None
    rendition.packager.segments.clear()
    assert known.find(f"{MEDIA}?_HLS_msn=1".encode(), PLAIN, "") is None
    publisher.stop()


async def test_a_ready_answer_is_the_application_s(site: Site) -> None:
    publisher = await playing(site)
    part = re.findall(r'EXT-X-PART:.*URI="([^"]+)"', await media(site))[-1]
    async with await RawHttp.open(site.http) as viewer:
        viewer.request(f"/live/main/{part}", "User-Agent: plain")
        plain = await viewer.read_answer()
        plain_headers = dict(viewer.headers)
        viewer.request(f"/live/main/{part}?by=the-application")
        assert await viewer.read_answer() == plain
        for each in (viewer.headers, plain_headers):
            del each["date"]
        assert viewer.headers == plain_headers
        viewer.request(f"/live/main/{part}", method="HEAD")
        assert await viewer.read_head() == 200
        assert int(viewer.headers["content-length"]) == len(plain)
    publisher.stop()


async def test_pipelined_answers_keep_their_order(site: Site) -> None:
    publisher = await playing(site)
    playlist = await media(site)
    parts = re.findall(r'EXT-X-PART:.*URI="([^"]+)"', playlist)[-2:]
    msn, number, _ = hint(playlist)
    async with await RawHttp.open(site.http) as viewer:
        for path in (
            f"/live/main/{parts[0]}",
            f"{MEDIA}?_HLS_msn={msn}&_HLS_part={number}",  # this one waits
            f"/live/main/{parts[1]}",
        ):
            viewer.request(path)
        assert (await viewer.read_answer())[4:8] == b"moof"
        publisher.send(15)
        assert (await viewer.read_answer()).startswith(b"#EXTM3U")
        assert (await viewer.read_answer())[4:8] == b"moof"
        viewer.request(f"/live/main/{parts[1]}", "Connection: close")
        await viewer.read_answer()
        assert await viewer.read_to_end() == b""
    publisher.stop()


async def test_who_reads_pieces_counts_as_a_viewer(site: Site) -> None:
    publisher = await playing(site)
    part = re.findall(r'EXT-X-PART:.*URI="([^"]+)"', await media(site))[-1]
    before = site.stream().audience()["hls"]
    async with await RawHttp.open(site.http) as viewer:
        viewer.request(f"/live/main/{part}", "User-Agent: one more")
        await viewer.read_answer()
        await until(lambda: site.stream().audience()["hls"] == before + 1, "counted")
    publisher.stop()


async def test_a_piece_that_is_gone_is_404(site: Site) -> None:
    publisher = await playing(site)
    part = re.findall(r'EXT-X-PART:.*URI="([^"]+)"', await media(site))[-1]
    epoch = part.split("-")[0]
    async with await RawHttp.open(site.http) as viewer:
        for path in (f"main/{epoch}-999.0.m4s", f"main/{'0' * 16}-1.0.m4s", f"nobody/{part}"):
            viewer.request(f"/live/{path}")
            await viewer.read_answer()
            assert viewer.status == 404, path
    publisher.stop()
