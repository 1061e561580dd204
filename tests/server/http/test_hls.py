"""LL-HLS routes: what is answered at once, what waits, what is refused."""

from __future__ import annotations

import asyncio
import re

import pytest

from tests.server.rtmp_peer import Publisher, on_air
from tests.server.site import MakeSite, Site
from tests.support.events import until

INDEX = "/live/main/index.m3u8"
MEDIA = "/live/main/media.m3u8"


async def playing(site: Site) -> Publisher:
    """A stream that has some segments of a second (its groups are of a third of one)."""
    publisher = await on_air(site)
    assert (await site.get(INDEX)).status_code == 200
    publisher.send(130)
    await until(lambda: site.stream().cached()[0].dts >= 4 * 90_000, "four seconds")
    return publisher


async def media(site: Site, query: str = "") -> str:
    answer = await site.get(MEDIA + query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/vnd.apple.mpegurl"
    return answer.text


def hint(playlist: str) -> tuple[int, int, str]:
    """Segment, part and file of the preload hint."""
    found = re.search(r'PRELOAD-HINT:TYPE=PART,URI="([0-9a-f]{16}-(\d+)\.(\d+)\.m4s)"', playlist)
    assert found is not None, playlist
    return int(found[2]), int(found[3]), found[1]


async def test_the_index_names_one_variant_and_starts_the_rendition(site: Site) -> None:
    publisher = await on_air(site)
    assert site.stream().renditions == {}
    answer = await site.get(INDEX)
    assert 'CODECS="avc1.64000d,mp4a.40.2"' in answer.text
    assert "RESOLUTION=320x180" in answer.text
    assert answer.text.endswith("media.m3u8\n")
    assert "max-age=" in answer.headers["cache-control"]
    assert answer.headers["access-control-allow-origin"] == "*"
    assert set(site.stream().renditions) == {"hls"}
    publisher.stop()


async def test_everything_that_a_playlist_lists_is_there(site: Site) -> None:
    publisher = await playing(site)
    playlist = await media(site)
    init = re.findall(r'MAP:URI="([^"]+)"', playlist)
    parts = re.findall(r'EXT-X-PART:.*URI="([^"]+)"', playlist)
    segments = re.findall(r"^[0-9a-f]{16}-\d+\.m4s$", playlist, re.M)
    assert init
    assert parts
    assert segments
    for file in [*init, *parts, *segments]:
        answer = await site.get(f"/live/main/{file}")
        assert answer.status_code == 200, file
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["content-type"] == "video/mp4"
    publisher.stop()


async def test_a_blocking_reload_waits_for_its_part(site: Site) -> None:
    publisher = await playing(site)
    msn, part, _ = hint(await media(site))
    waiting = asyncio.create_task(site.get(f"{MEDIA}?_HLS_msn={msn}&_HLS_part={part}"))
    done, _ = await asyncio.wait([waiting], timeout=0.2)
    assert not done, "it did not wait"
    publisher.send(15)
    answer = await asyncio.wait_for(waiting, 5)
    assert answer.status_code == 200
    assert hint(answer.text)[:2] > (msn, part)
    assert "max-age" in answer.headers["cache-control"]
    publisher.stop()


async def test_without_a_part_it_waits_for_the_first_of_the_segment(site: Site) -> None:
    publisher = await playing(site)
    msn, _, _ = hint(await media(site))
    waiting = asyncio.create_task(site.get(f"{MEDIA}?_HLS_msn={msn + 1}"))
    done, _ = await asyncio.wait([waiting], timeout=0.2)
    assert not done
    publisher.send(50)
    answer = await asyncio.wait_for(waiting, 5)
    assert f"-{msn + 1}.0.m4s" in answer.text
    publisher.stop()


@pytest.mark.parametrize(
    "query", ["_HLS_part=1", "_HLS_msn=x", "_HLS_msn=-1", "_HLS_msn=1&_HLS_part=1e3", "far"]
)
async def test_bad_directives_are_400(site: Site, query: str) -> None:
    publisher = await playing(site)
    if query == "far":
        msn, _, _ = hint(await media(site))
        query = f"_HLS_msn={msn + 3}"
    answer = await site.get(f"{MEDIA}?{query}")
    assert answer.status_code == 400
    assert answer.json()["code"] == "bad_directive"
    publisher.stop()


async def test_a_preload_hint_is_answered_when_the_part_is_there(site: Site) -> None:
    publisher = await playing(site)
    _, _, file = hint(await media(site))
    waiting = asyncio.create_task(site.get(f"/live/main/{file}"))
    done, _ = await asyncio.wait([waiting], timeout=0.2)
    assert not done
    publisher.send(15)
    answer = await asyncio.wait_for(waiting, 5)
    assert answer.status_code == 200
    assert b"moof" in answer.content[:200]
    publisher.stop()


async def test_pieces_that_are_gone_or_never_were_are_404(site: Site) -> None:
    publisher = await playing(site)
    epoch = hint(await media(site))[2][:16]
    for file in (f"{epoch}-999999.m4s", f"{epoch}-0.77.m4s", "0000000000000000-1.m4s", "x.m4s"):
        answer = await site.get(f"/live/main/{file}")
        assert answer.status_code == 404, file
        assert answer.headers["content-type"] == "application/problem+json"
    publisher.stop()


async def test_the_end_is_said_and_the_rest_stays_readable(site: Site) -> None:
    publisher = await playing(site)
    await media(site)
    publisher.stop()
    await until(lambda: site.server.directory.get("main") is None, "the end")
    playlist = await media(site)
    assert playlist.endswith("#EXT-X-ENDLIST\n")
    assert "PRELOAD-HINT" not in playlist
    last = re.findall(r"^[0-9a-f]{16}-\d+\.m4s$", playlist, re.M)[-1]
    assert (await site.get(f"/live/main/{last}")).status_code == 200
    assert (await site.get(INDEX)).status_code == 404


async def test_a_token_in_the_query_is_enough_for_players(make_site: MakeSite) -> None:
    site = await make_site(auth={"publish": "open", "play": "key"})
    publisher = await on_air(site)
    publisher.send(130)
    assert (await site.get(INDEX)).status_code == 401
    index = await site.get(f"{INDEX}?key={site.key}")
    assert index.status_code == 200, index.text
    variant = index.text.splitlines()[-1]
    assert variant == f"media.m3u8?key={site.key}"
    assert (await site.get(MEDIA)).status_code == 401
    playlist = await site.get(f"/live/main/{variant}")
    assert playlist.status_code == 200
    init = re.search(r'MAP:URI="([^"]+)"', playlist.text)
    assert init is not None
    assert (await site.get(f"/live/main/{init[1]}")).status_code == 200
    publisher.stop()
