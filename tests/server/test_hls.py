"""The LL-HLS rendition: who waits for what, what is made once, when nobody needs it any more."""

from __future__ import annotations

import asyncio

import pytest

from gamecast.packaging.hls import HlsSettings
from gamecast.server.hls import HlsRendition
from tests.relay.test_stream import Hub
from tests.server.site import turns
from tests.support.media import av_feed


class OnAir:
    """A stream under a clock of the test's, with an LL-HLS rendition."""

    def __init__(self, seconds: float) -> None:
        self.hub = Hub(grace_seconds=0)
        self.feed = av_feed(group=30)
        _, self.ingest = self.hub.publish()
        self.send(seconds)
        stream = self.hub.on_air()
        self.rendition = stream.rendition("hls", lambda: HlsRendition(stream, HlsSettings()))

    def send(self, seconds: float) -> None:
        """So much more media."""
        self.hub.play(self.ingest, self.feed, seconds)


@pytest.fixture
def on_air() -> OnAir:
    """Three seconds of it, in groups of one."""
    return OnAir(3)


async def test_reach_waits_for_the_part(on_air: OnAir) -> None:
    rendition = on_air.rendition
    place = rendition.packager.position
    waiting = asyncio.create_task(rendition.reach(*place))
    await turns()
    assert len(rendition.waiting) == 1
    on_air.send(0.5)
    assert await waiting
    assert rendition.packager.position > place
    assert await rendition.reach(*place), "it is there"


async def test_reach_gives_up_when_time_is_up(on_air: OnAir) -> None:
    rendition = on_air.rendition
    waiting = asyncio.create_task(rendition.reach(*rendition.packager.position))
    await turns()
    on_air.hub.clock.advance(rendition.patience)
    rendition.waiting.expire()
    assert not await waiting


async def test_who_stops_to_wait_has_left(on_air: OnAir) -> None:
    rendition = on_air.rendition
    waiting = asyncio.create_task(rendition.reach(*rendition.packager.position))
    await turns()
    waiting.cancel()
    on_air.send(0.5)  # told between its cancellation and its end: nothing is wrong with that
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert len(rendition.waiting) == 0


async def test_playable_waits_for_the_first_part() -> None:
    young = OnAir(0.1)
    waiting = asyncio.create_task(young.rendition.playable())
    await turns()
    assert not waiting.done()
    young.send(1)
    assert await waiting


async def test_a_stream_without_a_part_is_never_playable() -> None:
    young = OnAir(0.1)
    waiting = asyncio.create_task(young.rendition.playable())
    await turns()
    young.hub.clock.advance(young.rendition.patience)
    young.rendition.waiting.expire()
    assert not await waiting


@pytest.mark.parametrize("what", ["a track change", "a new session", "the end"])
async def test_what_ends_a_segment_tells_those_who_wait(on_air: OnAir, what: str) -> None:
    rendition = on_air.rendition
    heard: list[bool] = []
    on_air.send(0.1)  # some of the next part, which whatever ends the segment completes
    place = rendition.packager.position
    rendition.waiting.enter(*place, heard.append, patience=3)
    if what == "a track change":
        rendition.change_tracks(on_air.hub.on_air().main_tracks)
    elif what == "a new session":
        rendition.resume()
    else:
        on_air.hub.on_air().end("a test")
    assert heard == [True]
    assert rendition.packager.ended is (what == "the end")


def test_what_is_made_once_lasts_until_the_next_part(on_air: OnAir) -> None:
    rendition = on_air.rendition
    first = rendition.once("playlist", rendition.playlist.render)
    assert rendition.once("playlist", rendition.playlist.render) is first
    assert rendition.once("another", lambda: b"") == b""
    on_air.send(0.5)
    second = rendition.once("playlist", rendition.playlist.render)
    assert second != first


async def test_who_waits_keeps_the_rendition(on_air: OnAir) -> None:
    rendition = on_air.rendition
    rendition.seen(1)
    place = rendition.packager.position
    heard: list[bool] = []
    rendition.waiting.enter(*place, heard.append, patience=3600)
    on_air.hub.clock.advance(60)
    assert not rendition.unwatched
    rendition.waiting.leave(*place, heard.append)
    assert rendition.unwatched
