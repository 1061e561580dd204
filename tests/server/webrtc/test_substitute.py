"""Viewers who lack the codec of the picture get another one, made once for all of them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from gamecast.media.codecs import is_keyframe
from gamecast.media.codecs.h264 import NalType, parse_sps
from gamecast.media.codecs.nal import nal_units
from gamecast.media.codecs.vp8 import frame_size
from gamecast.media.track import Codec
from tests.server.site import MakeSite, Site
from tests.server.webrtc.peer import Peer
from tests.server.webrtc.studio import StudioPublisher
from tests.support.clips import Clip, ClipShelf
from tests.transcode.scenes import flash_and_beep, load

B_FRAMES = Clip(audio=None, seconds=3, fps=30, gop_seconds=1)


@asynccontextmanager
async def real_stream(site: Site, path: Path) -> AsyncIterator[None]:
    """A clip on ``main``, over and over, at the speed it plays."""
    ingest = site.server.directory.publish("main", title="", publisher=StudioPublisher())
    packets = load(path)
    length = round(packets[-1].dts + 3000 - packets[0].dts)

    async def send() -> None:
        shift = 0
        while True:
            for packet in packets:
                ingest.write(replace(packet, dts=packet.dts + shift, pts=packet.pts + shift))
                await asyncio.sleep(1 / 30)
            shift += length

    for packet in packets[:40]:
        ingest.write(packet)
    packets = [
        replace(packet, dts=packet.dts + length, pts=packet.pts + length) for packet in packets
    ]
    task = asyncio.create_task(send())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        ingest.stop("over")


def viewer(site: Site, *video: str) -> Peer:
    """A viewer of ``main`` who offers these codecs."""
    peer = Peer(f"{site.base_url}/live/main/whep")
    peer.video = video
    return peer


def codec_of(peer: Peer) -> str:
    """The codec of the picture that was agreed on."""
    assert peer.agreement is not None
    return next(media.codec for media in peer.agreement.media if media.kind == "video")


async def test_without_h264_the_picture_is_vp8(site: Site, clips: ClipShelf) -> None:
    async with real_stream(site, clips.get(B_FRAMES)):
        async with viewer(site, "vp9", "vp8") as one, viewer(site, "vp8") as other:
            assert (codec_of(one), codec_of(other)) == ("vp8", "vp8")
            async with viewer(site, "h264", "vp8") as usual:
                assert codec_of(usual) == "h264"
                await usual.until(lambda: len(usual.units(Codec.H264, "video")) > 10)
                assert set(site.stream().renditions) == {"webrtc", "webrtc:vp8"}
            for peer in (one, other):
                await peer.until(lambda peer=peer: len(peer.units(Codec.VP8, "video")) > 30)  # type: ignore[misc]
            units = one.units(Codec.VP8, "video")
            assert is_keyframe(Codec.VP8, units[0])
            assert frame_size(units[0]) == (320, 180)
            assert site.stream().audience() == {"total": 2, "whep": 2}
        shared = {packet.payload for packet in other.of("video")}
        assert len(shared & {packet.payload for packet in one.of("video")}) > 20, "encoded twice"


async def test_hevc_goes_as_it_is_to_those_who_have_it(site: Site, clips: ClipShelf) -> None:
    clip = replace(B_FRAMES, video="hevc", b_frames=0)
    async with (
        real_stream(site, clips.get(clip)),
        viewer(site, "h264", "hevc") as modern,
        viewer(site, "h264", "vp8") as usual,
    ):
        assert (codec_of(modern), codec_of(usual)) == ("hevc", "h264")
        await modern.until(lambda: len(modern.units(Codec.HEVC, "video")) > 10)
        await usual.until(lambda: len(usual.units(Codec.H264, "video")) > 10)
        assert is_keyframe(Codec.H264, usual.units(Codec.H264, "video")[0])


X265 = ["libx265", "-preset", "ultrafast", "-tag:v", "hvc1"]
X265 += ["-x265-params", "log-level=none:bframes=0:keyint=30"]
X264 = ["libx264", "-preset", "ultrafast", "-bf", "0", "-g", "30"]


@pytest.mark.parametrize(
    ("encoder", "pixels", "name"),
    [(X265, "yuv420p10le", "hevc"), (X264, "yuv420p10le", "h264")],
    ids=["HEVC Main 10", "H.264 High 10"],
)
async def test_a_profile_that_was_not_offered_is_encoded_again(
    site: Site, tmp_path: Path, encoder: list[str], pixels: str, name: str
) -> None:
    """Browsers offer ``profile-id=1`` for HEVC, and nothing beyond High for H.264."""
    path = flash_and_beep(tmp_path / "a.mp4", seconds=3, video=encoder, pixels=pixels)
    async with real_stream(site, path), viewer(site, name, "h264") as peer:
        assert codec_of(peer) == "h264"
        assert set(site.stream().renditions) == {"webrtc:h264"}
        await peer.until(lambda: len(peer.units(Codec.H264, "video")) > 10, within=20)
        units = nal_units(peer.units(Codec.H264, "video")[0])
        sets = [unit for unit in units if unit[0] & 31 == NalType.SPS]
        assert [parse_sps(unit).profile_idc for unit in sets] == [100]


@pytest.mark.parametrize("b_frames", ["drop", "refuse"])
async def test_who_wants_no_encoder_gets_none(
    make_site: MakeSite, clips: ClipShelf, b_frames: str
) -> None:
    site = await make_site(webrtc={"b_frames": b_frames})
    async with real_stream(site, clips.get(replace(B_FRAMES, b_frames=0))):
        with pytest.raises(AssertionError, match="not_playable"):
            async with viewer(site, "vp8"):
                pass
