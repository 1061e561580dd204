"""The playlist: what it states, when a part is reached, what leaves the window."""

from __future__ import annotations

import dataclasses
import re

import pytest

from gamecast.packaging.hls import HlsPackager, HlsSettings
from gamecast.packaging.playlist import MediaPlaylist, multivariant
from tests.support.media import Feed, av_feed


class Channel:
    """A packager, its playlist and a feed."""

    def __init__(self, feed: Feed | None = None, *, keyframe_seconds: float = 2.0) -> None:
        self.feed = feed or av_feed(group=60)
        self.packager = HlsPackager(
            [track for track in (self.feed.video, self.feed.audio) if track],
            HlsSettings(),
            first_msn=10,
            keyframe_seconds=keyframe_seconds,
        )
        self.playlist = MediaPlaylist(self.packager, epoch="00000000")

    def play(self, seconds: float) -> None:
        for packet in self.feed.packets(seconds):
            self.packager.write(packet)

    def lines(self, *, skip: bool = False) -> list[str]:
        return self.playlist.render(skip=skip).decode().splitlines()

    def tag(self, name: str) -> str:
        values = [line.removeprefix(name) for line in self.lines() if line.startswith(name)]
        return values[0] if values else ""


def test_states_what_low_latency_players_need() -> None:
    channel = Channel()
    channel.play(9)
    lines = channel.lines()
    assert lines[0] == "#EXTM3U"
    assert channel.tag("#EXT-X-TARGETDURATION:") == "2"
    control = channel.tag("#EXT-X-SERVER-CONTROL:")
    for attribute in ("CAN-BLOCK-RELOAD=YES", "CAN-SKIP-UNTIL=12.0", "PART-HOLD-BACK=1.500"):
        assert attribute in control
    assert channel.tag("#EXT-X-PART-INF:") == "PART-TARGET=0.350"
    assert channel.tag("#EXT-X-MAP:") == 'URI="00000000-init1.mp4"'
    assert any(line.startswith("#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:13:2") for line in lines)
    assert lines[-1] == '#EXT-X-PRELOAD-HINT:TYPE=PART,URI="00000000-14.2.m4s"'


def test_reached_follows_the_preload_hint() -> None:
    channel = Channel()
    channel.play(1.0)
    msn, part = channel.packager.position
    assert msn == 10
    assert channel.packager.reached(msn, part - 1)
    assert not channel.packager.reached(msn, part)
    assert not channel.packager.reached(msn + 1, 0)
    channel.play(0.4)
    assert channel.packager.reached(msn, part)
    channel.play(1.0)
    # beyond the last part of a finished segment means the next segment's first (6.2.5.2)
    assert channel.packager.reached(10, 99)
    assert channel.packager.reached(11, 0)


def test_window_slides_and_parts_are_listed_near_the_edge_only() -> None:
    channel = Channel()
    channel.play(60)
    names = [line for line in channel.lines() if line.endswith(".m4s")]
    assert len(names) == 7
    first = int(channel.tag("#EXT-X-MEDIA-SEQUENCE:"))
    assert names[0] == f"00000000-{first}.m4s"
    partial = {m[1] for m in re.finditer(r'URI="0{8}-(\d+)\.\d+\.m4s"', "\n".join(channel.lines()))}
    assert len(partial) <= 5
    kept = channel.packager.segments
    assert len(kept) <= 7 + 1 + channel.packager.settings.kept
    assert channel.packager.segment(kept[0].msn) is kept[0]
    assert channel.packager.segment(kept[0].msn - 1) is None


def test_delta_update_skips_what_is_older_than_the_boundary() -> None:
    channel = Channel()
    channel.play(60)
    full, delta = channel.lines(), channel.lines(skip=True)
    skipped = next(line for line in delta if line.startswith("#EXT-X-SKIP:"))
    count = int(skipped.partition("=")[2])
    assert count >= 1
    assert sum(line.startswith("#EXTINF") for line in full) - count == sum(
        line.startswith("#EXTINF") for line in delta
    )
    assert full[-1] == delta[-1]


def test_rendering_is_done_once_per_version() -> None:
    channel = Channel()
    channel.play(5)
    assert channel.playlist.render() is channel.playlist.render()


def test_new_configuration_is_a_discontinuity_with_a_new_map() -> None:
    channel = Channel()
    channel.play(4)
    assert channel.feed.video is not None
    channel.feed.video = dataclasses.replace(channel.feed.video, width=640, height=360)
    channel.packager.change_tracks([channel.feed.video, *channel.packager.tracks[1:]])
    channel.play(2)
    lines = channel.lines()
    at = lines.index("#EXT-X-DISCONTINUITY")
    assert lines[at + 1] == '#EXT-X-MAP:URI="00000000-init2.mp4"'
    channel.play(40)
    assert "#EXT-X-DISCONTINUITY" not in channel.lines()
    assert channel.tag("#EXT-X-DISCONTINUITY-SEQUENCE:") == "1"
    assert list(channel.packager.inits) == [2]


def test_returned_publisher_is_a_discontinuity_with_the_same_map() -> None:
    channel = Channel()
    channel.play(4)
    channel.packager.discontinue()
    channel.play(2)
    lines = channel.lines()
    assert "#EXT-X-DISCONTINUITY" in lines
    assert sum(line.startswith("#EXT-X-MAP") for line in lines) == 1


def test_finish_lists_everything_and_ends() -> None:
    channel = Channel()
    channel.play(3)
    channel.packager.finish()
    lines = channel.lines()
    assert lines[-1] == "#EXT-X-ENDLIST"
    assert not any(line.startswith(("#EXT-X-PRELOAD-HINT", "#EXT-X-PART:")) for line in lines)
    total = sum(float(line[8:-1]) for line in lines if line.startswith("#EXTINF:"))
    assert total == pytest.approx(3, abs=0.02)
    assert channel.packager.reached(999, 0), "nobody may wait for what will never come"


def test_target_duration_is_never_below_a_segment() -> None:
    channel = Channel(av_feed(group=300), keyframe_seconds=0)
    channel.play(25)
    assert int(channel.tag("#EXT-X-TARGETDURATION:")) == 10


def test_segment_is_its_parts() -> None:
    channel = Channel()
    channel.play(5)
    segment = channel.packager.segments[0]
    assert segment.data == b"".join(part.data for part in segment.parts)
    assert segment.data is segment.data


def test_multivariant_has_true_attributes() -> None:
    feed = av_feed()
    tracks = [track for track in (feed.video, feed.audio) if track]
    text = multivariant(tracks, bandwidth=2_000_000, average=1_500_000, media_uri="media.m3u8")
    assert 'CODECS="avc1.64000d,mp4a.40.2"' in text
    assert "RESOLUTION=320x180" in text
    assert "BANDWIDTH=2000000,AVERAGE-BANDWIDTH=1500000" in text
    assert text.endswith("media.m3u8\n")
