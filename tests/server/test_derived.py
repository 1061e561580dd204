"""Derived streams: what viewers get of one, when, and what is left when they have gone."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import pytest

from gamecast.media.codecs import audio_track
from gamecast.media.codecs.opus import OpusConfig, build_opus_head
from gamecast.media.interleave import seconds_of
from gamecast.media.packet import Packet
from gamecast.media.track import Codec, Kind, Track
from gamecast.relay.stream import Ingest
from gamecast.server.derived import DerivedStream, derive
from tests.relay.test_stream import FakePublisher, Hub, RecordingRendition
from tests.server.converters import Converters, HeldConverter
from tests.support.media import Feed, aac_track, h264_track

OPUS = audio_track(Codec.OPUS, build_opus_head(OpusConfig(channels=2)), id=1)
VP8 = replace(h264_track(), codec=Codec.VP8, config=b"")


class Bench:
    """A stream under a clock of the test's, and one that is derived of it."""

    def __init__(self, video: Track | None, audio: Track | None, codec: Codec) -> None:
        self.hub = Hub(grace_seconds=10)
        self.feed = Feed(video=video, audio=audio, group=30)
        self.publisher, self.ingest = self.hub.publish()
        self.play(2.5)
        self.parent = self.hub.on_air()
        self.converters = Converters()
        self.told = 0
        self.derived = self.derive(codec)
        self.derived.tell(self.tell)

    def derive(self, codec: Codec) -> DerivedStream:
        """Of the stream."""
        kind = Kind.VIDEO if codec is Codec.H264 else Kind.AUDIO
        track = next(each for each in self.parent.main_tracks if each.kind is kind)
        return derive(self.parent, codec, track=track, convert=self.converters)

    def tell(self) -> None:
        """It is ready."""
        self.told += 1

    def play(self, seconds: float, *, into: Ingest | None = None) -> None:
        """So much of the feed, in so much time."""
        for packet in self.feed.packets(seconds):
            if packet.is_video:
                self.hub.clock.advance(1 / 30)
            (into or self.ingest).write(packet)

    def live(self, seconds: float) -> None:
        """As :meth:`play`, while converters keep up."""
        for _ in range(round(seconds * 10)):
            self.play(0.1)
            self.converters.deliver()

    @property
    def converter(self) -> HeldConverter:
        """The only one."""
        (made,) = self.converters.made
        return made

    async def closed(self, converter: HeldConverter) -> bool:
        """Whether it is, after what was started has run."""
        await asyncio.sleep(0)
        return converter.closed


def codecs(tracks: Sequence[Track]) -> list[Codec]:
    """Of a stream's tracks."""
    return [track.codec for track in tracks]


def assert_in_order(packets: Sequence[Packet]) -> None:
    """By time."""
    times = [seconds_of(packet) for packet in packets]
    assert times == sorted(times)


async def test_viewers_begin_with_the_cached_group_and_its_sound() -> None:
    bench = Bench(h264_track(), OPUS, Codec.AAC)
    cached = bench.parent.cached()
    assert bench.converter.caught_up == sum(not packet.is_video for packet in cached)
    assert not bench.derived.ready
    bench.play(0.5)
    bench.converter.deliver(3)
    assert not bench.derived.ready, "some of the group's sound is not enough"
    bench.converter.deliver()
    assert bench.derived.ready
    assert bench.told == 1
    child = bench.derived.stream
    assert codecs(child.main_tracks) == [Codec.H264, Codec.AAC]
    assert_in_order(child.cached())
    pictures = [packet for packet in child.cached() if packet.is_video]
    assert pictures == [packet for packet in bench.parent.cached() if packet.is_video]


async def test_times_and_walls_are_the_parents() -> None:
    bench = Bench(VP8, OPUS, Codec.H264)
    rendition = bench.derived.stream.rendition("x", RecordingRendition)
    given = bench.parent.rendition("x", RecordingRendition)
    bench.converters.deliver()
    bench.live(2)
    assert len(rendition.packets) > 100
    walls = {(each.track.id, each.dts): each.wall for each in given.packets}
    for packet in rendition.packets[5:]:
        assert walls[packet.track.id, packet.dts] == packet.wall
    assert bench.derived.stream.started_monotonic == bench.parent.started_monotonic


async def test_a_picture_begins_now_and_sound_from_before_it_is_of_no_use() -> None:
    bench = Bench(VP8, OPUS, Codec.H264)
    bench.play(0.7)
    assert not bench.derived.ready
    bench.converter.deliver()
    assert bench.told == 1
    first, *_ = bench.derived.stream.cached()
    assert first.is_video
    assert first.keyframe
    assert first.track.codec is Codec.H264
    assert_in_order(bench.derived.stream.cached())
    assert codecs(bench.derived.stream.main_tracks) == [Codec.H264, Codec.OPUS]


async def test_without_sound_the_picture_goes_on_alone_after_a_while() -> None:
    bench = Bench(h264_track(), OPUS, Codec.AAC)
    bench.play(2.9)
    bench.parent.tick()
    assert not bench.derived.ready
    bench.play(0.2)
    bench.parent.tick()
    assert bench.told == 1
    assert codecs(bench.derived.stream.main_tracks) == [Codec.H264]
    bench.play(0.1)
    assert len(bench.derived.stream.cached()) > 0
    bench.converter.deliver()
    bench.live(1)
    assert codecs(bench.derived.stream.main_tracks) == [Codec.H264, Codec.AAC], "late, not never"


