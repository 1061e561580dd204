"""Blocking reloads and preload hints that wait on their connections, through a whole server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from gamecast.server.hls import HlsRendition, find_hls
from tests.server.http.test_hls import INDEX, MEDIA, hint, media, playing
from tests.server.http_viewer import RawHttp
from tests.server.rtmp_peer import Publisher, publish
from tests.server.site import MakeSite, Site
from tests.support.events import until


class Scene:
    """A stream on air, what its preload hint names, and viewers that wait for that."""

    def __init__(self, site: Site, publisher: Publisher, playlist: str) -> None:
        self.site = site
        self.publisher = publisher
        self.msn, self.part, self.file = hint(playlist)
        self.reload = f"{MEDIA}?_HLS_msn={self.msn}&_HLS_part={self.part}"
        self._viewers: list[RawHttp] = []

    @property
    def rendition(self) -> HlsRendition:
        found = find_hls(self.site.stream())
        assert found is not None
        return found

    async def ask(self, path: str, *headers: str) -> RawHttp:
        """A viewer of its own that waits for this."""
        before = len(self.rendition.waiting)
        viewer = await RawHttp.open(self.site.http)
        self._viewers.append(viewer)
        viewer.request(path, *headers)
        await until(lambda: len(self.rendition.waiting) > before, "one more that waits", within=5)
        return viewer

    async def close(self) -> None:
        for viewer in self._viewers:
            await viewer.close()
        self.publisher.stop()


@pytest.fixture
async def scene(site: Site) -> AsyncIterator[Scene]:
    publisher = await playing(site)
    made = Scene(site, publisher, await media(site))
    yield made
    await made.close()


def applications() -> int:
    """Requests that a task of the application is busy with."""
    return sum("run_asgi" in str(task.get_coro()) for task in asyncio.all_tasks())


def undated(viewer: RawHttp) -> dict[str, str]:
    return {name: value for name, value in viewer.headers.items() if name != "date"}


@pytest.mark.parametrize("query", ["", "&_HLS_skip=YES", "&_HLS_skip=v2"])
async def test_what_waits_has_no_task_and_gets_the_application_s_answer(
    scene: Scene, query: str
) -> None:
    viewers = [await scene.ask(scene.reload + query) for _ in range(3)]
    assert applications() == 0
    by_the_application = await scene.ask(scene.reload + query + "&x=y")
    assert applications() == 1
    scene.publisher.send(15)
    expected = await by_the_application.read_answer()
    assert hint(expected.decode())[:2] > (scene.msn, scene.part)
    for viewer in viewers:
        assert await viewer.read_answer() == expected
        assert viewer.status == by_the_application.status == 200
        assert undated(viewer) == undated(by_the_application)
        assert viewer.headers["date"]
    assert len(scene.rendition.waiting) == 0


async def test_a_reload_that_is_there_is_answered_like_the_application_would(scene: Scene) -> None:
    async with await RawHttp.open(scene.site.http) as viewer:
        path = f"{MEDIA}?_HLS_msn={scene.msn - 1}&_HLS_part=0"
        viewer.request(path)
        playlist, headers = await viewer.read_answer(), undated(viewer)
        viewer.request(path + "&x=y")
        assert await viewer.read_answer() == playlist
        assert undated(viewer) == headers


async def test_a_preload_hint_waits_without_a_task(scene: Scene) -> None:
    viewer = await scene.ask(f"/live/main/{scene.file}")
    by_the_application = await scene.ask(f"/live/main/{scene.file}?x=y")
    assert applications() == 1
    scene.publisher.send(15)
    part = await viewer.read_answer()
    assert part[4:8] == b"moof"
    assert await by_the_application.read_answer() == part
    assert undated(viewer) == undated(by_the_application)


async def test_in_vain_is_503_for_a_reload_and_404_for_a_hint(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HlsRendition, "patience", 0.05)
    for path, status in ((scene.reload, 503), (f"/live/main/{scene.file}", 404)):
        separator = "&" if "?" in path else "?"
        async with await RawHttp.open(scene.site.http) as viewer:
            viewer.request(path)
            body, headers = await viewer.read_answer(), undated(viewer)
            assert viewer.status == status
            assert headers.get("retry-after") == ("1" if status == 503 else None)
            assert headers["cache-control"] == "no-store"
            viewer.request(f"{path}{separator}x=y")
            assert await viewer.read_answer() == body
            assert undated(viewer) == headers


async def test_what_waits_at_the_end_of_the_stream_is_told_so(scene: Scene) -> None:
    reload, hinted = await scene.ask(scene.reload), await scene.ask(f"/live/main/{scene.file}")
    scene.publisher.stop()
    assert (await reload.read_answer()).endswith(b"#EXT-X-ENDLIST\n")
    await hinted.read_answer()
    assert hinted.status in (200, 404), "the rest of a part, if there was any"
    reload.request(scene.reload)
    assert (await reload.read_answer()).endswith(b"#EXT-X-ENDLIST\n"), "of the application"


async def test_what_waits_outlives_a_take_over(scene: Scene) -> None:
    viewer = await scene.ask(f"{MEDIA}?_HLS_msn={scene.msn + 1}")
    other = await publish(scene.site)
    other.send(100)
    playlist = (await viewer.read_answer()).decode()
    assert f"-{scene.msn + 1}.0.m4s" in playlist
    assert "#EXT-X-DISCONTINUITY" in playlist
    other.stop()


async def test_what_waits_outlives_a_change_of_tracks(scene: Scene) -> None:
    viewer = await scene.ask(scene.reload)
    scene.publisher.send(2)
    scene.rendition.change_tracks(scene.site.stream().main_tracks)
    scene.publisher.send(20)
    playlist = (await viewer.read_answer()).decode()
    assert hint(playlist)[:2] > (scene.msn, scene.part)


async def test_who_goes_is_not_waited_for(scene: Scene) -> None:
    viewer = await scene.ask(scene.reload)
    stays = await scene.ask(scene.reload)
    await viewer.close()
    await until(lambda: len(scene.rendition.waiting) == 1, "one that waits")
    scene.publisher.send(15)
    assert (await stays.read_answer()).startswith(b"#EXTM3U")


async def test_who_waits_is_a_viewer(scene: Scene) -> None:
    before = scene.site.stream().audience()["hls"]
    await scene.ask(scene.reload, "User-Agent: one more")
    assert scene.site.stream().audience()["hls"] == before + 1


async def test_a_stopping_server_does_not_wait_for_those_who_wait(scene: Scene) -> None:
    viewer = await scene.ask(scene.reload)
    await asyncio.wait_for(scene.site.stop(), 5)
    assert (await viewer.read_answer()).endswith(b"#EXT-X-ENDLIST\n")
    assert await viewer.read_to_end() == b""


async def test_a_key_that_was_checked_opens_what_waits(make_site: MakeSite) -> None:
    site = await make_site(auth={"publish": "open", "play": "key"})
    publisher = await publish(site)
    publisher.send(130)
    await until(lambda: site.server.directory.get("main"), "the stream")
    assert (await site.get(f"{INDEX}?key={site.key}")).status_code == 200
    playlist = (await site.get(f"{MEDIA}?key={site.key}")).text
    scene = Scene(site, publisher, playlist)
    directives = scene.reload.partition("?")[2]
    viewer = await scene.ask(f"{MEDIA}?key={site.key}&{directives}")
    assert applications() == 0
    for given, status in (("", 401), (f"key={site.key}x&", 403), ("token=x&", 403)):
        assert (await site.get(f"{MEDIA}?{given}{directives}")).status_code == status, given
    publisher.send(15)
    assert b"PRELOAD-HINT" in await viewer.read_answer()
    await scene.close()
