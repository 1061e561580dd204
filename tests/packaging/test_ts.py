"""The TS rendition: whole packets, groups that stand alone."""

from __future__ import annotations

from gamecast.media.containers.mpegts import Demuxer
from gamecast.packaging.ts import TsPackager
from tests.support.media import Feed, aac_track, av_feed


def test_a_viewer_can_begin_at_every_group() -> None:
    feed = av_feed(group=15)
    packager = TsPackager()
    assert feed.video is not None
    assert feed.audio is not None
    assert packager.set_tracks([feed.video, feed.audio]) == packager.header() == b""
    chunks = [chunk for packet in feed.packets(2.0) for chunk in packager.write(packet)]
    starts = [n for n, chunk in enumerate(chunks) if chunk.starts_group]
    assert len(starts) == 4
    for start in starts:
        demuxer = Demuxer()
        got = demuxer.read(b"".join([chunk.data for chunk in chunks[start:]])) + demuxer.flush()
        assert got[0].keyframe
        assert got[0].is_video
        assert demuxer.continuity_errors == demuxer.lost_bytes == 0


def test_sound_alone_has_a_group_every_second() -> None:
    feed = Feed(video=None, audio=aac_track())
    packager = TsPackager()
    packager.set_tracks([aac_track()])
    chunks = [chunk for packet in feed.packets(3.0) for chunk in packager.write(packet)]
    starts = [chunk.data for chunk in chunks if chunk.starts_group]
    assert len(starts) == 3
    assert all(data[1:3] == b"\x40\x00" for data in starts)
