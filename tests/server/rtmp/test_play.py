"""RTMP players: what they get, pause and resume, refusals, ends."""

from __future__ import annotations

import pytest

from gamecast.protocols.rtmp.commands import encode_command
from gamecast.protocols.rtmp.events import (
    MessageReceived,
    PlayEnded,
    PlayRejected,
    PlayStarted,
)
from gamecast.protocols.rtmp.messages import MessageType
from tests.server.http_viewer import assert_unbroken
from tests.server.rtmp_peer import RtmpPeer, on_air, play
from tests.server.site import MakeSite, Site
from tests.support.events import until


async def frames_up_to(player: RtmpPeer, number: int) -> list[int]:
    await until(lambda: player.frames and player.frames[-1] >= number, f"frame {number}")
    return player.frames


async def test_a_player_gets_headers_then_every_frame(site: Site) -> None:
    publisher = await on_air(site)
    player = await play(site.rtmp, "main")
    await player.expect(PlayStarted)
    publisher.send(40)
    assert_unbroken(await frames_up_to(player, 44))
    media = [event for event in player.events if isinstance(event, MessageReceived)]
    assert [event.type_id for event in media if event.type_id != 18][:3] == [9, 8, 9]
    assert media[0].type_id == 18
    assert (await site.json("/api/v1/streams/main"))["viewers"] == {"total": 1, "rtmp": 1}
    publisher.stop()
    await player.expect(PlayEnded)
    await player.wait_closed()


async def test_a_late_player_starts_with_the_current_group(site: Site) -> None:
    publisher = await on_air(site)
    first = await play(site.rtmp, "main")
    publisher.send(32)
    await frames_up_to(first, 36)
    late = await play(site.rtmp, "main")
    await frames_up_to(late, 36)
    publisher.send(5)
    frames = await frames_up_to(late, 41)
    assert frames == list(range(30, 42))
    await frames_up_to(first, 41)
    publisher.stop()
    await late.wait_closed()
    await first.wait_closed()


def pause(player: RtmpPeer, paused: bool) -> None:
    """NetStream.pause (RTMP 1.0 section 7.2.2.8)."""
    payload = encode_command("pause", 0, None, paused, 0.0)
    link = player.connection._link
    link.send_message(MessageType.COMMAND_AMF0, 1, 0, payload, 8)
    player.flush()


async def test_pause_and_resume(site: Site) -> None:
    publisher = await on_air(site)
    player = await play(site.rtmp, "main")
    await frames_up_to(player, 4)
    publisher.send(10)
    await frames_up_to(player, 14)
    pause(player, True)
    await until(lambda: not site.stream().audience()["total"], "the pause")
    publisher.send(20)
    await until(lambda: site.stream().cached()[0].dts >= 30 * 3000, "a later group")
    pause(player, False)
    await until(lambda: site.stream().audience()["total"], "the end of the pause")
    publisher.send(10)
    frames = await frames_up_to(player, 44)
    assert frames == [*range(15), *range(30, 45)]
    publisher.stop()
    await player.wait_closed()


@pytest.mark.parametrize("name", ["nobody", "", "x" * 500, "main/other"])
async def test_what_is_not_on_air_is_refused(site: Site, name: str) -> None:
    player = await play(site.rtmp, name)
    await player.expect(PlayRejected)
    await player.wait_closed()


@pytest.mark.parametrize("how", ["key", "token"])
async def test_playing_may_need_a_key_or_a_token(make_site: MakeSite, how: str) -> None:
    site = await make_site(auth={"play": how})
    publisher = await on_air(site, site.key)
    secret = site.key if how == "key" else await site.store.tokens.create(play="main")
    for name in ("main", "main?key=wrong", "main?token=wrong"):
        refused = await play(site.rtmp, name)
        await refused.expect(PlayRejected)
        await refused.wait_closed()
    for query in ("key", "token"):
        player = await play(site.rtmp, f"main?{query}={secret}")
        await player.expect(PlayStarted)
        player.driver.abort()
    publisher.stop()


async def test_a_player_that_leaves_lets_the_rendition_go(site: Site) -> None:
    publisher = await on_air(site)
    players = [await play(site.rtmp, "main") for _ in range(5)]
    for player in players:
        await player.expect(PlayStarted)
    assert len(site.stream().renditions) == 1
    for player in players:
        player.driver.abort()
    await until(lambda: not site.stream().renditions, "the end of the rendition")
    publisher.stop()


async def test_the_end_of_the_server_is_told_to_players(make_site: MakeSite) -> None:
    site = await make_site(auth={"publish": "open"})
    publisher = await on_air(site)
    player = await play(site.rtmp, "main")
    publisher.send(20)
    await frames_up_to(player, 24)
    await site.stop()
    await player.expect(PlayEnded)
    await player.wait_closed()
    await publisher.peer.wait_closed()
