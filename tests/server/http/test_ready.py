"""Pieces that are answered without the application: the same answers, in the same order."""

from __future__ import annotations

import re

from tests.server.http.test_hls import MEDIA, hint, media, playing
from tests.server.http_viewer import RawHttp
from tests.server.site import Site
from tests.support.events import until


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
