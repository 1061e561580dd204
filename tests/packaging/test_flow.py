"""FLV and fragmented MP4 as they flow: headers, groups, clocks."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from gamecast.media.chunk import Chunk
from gamecast.media.containers import fmp4
from gamecast.media.containers.flv import TagReader, TagType, read_file_tags
from gamecast.media.track import Track
from gamecast.packaging.flv import CLOCK_CUE, FlvPackager
from gamecast.packaging.fmp4 import Fmp4Packager
from tests.support.media import Feed, av_feed


def tracks_of(feed: Feed) -> Sequence[Track]:
    return [track for track in (feed.video, feed.audio) if track]


def pack(packager: FlvPackager | Fmp4Packager, feed: Feed, seconds: float) -> list[Chunk]:
    packager.set_tracks(tracks_of(feed))
    return [chunk for packet in feed.packets(seconds) for chunk in packager.write(packet)]


def test_flv_reads_back_as_the_packets() -> None:
    feed = av_feed(group=15)
    packager = FlvPackager()
    chunks = pack(packager, feed, 2)
    reader = TagReader()
    tags = read_file_tags(packager.header() + b"".join(chunk.data for chunk in chunks))
    got = [p for tag in tags for p in reader.read(tag.type, tag.timestamp, tag.payload)]
    sent = list(av_feed(group=15).packets(2))
    assert [p.data for p in got] == [p.data for p in sent]
    assert [p.keyframe for p in got] == [p.keyframe for p in sent]
    assert all(abs(a.dts - b.dts) <= 90 for a, b in zip(got, sent, strict=True) if a.is_video)


def test_flv_group_starts_with_a_clock_cue_at_time_zero() -> None:
    packager = FlvPackager()
    feed = av_feed(group=15)
    chunks = pack(packager, feed, 2)
    starts = [chunk for chunk in chunks if chunk.starts_group]
    assert len(starts) == 4
    header = packager.header()
    for chunk in starts:
        cue, frame = list(read_file_tags(header + chunk.data))[-2:]
        assert cue.type == TagType.SCRIPT
        assert cue.timestamp == 0, "ffmpeg makes a text stream of script data at other times"
        assert CLOCK_CUE.encode() in cue.payload
        assert frame.type == TagType.VIDEO


@pytest.mark.parametrize("packager", [FlvPackager(), Fmp4Packager()])
def test_sound_alone_has_groups_too(packager: FlvPackager | Fmp4Packager) -> None:
    feed = av_feed()
    feed.video = None
    chunks = pack(packager, feed, 4)
    assert sum(chunk.starts_group for chunk in chunks) >= 3


def test_fmp4_has_a_fragment_per_frame_and_exact_times() -> None:
    packager = Fmp4Packager()
    feed = av_feed(group=15)
    chunks = pack(packager, feed, 1)
    chunks += list(packager.drain())
    assert packager.header() == fmp4.init_segment(tracks_of(feed))
    assert 30 <= len(chunks) <= 31
    assert [n for n, chunk in enumerate(chunks) if chunk.starts_group] == [0, 15]


def test_changed_tracks_give_a_new_header_inline() -> None:
    for packager in (FlvPackager(), Fmp4Packager()):
        feed = av_feed()
        packager.set_tracks(tracks_of(feed))
        before = packager.header()
        inline = packager.set_tracks(tracks_of(feed)[:1])
        assert inline
        assert packager.header() != before
