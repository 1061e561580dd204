"""Real programs at the other end: ffmpeg old and new, rtmpdump and nginx-rtmp."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gamecast.protocols.rtmp import ClientConnection
from gamecast.protocols.rtmp.events import (
    ConnectReceived,
    ConnectSucceeded,
    MessageReceived,
    PlayRequested,
    PlayStarted,
    PublishRequested,
    PublishStarted,
    PublishStopped,
)
from tests.protocols.rtmp.glue import Client, Relay
from tests.protocols.rtmp.nginx import Nginx, free_port
from tests.support import ffmpeg, judge
from tests.support.clips import Clip, ClipShelf
from tests.support.events import until
from tests.support.peers import CURRENT_FFMPEG, require
from tests.support.process import Process

pytestmark = pytest.mark.interop

CLIP = Clip(seconds=3, fps=30, gop_seconds=1)


async def ended(process: Process) -> None:
    """Wait for a process that shares our loop; it must succeed."""
    await until(lambda: not process.running, f"the end of {process.arguments[0]}", within=30)
    process.finish()


def rtmpdump(url: str, to: Path, *more: str) -> Process:
    """A live recording by rtmpdump, which uses librtmp."""
    command: list[str | Path] = [require("rtmpdump"), "-q", "-v", "-r", url, "-o", to, *more]
    return Process(command, log=to.with_suffix(".log"))


async def published_by_ffmpeg(clip: Path, folder: Path) -> list[MessageReceived]:
    """The messages that ffmpeg makes of a clip."""
    async with Relay() as relay:
        with ffmpeg.publish(clip, relay.url("live/x"), folder=folder) as publisher:
            await ended(publisher)
        await relay.event(PublishStopped)
        return relay.peers[0].messages


def pictures(messages: list[MessageReceived]) -> list[bytes]:
    """The payloads of H.264 access units."""
    return [m.payload for m in messages if m.type_id == 9 and m.payload[1] == 1]


@pytest.mark.parametrize("program", ["ffmpeg", CURRENT_FFMPEG])
async def test_ffmpeg_publishes_and_ffmpeg_and_rtmpdump_play(
    clips: ClipShelf, tmp_path: Path, program: str
) -> None:
    clip = clips.get(CLIP)
    played, dumped = tmp_path / "played.flv", tmp_path / "dumped.flv"
    async with Relay() as relay:
        url = relay.url("live/name")
        player = ffmpeg.record(url, played, program=program)
        dump = rtmpdump(url, dumped)
        with player, dump:
            await until(lambda: sum(peer.playing for peer in relay.peers) == 2, "two players")
            keyed = f"{url}?key=secret"
            with ffmpeg.publish(clip, keyed, folder=tmp_path, program=program) as publisher:
                await ended(publisher)
            await ended(player)
            await until(lambda: not dump.running, "the end of rtmpdump")
        request = await relay.event(PublishRequested)
        assert (request.app, request.name, request.query) == ("live", "name", {"key": "secret"})
        assert relay.find(PublishStopped) == PublishStopped(1)
        assert (await relay.event(ConnectReceived)).tc_url == relay.url("live")
        assert [peer.error for peer in relay.peers] == [None, None, None]
    published = judge.units(clip)
    assert judge.assert_slice(judge.units(played), published, at_least=len(published)) == 0
    assert judge.assert_slice(judge.units(dumped), published, at_least=len(published)) == 0
    judge.assert_clean(played)


async def test_what_rtmpdump_asks_for(tmp_path: Path) -> None:
    async with Relay() as relay:
        with rtmpdump(relay.url("live/a?b=c"), tmp_path / "dump.flv", "-A", "3", "-B", "7"):
            request = await relay.event(PlayRequested)
            assert (request.app, request.name, request.query) == ("live", "a", {"b": "c"})
            assert request.reset
            peer = relay.peers[0]
            await until(lambda: peer.connection.peer_buffer_ms, "Set Buffer Length")


@pytest.mark.parametrize(("video", "audio"), [("hevc", "aac"), ("av1", "opus")])
async def test_enhanced_codecs_pass(
    clips: ClipShelf, tmp_path: Path, video: str, audio: str
) -> None:
    clip = clips.get(Clip(video=video, audio=audio, seconds=2, fps=30, gop_seconds=1, b_frames=0))
    played = tmp_path / "played.mkv"
    async with Relay() as relay:
        url = relay.url("live/name")
        with ffmpeg.record(url, played, program=CURRENT_FFMPEG) as player:
            await until(lambda: any(peer.playing for peer in relay.peers), "the player")
            with ffmpeg.publish(clip, url, folder=tmp_path, program=CURRENT_FFMPEG) as publisher:
                await ended(publisher)
            await ended(player)
    published = judge.units(clip)
    assert len(judge.units(played)) == len(published)
    assert judge.find(judge.units(played), published) == 0


@pytest.mark.parametrize("program", ["ffmpeg", CURRENT_FFMPEG])
async def test_ffmpeg_stops_when_it_is_refused(
    clips: ClipShelf, tmp_path: Path, program: str
) -> None:
    async with Relay() as relay:
        relay.refusal = ("NetStream.Publish.Denied", "Unknown stream key.")
        url = relay.url("live/x")
        with ffmpeg.publish(clips.get(CLIP), url, folder=tmp_path, program=program) as publisher:
            await until(lambda: not publisher.running, "ffmpeg to give up")
            assert publisher.wait() != 0
            assert "Unknown stream key." in publisher.output
        assert relay.find(MessageReceived) is None


async def test_we_publish_to_nginx_and_play_from_it(clips: ClipShelf, tmp_path: Path) -> None:
    clip = clips.get(CLIP)
    messages = await published_by_ffmpeg(clip, tmp_path)
    nginx = Nginx(tmp_path)
    url = f"rtmp://127.0.0.1:{nginx.port}/live"

    def publish(connection: ClientConnection) -> None:
        connection.connect(url, "live")
        connection.publish("name?key=secret")

    def play(connection: ClientConnection) -> None:
        connection.connect(url, "live")
        connection.play("name")

    with nginx.process:
        await nginx.ready()
        publisher = await Client.open(nginx.port, publish)
        await publisher.event(PublishStarted)
        properties = (await publisher.event(ConnectSucceeded)).properties
        assert properties["code"] == "NetConnection.Connect.Success"
        player = await Client.open(nginx.port, play)
        await player.event(PlayStarted)
        played = tmp_path / "played.flv"
        with ffmpeg.record(f"{url}/name", played, seconds=2) as recorder:
            await until(lambda: nginx.log.count("play: name='name'") == 2, "two players")
            for message in messages:
                publisher.send(message)
                await asyncio.sleep(0)
            video = pictures(messages)
            await until(lambda: len(pictures(player.messages)) == len(video), "every picture back")
            await publisher.close()
            await until(lambda: "deleteStream" in nginx.log, "deleteStream in nginx")
            await ended(recorder)
        assert pictures(player.messages) == video
        await player.close()
        assert "publish: name='name' args='key=secret'" in nginx.log
        assert "digest not found" not in nginx.log
    judge.assert_slice(judge.units(played), judge.units(clip), at_least=30)


@pytest.mark.parametrize("program", ["ffmpeg", CURRENT_FFMPEG])
async def test_we_publish_to_a_listening_ffmpeg(
    clips: ClipShelf, tmp_path: Path, program: str
) -> None:
    clip = clips.get(CLIP)
    messages = await published_by_ffmpeg(clip, tmp_path)
    port = free_port()
    recorded = tmp_path / "recorded.flv"
    command: list[str | Path] = [require(program), "-v", "verbose", "-nostdin", "-listen", "1"]
    command += ["-i", f"rtmp://127.0.0.1:{port}/live/name", "-c", "copy", recorded]

    def publish(connection: ClientConnection) -> None:
        connection.connect(f"rtmp://127.0.0.1:{port}/live", "live")
        connection.publish("name")

    async def attempt() -> Client | None:
        try:
            return await Client.open(port, publish)
        except ConnectionRefusedError:
            return None

    with Process(command, log=tmp_path / "listen.log") as server:
        client = None
        while client is None:
            assert server.running, server.output
            client = await attempt()
        await client.event(PublishStarted)
        for message in messages:
            client.send(message)
            await asyncio.sleep(0)
        await client.close()
        await ended(server)
    published = judge.units(clip)
    assert judge.assert_slice(judge.units(recorded), published, at_least=len(published)) == 0
