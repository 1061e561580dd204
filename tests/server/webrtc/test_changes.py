"""What the publisher changes, viewers see go on: no session, number or picture begins anew."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from gamecast.media.codecs.h264 import NalType, parse_sps
from gamecast.media.codecs.nal import nal_units
from gamecast.media.packet import Packet
from gamecast.media.track import Codec, Kind
from gamecast.relay.stream import Clocks
from gamecast.server.webrtc import source as webrtc_source
from tests.server.site import Site
from tests.server.webrtc.peer import Peer
from tests.server.webrtc.reel import Reel
from tests.server.webrtc.test_whep import source, url
from tests.support.clips import Clip, ClipShelf
from tests.support.events import until
from tests.transcode.scenes import load, of_kind

SMALL = Clip(audio="aac", seconds=1, fps=30, gop_seconds=1, b_frames=0)
LARGE = replace(SMALL, size="640x360")

Clips = Callable[[Clip], list[Packet]]


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers take longer to start where other tests fill the machine."""
    monkeypatch.setattr(webrtc_source, "_PATIENCE", 14.0)


@pytest.fixture
def packets(clips: ClipShelf) -> Clips:
    """The packets of a clip."""
    return lambda clip: load(clips.get(clip))


def widths(peer: Peer) -> list[int]:
    """Of the pictures that came, as their parameter sets say; each once in a row."""
    found = [
        parse_sps(unit).width
        for picture in peer.units(Codec.H264, "video")
        for unit in nal_units(picture)
        if unit[0] & 31 == NalType.SPS
    ]
    return [each for each, last in zip(found, [0, *found], strict=False) if each != last]


def assert_went_on(site: Site, peer: Peer) -> None:
    """Every packet came once at most, in order, and so did every picture."""
    assert peer.closed is None
    assert peer.session is not None
    assert peer.session.receiver is not None
    assert not peer.session.receiver.dropped
    for kind in ("video", "audio"):
        came = peer.of(kind)
        numbers = [packet.sequence for packet in came]
        assert numbers == sorted(set(numbers))
        times = [packet.timestamp for packet in came]
        assert times == sorted(times), "back in time"
    for viewer in source(site).rtp.viewers:
        assert viewer.session.sender is not None
        assert viewer.session.sender.refused == 0


@pytest.mark.parametrize("b_frames", [0, 2], ids=["as it is", "encoded again"])
async def test_another_size_goes_on(site: Site, packets: Clips, b_frames: int) -> None:
    small, large = (packets(replace(clip, b_frames=b_frames)) for clip in (SMALL, LARGE))
    reel = Reel(small)
    async with reel.on_air(site), Peer(url(site)) as peer:
        await peer.until(lambda: widths(peer) == [320])
        reel.cut_to(large)
        await peer.until(lambda: widths(peer) == [320, 640])
        reel.cut_to(small)
        await peer.until(lambda: widths(peer) == [320, 640, 320])
        assert_went_on(site, peer)


async def test_another_size_does_not_stop_the_sound(site: Site, packets: Clips) -> None:
    """Sound that is made into Opus needs no other converter because the picture has changed."""
    reel = Reel(packets(SMALL))
    async with reel.on_air(site), Peer(url(site)) as peer:
        await peer.until(lambda: len(peer.of("audio")) > 10)
        converters = dict(source(site)._converters)
        reel.cut_to(packets(LARGE))
        await peer.until(lambda: widths(peer) == [320, 640])
        assert source(site)._converters == converters
        assert_went_on(site, peer)


async def test_b_frames_that_begin_late_are_taken_out(site: Site, packets: Clips) -> None:
    reel = Reel(packets(SMALL))
    async with reel.on_air(site), Peer(url(site)) as peer:
        await peer.until(lambda: len(peer.of("video")) > 40)
        reel.cut_to(packets(replace(LARGE, b_frames=2)))
        await peer.until(lambda: widths(peer) == [320, 640], within=20)
        count = len(peer.units(Codec.H264, "video"))
        await peer.until(lambda: len(peer.units(Codec.H264, "video")) > count + 40, within=20)
        assert Kind.VIDEO in {track.kind for track in site.stream().main_tracks}
        assert 0 in source(site)._converters
        assert_went_on(site, peer)


async def test_a_picture_that_was_silent_comes_back(site: Site, packets: Clips) -> None:
    clip = packets(SMALL)
    reel = Reel(clip)
    async with reel.on_air(site), Peer(url(site)) as peer:
        await peer.until(lambda: len(peer.of("video")) > 40)
        stream, rtp = site.stream(), source(site).rtp
        reel.cut_to(of_kind(clip, Kind.AUDIO))
        sent = len(peer.of("audio"))
        await peer.until(lambda: len(peer.of("audio")) > sent + 120)  # the clip, then sound alone
        stream.clocks = Clocks(monotonic=stream.clocks.monotonic, wall=lambda: time.time() + 10)
        sent = len(peer.of("audio"))
        await peer.until(lambda: len(peer.of("audio")) > sent + 5)
        stream.tick()
        assert set(rtp.lines) == {Kind.AUDIO}
        reel.cut_to(clip)
        await until(lambda: Kind.VIDEO in rtp.lines, "the picture")
        count = len(peer.units(Codec.H264, "video"))
        await peer.until(lambda: len(peer.units(Codec.H264, "video")) > count + 40)
        assert_went_on(site, peer)


async def test_another_codec_ends_sessions_that_agreed_on_the_first(
    site: Site, packets: Clips
) -> None:
    """Their payload type is that of the old one: the player has to ask anew."""
    reel = Reel(packets(SMALL))
    async with reel.on_air(site), Peer(url(site)) as peer:
        await peer.until(lambda: len(peer.of("video")) > 10)
        reel.cut_to(packets(replace(SMALL, video="hevc")))
        await peer.until(lambda: peer.closed is not None)
        assert site.stream().audience() == {"total": 0}
