"""A whole server whose stream its players cannot show: what they get instead, and when nothing."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from gamecast.media.containers.flv import Tag, TagReader
from gamecast.media.containers.mpegts import Demuxer
from gamecast.media.packet import Packet
from gamecast.media.track import Codec
from gamecast.protocols.rtmp.events import MessageReceived, PlayRejected
from gamecast.server import derived, outlet
from tests.server.http_viewer import FlvViewer, RawHttp, watch_flv
from tests.server.rtmp_peer import RtmpPeer, play
from tests.server.site import Site
from tests.server.srt.peer import SrtPeer
from tests.server.test_derived import OPUS, VP8
from tests.server.webrtc.reel import Reel
from tests.server.webrtc.studio import StudioPublisher
from tests.support.clips import Clip, ClipShelf
from tests.support.events import until
from tests.support.media import Feed
from tests.transcode.scenes import flash_and_beep, load, pictures

USUAL = Clip(audio="aac", seconds=1, fps=30, gop_seconds=1, b_frames=0)
SRT_REQUEST = "read:live/main"


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers take longer to start where other tests fill the machine."""
    monkeypatch.setattr(outlet, "PATIENCE", 20.0)
    monkeypatch.setattr(derived, "_PATIENCE", 14.0)


@pytest.fixture
def usual(clips: ClipShelf) -> list[Packet]:
    """H.264 and AAC, as OBS sends them by RTMP."""
    return load(clips.get(USUAL))


@pytest.fixture
def unusual(tmp_path: Path) -> list[Packet]:
    """VP8 and Opus, as a browser sends them by WHIP; one group of two seconds."""
    vp8 = ["libvpx", "-deadline", "realtime", "-g", "60", "-b:v", "500k"]
    return load(flash_and_beep(tmp_path / "a.webm", seconds=2, video=vp8, audio=["libopus"]))


@asynccontextmanager
async def undecodable(site: Site) -> AsyncIterator[None]:
    """A stream that says it is VP8, on ``main``: no converter will make anything of it."""
    publisher = StudioPublisher()
    ingest = site.server.directory.publish("main", title="", publisher=publisher)
    for packet in Feed(video=VP8, audio=OPUS, group=10).packets(1):
        ingest.write(packet)
    yield
    ingest.stop("over")


