"""What becomes of a stream with B-frames where the configuration wants no encoder for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from gamecast.media.packet import Packet
from gamecast.media.track import Codec
from gamecast.server.webrtc import source as webrtc_source
from tests.server.site import MakeSite
from tests.server.webrtc.peer import SDP, Peer
from tests.server.webrtc.reel import Reel
from tests.server.webrtc.test_whep import _OFFER, source, url
from tests.support.clips import Clip, ClipShelf
from tests.transcode.scenes import load

PLAIN = Clip(audio="opus", seconds=1, fps=30, gop_seconds=1, b_frames=0)
ONE = replace(PLAIN, b_frames=1)
PYRAMID = replace(PLAIN, b_frames=3)
"""x264 lets other pictures refer to the middle one of three."""

Clips = Callable[[Clip], list[Packet]]


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers take longer to start where other tests fill the machine."""
    monkeypatch.setattr(webrtc_source, "_PATIENCE", 14.0)


@pytest.fixture
def packets(clips: ClipShelf) -> Clips:
    """The packets of a clip."""
    return lambda clip: load(clips.get(clip))


def times(peer: Peer) -> list[int]:
    """Of the pictures in the order in which they came."""
    return list(dict.fromkeys(packet.timestamp for packet in peer.of("video")))


@pytest.mark.parametrize(("clip", "encoders"), [(ONE, set()), (PYRAMID, {0})], ids=["one", "three"])
async def test_dropping_sends_no_picture_back_in_time(
    make_site: MakeSite, packets: Clips, clip: Clip, encoders: set[int]
) -> None:
    site = await make_site(auth={"publish": "open"}, webrtc={"b_frames": "drop"})
    async with Reel(packets(clip)).on_air(site), Peer(url(site)) as peer:
        assert set(source(site)._converters) == encoders
        await peer.until(lambda: len(peer.units(Codec.H264, "video")) > 40)
        assert times(peer) == sorted(times(peer))


async def test_dropping_goes_over_to_encoding_when_references_go_back(
    make_site: MakeSite, packets: Clips
) -> None:
    site = await make_site(auth={"publish": "open"}, webrtc={"b_frames": "drop"})
    reel = Reel(packets(ONE))
    async with reel.on_air(site), Peer(url(site)) as peer:
        await peer.until(lambda: len(times(peer)) > 10)
        assert not source(site)._converters
        reel.cut_to(packets(PYRAMID))
        await peer.until(lambda: set(source(site)._converters) == {0})
        count = len(times(peer))
        await peer.until(lambda: len(times(peer)) > count + 60, within=20)
        assert times(peer) == sorted(times(peer))
        assert peer.closed is None


async def test_refusing_says_why(make_site: MakeSite, packets: Clips) -> None:
    site = await make_site(auth={"publish": "open"}, webrtc={"b_frames": "refuse"})
    async with Reel(packets(ONE)).on_air(site):
        answer = await site.browser.post("/live/main/whep", content=_OFFER, headers=SDP)
        assert answer.status_code == 406
        assert answer.headers["content-type"] == "application/problem+json"
        assert "B-frames" in answer.json()["detail"]
        sound = Peer(url(site))
        sound.video = ()
        async with sound:
            await sound.until(lambda: len(sound.of("audio")) > 10)


async def test_refusing_ends_sessions_when_b_frames_begin(
    make_site: MakeSite, packets: Clips
) -> None:
    site = await make_site(auth={"publish": "open"}, webrtc={"b_frames": "refuse"})
    reel = Reel(packets(PLAIN))
    async with reel.on_air(site), Peer(url(site)) as peer:
        await peer.until(lambda: len(times(peer)) > 10)
        reel.cut_to(packets(ONE))
        await peer.until(lambda: peer.closed is not None)
        assert times(peer) == sorted(times(peer))