async def test_without_a_picture_it_is_never_ready_and_asks_for_a_keyframe() -> None:
    bench = Bench(VP8, OPUS, Codec.H264)
    bench.play(10)
    for _ in range(3):
        bench.parent.tick()
    assert bench.told == 0
    assert bench.publisher.keyframes == 3
    assert bench.derived.stream.main_tracks == []


async def test_groups_stay_short_however_long_the_publishers_are() -> None:
    bench = Bench(VP8, OPUS, Codec.H264)
    bench.feed.group = 100_000
    bench.live(8)
    assert 3 <= bench.converter.keyframes <= 4
    bench.derived.stream.request_keyframe()
    assert bench.converter.keyframes in (4, 5)


async def test_a_wish_for_a_keyframe_of_what_passes_is_the_publishers_matter() -> None:
    bench = Bench(h264_track(), OPUS, Codec.AAC)
    bench.derived.stream.request_keyframe()
    assert bench.publisher.keyframes == 1
    assert bench.converter.keyframes == 0


async def test_another_configuration_needs_no_other_converter() -> None:
    bench = Bench(VP8, OPUS, Codec.H264)
    bench.live(1)
    bench.feed.video = replace(VP8, width=640, height=360)
    bench.live(2)
    assert not bench.converter.closed
    assert not bench.derived.over


@pytest.mark.parametrize("audio", [None, replace(aac_track(), id=1)], ids=["none", "aac"])
async def test_what_has_nothing_left_to_convert_ends_its_worker_at_once(
    audio: Track | None,
) -> None:
    bench = Bench(h264_track(), OPUS, Codec.AAC)
    bench.live(1)
    bench.derived.stream.rendition("x", RecordingRendition)
    bench.derived.change_tracks([h264_track(), *([audio] if audio else [])])
    assert bench.derived.over
    assert await bench.closed(bench.converter)
    bench.parent.tick()
    assert "derived:aac" not in bench.parent.renditions
    assert bench.derive(Codec.AAC) is not bench.derived


async def test_one_that_was_watched_lingers_and_one_that_was_not_goes_at_once() -> None:
    bench = Bench(h264_track(), OPUS, Codec.AAC)
    bench.derived.forget(bench.tell)
    bench.parent.tick()
    assert await bench.closed(bench.converter)
    assert bench.parent.renditions == {}

    again = bench.derive(Codec.AAC)
    again.tell(bench.tell)
    bench.converters.made[-1].deliver()
    again.stream.rendition("x", RecordingRendition)
    for _ in range(20):
        bench.live(1)
        bench.parent.tick()
    again.stream.remove("x")
    for _ in range(14):
        bench.live(1)
        bench.parent.tick()
    assert bench.derive(Codec.AAC) is again
    for _ in range(3):
        bench.live(1)
        bench.parent.tick()
    assert await bench.closed(bench.converters.made[-1])
    assert bench.parent.renditions == {}


async def test_what_is_derived_of_it_starts_at_once_and_goes_with_it() -> None:
    bench = Bench(VP8, OPUS, Codec.H264)
    bench.derived.forget(bench.tell)
    both = derive(bench.derived.stream, Codec.AAC, track=OPUS, convert=bench.converters)
    both.tell(bench.tell)
    assert [each.codec for each in bench.converters.made] == [Codec.H264, Codec.AAC]
    assert bench.converters.of(Codec.AAC).caught_up == 0
    bench.live(1)
    assert bench.told == 1
    assert codecs(both.stream.main_tracks) == [Codec.H264, Codec.AAC]
    assert_in_order(both.stream.cached())
    both.stream.rendition("x", RecordingRendition)
    bench.ingest.stop("over")
    bench.hub.clock.advance(11)
    bench.parent.tick()
    for converter in bench.converters.made:
        assert await bench.closed(converter)
    assert both.stream.ended


async def test_at_the_end_what_is_held_still_comes() -> None:
    bench = Bench(h264_track(), OPUS, Codec.AAC)
    bench.live(1)
    rendition = bench.derived.stream.rendition("x", RecordingRendition)
    bench.play(0.4)
    count = len(rendition.packets)
    bench.parent.end("over")
    assert len(rendition.packets) == count + 12
    assert rendition.happened == ["finish"]
    assert await bench.closed(bench.converter)


async def test_another_session_is_told_with_its_keyframe() -> None:
    bench = Bench(VP8, OPUS, Codec.H264)
    bench.live(1)
    rendition = bench.derived.stream.rendition("x", RecordingRendition)
    bench.ingest.lost("gone")
    _, bench.ingest = bench.hub.publish(FakePublisher())
    bench.feed = Feed(video=VP8, audio=OPUS, group=30, first_frame=90)
    bench.live(1)
    assert rendition.happened == ["resume"]
    session = [each for each in rendition.packets if each.is_video]
    steps = [after.dts - before.dts for before, after in pairwise(session)]
    assert min(steps) > 0, "back in time"


async def test_viewers_are_not_counted_twice() -> None:
    bench = Bench(h264_track(), OPUS, Codec.AAC)
    bench.live(1)
    bench.derived.stream.rendition("x", RecordingRendition)
    assert bench.parent.audience() == {"total": 0}


async def test_a_converter_that_makes_nothing_is_given_up() -> None:
    """And not one that was given nothing, or only just something again."""
    bench = Bench(h264_track(), OPUS, Codec.AAC)
    bench.live(1)
    bench.feed.audio = None
    bench.play(40)
    bench.feed.audio = OPUS
    bench.play(1)
    bench.derived.tick(bench.hub.clock())
    assert not bench.derived.over
    bench.play(31)
    bench.derived.tick(bench.hub.clock())
    assert bench.derived.over