@pytest.mark.parametrize("file", ["main.flv", "main.ts", "main/index.m3u8", "main/media.m3u8"])
async def test_http_says_that_there_is_nothing_yet(
    site: Site, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    monkeypatch.setattr(outlet, "PATIENCE", 0.2)
    async with undecodable(site):
        answer = await site.get(f"/live/{file}")
        assert answer.status_code == 503
        assert answer.json()["code"] == "converter_late"
        assert answer.headers["retry-after"] == "2"
        assert answer.headers["access-control-allow-origin"] == "*"
        assert (await site.browser.head("/live/main.mp4")).status_code == 200


async def test_rtmp_and_srt_say_so_in_their_own_way(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outlet, "PATIENCE", 0.2)
    async with undecodable(site):
        player, caller = await play(site.rtmp, "main"), SrtPeer(site.srt, SRT_REQUEST)
        await player.expect(PlayRejected)
        await player.wait_closed()
        await until(lambda: caller.closed, "the end of the SRT connection")
        await caller.close()


async def test_viewers_that_hang_up_while_they_wait_leave_nothing_behind(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outlet, "PATIENCE", 1.5)
    async with undecodable(site):
        stream = site.stream()
        files = ["/live/main.flv", "/live/main.ts", "/live/main/index.m3u8"]
        viewers = [await RawHttp.open(site.http) for _ in files]
        for viewer, file in zip(viewers, files, strict=True):
            viewer.request(file)
        player, caller = await play(site.rtmp, "main"), SrtPeer(site.srt, SRT_REQUEST)
        outlets = {"flv", "ts", "hls"}
        await until(lambda: outlets < set(stream.renditions), "all of them")
        await until(lambda: any(key.startswith("rtmp/") for key in stream.renditions), "RTMP")
        player.driver.abort()
        await caller.close()
        for viewer in viewers:
            await viewer.close()
        await until(lambda: not stream.renditions, "that all is gone", within=15)
        assert stream.audience() == {"total": 0}
        pool = site.server._pool
        await until(lambda: not any(each.lines for each in pool.processes), "workers' end")


def flv_packets(tags: Iterable[Tag]) -> list[Packet]:
    """What an old player makes of them."""
    reader = TagReader()
    return [packet for tag in tags for packet in reader.read(tag.type, tag.timestamp, tag.payload)]


def assert_plays_on(packets: list[Packet]) -> None:
    """H.264 and AAC in one time line, and every picture can be decoded."""
    assert {packet.track.codec for packet in packets} == {Codec.H264, Codec.AAC}
    for kind in (True, False):
        times = [packet.dts for packet in packets if packet.is_video is kind]
        assert all(before < after for before, after in pairwise(times))
    video = [packet for packet in packets if packet.is_video]
    assert len(pictures(video, low_delay=False)) == len(video)


async def converted(viewer: FlvViewer, *, more: int) -> None:
    """Wait for so many pictures behind what has come."""
    count = len([tag for tag in viewer.tags if tag.type == 9])
    await until(
        lambda: len([tag for tag in viewer.tags if tag.type == 9]) >= count + more,
        f"{more} pictures",
        within=30,
    )


async def test_flv_viewers_go_on_when_the_publisher_changes_to_vp8_and_opus_and_back(
    site: Site, patience: None, usual: list[Packet], unusual: list[Packet]
) -> None:
    reel = Reel(usual)
    async with reel.on_air(site), await watch_flv(site.http) as viewer:
        await converted(viewer, more=20)
        reel.cut_to(unusual)
        await until(lambda: vp8_on_air(site), "VP8")
        await converted(viewer, more=60)
        reel.cut_to(usual)
        await until(lambda: not vp8_on_air(site), "H.264")
        await converted(viewer, more=40)
        assert not viewer.over
        assert_plays_on(flv_packets(viewer.tags))
        assert site.stream().audience() == {"total": 1, "flv": 1}


def vp8_on_air(site: Site) -> bool:
    """And not H.264."""
    return site.stream().main_tracks[0].codec is Codec.VP8


async def test_hls_says_what_its_pieces_are_and_where_they_change(
    site: Site, patience: None, usual: list[Packet], unusual: list[Packet]
) -> None:
    reel = Reel(usual)
    async with reel.on_air(site):
        assert (await site.get("/live/main/index.m3u8")).status_code == 200
        reel.cut_to(unusual)
        await until(lambda: vp8_on_air(site), "VP8")
        index = await site.get("/live/main/index.m3u8")
        assert re.search(r'CODECS="avc1\.\w{6},opus"', index.text)
        text = await playlist_with(site, "#EXT-X-DISCONTINUITY\n")
        before, after = text.split("#EXT-X-DISCONTINUITY\n")[:2]
        assert re.findall(r'MAP:URI="([^"]+)"', before) != re.findall(r'MAP:URI="([^"]+)"', after)
        for file in re.findall(r'URI="([0-9a-f]{16}-init\d+\.mp4)"', text):
            init = (await site.get(f"/live/main/{file}")).content
            assert b"avc1" in init
            assert b"vp08" not in init


async def playlist_with(site: Site, line: str) -> str:
    """The media playlist, as soon as this is in it and segments follow it."""
    while True:
        text = (await site.get("/live/main/media.m3u8")).text
        if text.partition(line)[2].count("#EXTINF") >= 2:
            return text
        msn = int(re.findall(r"-(\d+)\.(?:\d+\.)?m4s", text)[-1]) + 1
        await site.get(f"/live/main/media.m3u8?_HLS_msn={msn}")


async def test_all_ways_out_of_vp8_share_one_encoder(
    site: Site, patience: None, unusual: list[Packet]
) -> None:
    reel = Reel(unusual)
    async with reel.on_air(site):
        caller = SrtPeer(site.srt, SRT_REQUEST)
        async with await watch_flv(site.http) as viewer, await RawHttp.open(site.http) as http:
            http.request("/live/main.ts")
            player = await play(site.rtmp, "main")
            assert await http.read_head(within=30) == 200
            transport = bytearray()
            while len(transport) < 100_000:
                transport += await http.read_chunk()
            await converted(viewer, more=60)
            await until(lambda: len(rtmp_packets(player)) > 60, "RTMP", within=30)
            await until(lambda: len(caller.received) > 30, "SRT", within=30)
            kinds = sorted(worker.kind for worker in site.server._pool.processes)
            assert kinds == ["audio", "video"]
            assert site.stream().audience() == {"total": 4, "flv": 1, "ts": 1, "rtmp": 1, "srt": 1}
        assert_plays_on(flv_packets(viewer.tags))
        found = {packet.track.codec for packet in rtmp_packets(player)}
        assert found == {Codec.H264, Codec.OPUS}, "our own client says that it has Opus"
        for data in (bytes(transport), b"".join(caller.received)):
            tracks = {packet.track.codec for packet in ts_packets(data)}
            assert tracks == {Codec.H264, Codec.OPUS}
        player.driver.abort()
        await caller.close()


@pytest.mark.parametrize(
    "encoder",
    [["libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8"], ["libsvtav1", "-preset", "12"]],
    ids=["vp9", "av1"],
)
async def test_pictures_that_a_transport_stream_has_no_room_for(
    site: Site, patience: None, tmp_path: Path, encoder: list[str]
) -> None:
    options = [*encoder, "-g", "60", "-b:v", "500k"]
    path = flash_and_beep(tmp_path / "a.mp4", seconds=2, video=options, audio=["libopus"])
    reel = Reel(load(path))
    async with reel.on_air(site), await RawHttp.open(site.http) as http:
        http.request("/live/main.ts")
        assert await http.read_head(within=30) == 200
        transport = bytearray()
        while len(transport) < 100_000:
            transport += await http.read_chunk()
        packets = ts_packets(bytes(transport))
        assert {packet.track.codec for packet in packets} == {Codec.H264, Codec.OPUS}
        video = [packet for packet in packets if packet.is_video]
        assert len(pictures(video, low_delay=False)) == len(video) > 30
        assert set(site.stream().renditions) == {"ts", "derived:h264"}


def rtmp_packets(player: RtmpPeer) -> list[Packet]:
    """What an RTMP player has got."""
    reader = TagReader()
    return [
        packet
        for event in player.events
        if isinstance(event, MessageReceived)
        for packet in reader.read(event.type_id, event.timestamp, event.payload)
    ]


def ts_packets(data: bytes) -> list[Packet]:
    """What a transport stream carries."""
    return Demuxer().read(data)
