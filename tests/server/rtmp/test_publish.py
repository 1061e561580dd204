"""Who may publish over RTMP, in every form of the URL; take-over, grace time, revoked keys."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from gamecast.protocols.rtmp.events import PublishRejected, PublishStarted
from tests.server.http_viewer import FlvViewer, assert_unbroken, watch_flv
from tests.server.rtmp_peer import connect, on_air, publish
from tests.server.site import MakeSite, Site
from tests.support.events import until
from tests.support.media import av_feed

WRONG = "gc_" + "a" * 32


@pytest.fixture
async def keyed(make_site: MakeSite) -> Site:
    """A server as it is by default, with a grace time."""
    return await make_site(stream={"grace_seconds": 5})


@pytest.mark.parametrize(
    ("app", "name"),
    [
        ("live", "{key}"),
        ("live", "main?key={key}"),
        ("live/main", "{key}"),
        ("live", "main/{key}"),
        ("live/", "{key}"),
    ],
)
async def test_a_key_opens_its_channel_in_every_form(keyed: Site, app: str, name: str) -> None:
    app, name = app.format(key=keyed.key), name.format(key=keyed.key)
    publisher = await publish(keyed, name, app=app)
    publisher.send(5)
    await until(lambda: keyed.server.directory.get("main"), "main on air")
    stream = await keyed.json("/api/v1/streams/main")
    assert stream["title"] == "The first"
    assert stream["publisher"]["protocol"] == "rtmp"
    assert keyed.key not in str(stream)
    publisher.stop()


async def refusal(site: Site, name: str, *, app: str = "live") -> tuple[PublishRejected, float]:
    """How, and after how long, this name is refused; the connection must end."""
    loop = asyncio.get_running_loop()
    peer = await connect(site.rtmp, app=app)
    peer.connection.publish(name)
    begin = loop.time()
    peer.flush()
    rejected = await peer.expect(PublishRejected)
    took = loop.time() - begin
    assert not any(isinstance(event, PublishStarted) for event in peer.events)
    await peer.wait_closed()
    return rejected, took


async def test_a_wrong_key_and_an_unknown_channel_look_and_take_the_same(keyed: Site) -> None:
    answers = []
    times = []
    for name in (f"main?key={WRONG}", f"nobody?key={WRONG}", WRONG, f"nobody?key={keyed.key}"):
        rejected, took = await refusal(keyed, name)
        answers.append((rejected.code, rejected.description))
        times.append(took)
    assert len(set(answers)) == 1, answers
    assert "Denied" in answers[0][0]
    assert min(times) >= 0.09
    assert max(times) - min(times) < 0.2
    assert (await keyed.get("/api/v1/streams/main")).status_code == 404


async def test_no_key_at_all_is_refused(keyed: Site) -> None:
    await refusal(keyed, "main")


async def test_another_key_is_refused_and_the_first_publisher_goes_on(keyed: Site) -> None:
    first = await on_air(keyed, keyed.key)
    async with await watch_flv(keyed.http) as viewer:
        rejected, _ = await refusal(keyed, await keyed.store.keys.create("main"))
        assert rejected.code == "NetStream.Publish.BadName"
        first.send(30)
        await viewer.wait_for_frame(34)
        assert_unbroken(viewer.frames)
    first.stop()


def assert_two_takes(viewer: FlvViewer, first: int) -> None:
    """All of the first publisher's frames and all of the second's, on one line of time."""
    cut = viewer.frames.index(0, 1)
    assert viewer.frames[:cut] == list(range(first))
    assert_unbroken(viewer.frames[cut:])
    times = [tag.timestamp for tag in viewer.tags if tag.type == 9 and tag.payload[1] == 1]
    assert all(a < b for a, b in itertools.pairwise(times)), "time went back"
    assert times[-1] - times[0] < 10_000, "time jumped"


async def test_the_same_key_takes_over_at_once_and_the_viewer_goes_on(keyed: Site) -> None:
    first = await on_air(keyed, keyed.key)
    async with await watch_flv(keyed.http) as viewer:
        first.send(10)
        await viewer.wait_for_frame(14)
        second = await publish(keyed, keyed.key)
        await first.peer.wait_closed()
        rejected = next(e for e in first.peer.events if isinstance(e, PublishRejected))
        assert "taken over" in rejected.description
        second.send(40)
        await viewer.wait_for_frame(39)
        assert_two_takes(viewer, 15)
        assert viewer.http.reader.at_eof() is False
        second.stop()


async def test_what_the_replaced_publisher_still_sends_goes_nowhere(keyed: Site) -> None:
    first = await on_air(keyed, keyed.key)
    async with await watch_flv(keyed.http) as viewer:
        late = first.media(50)
        second = await publish(keyed, keyed.key)
        first.peer.driver.write(late)
        second.send(30)
        await viewer.wait_for_frame(29)
        assert_two_takes(viewer, 5)
        second.stop()


@pytest.mark.parametrize("goodbye", [True, False])
async def test_a_publisher_that_returns_in_time_keeps_its_viewers(
    keyed: Site, goodbye: bool
) -> None:
    first = await on_air(keyed, keyed.key)
    async with await watch_flv(keyed.http) as viewer:
        first.send(5)
        if goodbye:
            first.stop()
        else:
            await viewer.wait_for_frame(9)
            first.peer.driver.abort()
        await until(lambda: keyed.stream().publisher is None, "the publisher gone")
        assert (await keyed.json("/api/v1/streams/main"))["publisher"]["connected"] is False
        second = await publish(keyed, keyed.key)
        second.send(30)
        await viewer.wait_for_frame(29)
        assert_two_takes(viewer, 10)
        second.stop()


async def test_after_its_return_play_goes_on_from_the_next_keyframe(keyed: Site) -> None:
    first = await on_air(keyed, keyed.key)
    async with await watch_flv(keyed.http) as viewer:
        first.peer.driver.abort()
        second = await publish(keyed, keyed.key, feed=av_feed(group=10, first_frame=3))
        second.send(30)
        await viewer.wait_for_frame(32)
        assert viewer.frames[:6] == [0, 1, 2, 3, 4, 10]
        second.stop()


async def test_the_grace_time_is_over_in_the_end(make_site: MakeSite) -> None:
    site = await make_site(stream={"grace_seconds": 0.5})
    first = await on_air(site, site.key)
    async with await watch_flv(site.http) as viewer:
        first.stop()
        await viewer.wait_end()
        assert viewer.ended
    assert (await site.get("/api/v1/streams/main")).status_code == 404


async def test_two_encoders_with_one_key_do_not_fight_for_ever(make_site: MakeSite) -> None:
    site = await make_site(stream={"takeovers_per_minute": 3})
    last = await on_air(site, site.key)
    for _ in range(3):
        last = await publish(site, site.key)
    rejected, _ = await refusal(site, site.key)
    assert rejected.code == "NetStream.Publish.BadName"
    last.send(5)
    last.stop()


async def test_a_revoked_key_ends_its_publisher_within_seconds(keyed: Site) -> None:
    publisher = await on_air(keyed, keyed.key)
    async with await watch_flv(keyed.http) as viewer:
        await keyed.store.keys.revoke("main")
        await viewer.wait_end(within=8)
        assert viewer.ended
    rejected = await publisher.peer.expect(PublishRejected)
    assert "revoked" in rejected.description
    await publisher.peer.wait_closed()
    await refusal(keyed, keyed.key)


async def test_a_publisher_above_the_bit_rate_is_closed(make_site: MakeSite) -> None:
    site = await make_site(stream={"max_bitrate": 1_000_000})
    publisher = await on_air(site, site.key, feed=av_feed(group=10, frame_bytes=40_000))
    publisher.send(200)
    await publisher.peer.wait_closed()


async def test_a_publisher_that_stalls_is_closed_and_its_viewers_wait(
    make_site: MakeSite,
) -> None:
    site = await make_site(rtmp={"idle_timeout": 0.4}, stream={"grace_seconds": 20})
    publisher = await on_air(site, site.key)
    async with await watch_flv(site.http) as viewer:
        await publisher.peer.wait_closed()
        assert not viewer.over
        assert site.stream().publisher is None
        publisher = await on_air(site, site.key)
        publisher.send(25)
        await viewer.wait_for_frame(29)
        assert_two_takes(viewer, 5)
        publisher.stop()
