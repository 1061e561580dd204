"""Publishers that go wrong in the middle of a stream: only their own session ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gamecast.media.containers.flv import TagWriter
from gamecast.protocols.rtmp.events import PublishStarted
from tests.server.http_viewer import assert_unbroken, watch_flv
from tests.server.rtmp_peer import RtmpPeer, connect, on_air
from tests.server.site import Site
from tests.support.events import until
from tests.support.media import aac_track, av_feed, h264_track

WIRE_FRAMES = 12

Mutation = tuple[str, int, bytes]

mutations = st.lists(
    st.tuples(
        st.sampled_from(["flip", "insert", "cut"]),
        st.integers(min_value=0, max_value=2**16),
        st.binary(min_size=1, max_size=40),
    ),
    min_size=1,
    max_size=6,
)


def mutate(data: bytearray, changes: list[Mutation]) -> bytes:
    """Change, add or remove some bytes."""
    for kind, where, what in changes:
        at = where % len(data)
        if kind == "flip":
            data[at : at + len(what)] = what
        elif kind == "insert":
            data[at:at] = what
        else:
            del data[at : at + len(what)]
            data += what[:1]
    return bytes(data)


def media(peer: RtmpPeer) -> bytes:
    """What a publisher writes: headers and some frames."""
    writer = TagWriter([h264_track(), aac_track()])
    send = peer.connection.send_media
    messages = [send(*message) for message in writer.sequence_headers(0)]
    packets = av_feed(group=5).packets(WIRE_FRAMES / 30)
    return b"".join([*messages, *(send(*writer.message(packet)) for packet in packets)])


async def misbehave(site: Site, changes: list[Mutation]) -> None:
    """Publish something that has been tampered with, then leave."""
    peer = await connect(site.rtmp)
    peer.connection.publish("victim")
    peer.flush()
    await peer.expect(PublishStarted)
    peer.driver.write(mutate(bytearray(media(peer)), changes))
    await asyncio.sleep(0)
    peer.driver.close()
    await peer.wait_closed()


async def until_gone(site: Site) -> None:
    await until(lambda: site.server.directory.publishing("victim") is None, "the victim gone")


async def test_tampered_media_ends_its_own_session_only(site: Site) -> None:
    canary = await on_air(site, "canary")
    loop = asyncio.get_running_loop()
    problems: list[dict[str, object]] = []
    loop.set_exception_handler(lambda _, context: problems.append(context))
    async with await watch_flv(site.http, "canary") as viewer:

        async def example(changes: list[Mutation]) -> None:
            await misbehave(site, changes)
            await until_gone(site)
            canary.send(2)
            await viewer.wait_for_frame(canary.next_frame - 1)
            assert not problems, problems

        await loop.run_in_executor(None, run_examples, example, loop)
        assert_unbroken(viewer.frames)
        sounds = [tag.payload for tag in viewer.tags if tag.type == 8][1:]
        assert len(sounds) == len(set(sounds)) > 0
        numbers = [int.from_bytes(payload[3:7], "big") for payload in sounds]
        assert_unbroken(numbers)
    canary.stop()


def run_examples(
    example: Callable[[list[Mutation]], Coroutine[object, object, None]],
    loop: asyncio.AbstractEventLoop,
) -> None:
    """Hypothesis is not asynchronous: it runs in a thread and its examples in the loop."""

    @settings(
        max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(mutations)
    def check(changes: list[Mutation]) -> None:
        asyncio.run_coroutine_threadsafe(example(changes), loop).result(20)

    check()
