"""Record what real programs say over RTMP: ``python -m tests.data.rtmp.record FOLDER``.

Each file holds the bytes of one direction of one connection, from the first of the handshake on.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.protocols.rtmp.glue import Client, Peer, Relay
from tests.protocols.rtmp.nginx import Nginx
from tests.support import ffmpeg
from tests.support.clips import Clip, ClipShelf
from tests.support.events import until
from tests.support.obs import ObsStudio
from tests.support.peers import CURRENT_FFMPEG, require
from tests.support.process import Process

from gamecast.protocols.rtmp import ClientConnection
from gamecast.protocols.rtmp.events import MessageReceived, PlayStarted, PublishStarted

SMALL = Clip(size="64x64", fps=10, seconds=2, gop_seconds=1)
HEVC = Clip(size="64x64", fps=10, seconds=1, gop_seconds=1, video="hevc", b_frames=0)
OBS_BYTES = 60_000


def save(file: Path, data: bytearray) -> None:
    """Write one recording."""
    file.write_bytes(data)


async def record_publisher(file: Path, source: Path, program: str, work: Path) -> Peer:
    """ffmpeg, of either age, sends ``source``."""
    async with Relay() as relay:
        url = relay.url("live/name?key=secret")
        with ffmpeg.publish(source, url, folder=work, program=program) as process:
            await until(lambda: not process.running, file.stem, within=30)
        peer = relay.peers[0]
        await until(peer.transport.is_closing, "the end")
        save(file, peer.received)
        return peer


async def record_player(
    file: Path, media: list[MessageReceived], start: Callable[[str], Process]
) -> None:
    """A player is fed with ``media``."""
    async with Relay() as relay:
        with start(relay.url("live/name")) as process:
            await until(lambda: any(peer.playing for peer in relay.peers), file.stem)
            for message in media:
                relay.broadcast(message)
            relay.end_plays()
            await until(lambda: not process.running, file.stem)
        save(file, relay.peers[0].received)


async def record_players(folder: Path, work: Path, media: list[MessageReceived]) -> None:
    """ffmpeg, of both ages, and rtmpdump."""

    def dump(url: str) -> Process:
        command: list[str | Path] = [require("rtmpdump"), "-q", "-v", "-r", url]
        return Process([*command, "-o", work / "dump.flv"], log=work / "rtmpdump.log")

    def old(url: str) -> Process:
        return ffmpeg.record(url, work / "old.flv")

    def new(url: str) -> Process:
        return ffmpeg.record(url, work / "new.flv", program=CURRENT_FFMPEG)

    await record_player(folder / "rtmpdump-play.bin", media, dump)
    await record_player(folder / "ffmpeg5-play.bin", media, old)
    await record_player(folder / "ffmpeg9-play.bin", media, new)


async def record_obs(folder: Path, work: Path, clips: ClipShelf) -> None:
    """OBS with default settings: the beginning of a stream, cut off."""
    async with Relay() as relay:
        with ObsStudio(work, server=relay.url("live"), key="secret", media=clips.get(SMALL)):
            await until(
                lambda: relay.peers and len(relay.peers[0].received) > OBS_BYTES, "OBS", within=90
            )
        (folder / "obs29-publish.bin").write_bytes(relay.peers[0].received[:OBS_BYTES])


@asynccontextmanager
async def running(nginx: Nginx) -> AsyncIterator[Nginx]:
    """nginx, once it listens."""
    with nginx.process:
        await nginx.ready()
        yield nginx


async def record_nginx(folder: Path, work: Path, media: list[MessageReceived]) -> None:
    """What nginx-rtmp answers our client."""
    async with running(Nginx(work)) as nginx:
        url = f"rtmp://127.0.0.1:{nginx.port}/live"

        def publish(connection: ClientConnection) -> None:
            connection.connect(url, "live")
            connection.publish("name")

        def play(connection: ClientConnection) -> None:
            connection.connect(url, "live")
            connection.play("name")

        publisher = await Client.open(nginx.port, publish)
        await publisher.event(PublishStarted)
        player = await Client.open(nginx.port, play)
        await player.event(PlayStarted)
        for message in media:
            publisher.send(message)
        await until(lambda: len(player.messages) > len(media) // 2, "media")
        await publisher.close()
        await player.close()
        (folder / "nginx-publish-answers.bin").write_bytes(publisher.received)
        (folder / "nginx-play-answers.bin").write_bytes(player.received)


async def main(folder: Path) -> None:
    """Write all recordings into ``folder``."""
    with TemporaryDirectory() as name:
        work = Path(name)
        clips = ClipShelf(work)
        small, hevc = clips.get(SMALL), clips.get(HEVC)
        hevc_file = folder / "ffmpeg9-publish-hevc.bin"
        await record_publisher(hevc_file, hevc, CURRENT_FFMPEG, work)
        peer = await record_publisher(folder / "ffmpeg5-publish.bin", small, "ffmpeg", work)
        media = peer.messages
        await record_players(folder, work, media)
        await record_nginx(folder, work, media)
        await record_obs(folder, work, clips)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
