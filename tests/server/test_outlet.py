"""Outlets: viewers wait for what has to be converted, are moved when that changes, and go on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import pytest

from gamecast.media.interleave import seconds_of
from gamecast.media.track import Codec, Track
from gamecast.relay.stream import Stream
from gamecast.server import outlet as outlets
from gamecast.server.needs import FLV, HLS, NOTHING, TS, Needs, rtmp_needs
from gamecast.server.outlet import Outlet
from tests.relay.test_stream import FakePublisher, Hub, RecordingRendition
from tests.server.converters import Converters
from tests.server.site import turns
from tests.server.test_derived import OPUS, VP8, codecs
from tests.support.media import Feed, aac_track, h264_track

AAC = replace(aac_track(), id=1)
H264 = h264_track()


class Shown(RecordingRendition):
    """What viewers of an outlet see."""

    def __init__(self, source: Stream) -> None:
        super().__init__(packets=source.cached())
        self.tracks = [codecs(source.main_tracks)]
        self.ticks = 0

    def change_tracks(self, tracks: Sequence[Track]) -> None:
        self.tracks.append(codecs(tracks))

    def tick(self, now: float) -> None:
        self.ticks += 1

    def assert_goes_on(self) -> None:
        """Neither back in time nor twice."""
        for id in (0, 1):
            times = [seconds_of(each) for each in self.packets if each.track.id == id]
            assert times == sorted(set(times))


class Bench:
    """A stream under a clock of the test's, and outlets of it."""

    def __init__(self, video: Track | None, audio: Track | None) -> None:
        self.hub = Hub(grace_seconds=10)
        self.feed = Feed(video=video, audio=audio, group=30)
        self.publisher, self.ingest = self.hub.publish()
        self.converters = Converters()
        self.play(2.5)
        self.stream = self.hub.on_air()

    def outlet(self, key: str, needs: Needs) -> Outlet[Shown]:
        """As sessions ask for one."""
        return self.stream.rendition(
            key,
            lambda: Outlet(self.stream, key, needs=needs, make=Shown, convert=self.converters),
        )

    async def watch(self, key: str, needs: Needs) -> Shown:
        """A viewer that has waited, and stays."""
        outlet = self.outlet(key, needs)
        if needs.steps(self.stream.main_tracks):
            self.play(0.3)
        async with outlet.awaited() as shown:
            assert shown is not None
            return shown

    def play(self, seconds: float) -> None:
        """While converters keep up."""
        for _ in range(round(seconds * 10)):
            for packet in self.feed.packets(0.1):
                if packet.is_video:
                    self.hub.clock.advance(1 / 30)
                self.ingest.write(packet)
            self.converters.deliver()

    def take_over(self, video: Track | None, audio: Track | None) -> None:
        """Another publisher of other codecs."""
        _, self.ingest = self.hub.publish(FakePublisher())
        self.feed = Feed(video=video, audio=audio, group=30)

    @property
    def working(self) -> list[Codec]:
        """What converters make now."""
        return [each.codec for each in self.converters.made if not each.closed]


def test_who_needs_what() -> None:
    both = (Codec.H264, Codec.AAC)
    vp9, av1, hevc = (replace(VP8, codec=each) for each in (Codec.VP9, Codec.AV1, Codec.HEVC))
    for needs, tracks, steps in (
        (FLV, [H264, AAC], ()),
        (FLV, [H264, OPUS], (Codec.AAC,)),
        (FLV, [OPUS], (Codec.AAC,)),
        (FLV, [VP8, OPUS], both),
        (FLV, [VP8, AAC], (Codec.H264,)),
        (FLV, [vp9, OPUS], both),
        (FLV, [hevc, OPUS], ()),
        (FLV, [av1, OPUS], ()),
        (TS, [VP8, OPUS], (Codec.H264,)),
        (TS, [vp9], (Codec.H264,)),
        (TS, [av1, AAC], (Codec.H264,)),
        (TS, [H264, OPUS], ()),
        (HLS, [VP8, OPUS], (Codec.H264,)),
        (HLS, [vp9, OPUS], ()),
        (NOTHING, [VP8, OPUS], ()),
        (rtmp_needs(lambda _: False), [VP8, OPUS], both),
        (rtmp_needs(lambda code: code == "Opus"), [VP8, OPUS], (Codec.H264,)),
        (rtmp_needs(lambda code: code == "vp08"), [VP8, OPUS], ()),
        (rtmp_needs(lambda _: True), [H264, OPUS], ()),
    ):
        assert needs.steps(tracks) == steps, (needs, codecs(tracks))
    words = {needs.word for needs in (FLV, TS, HLS, NOTHING, rtmp_needs(lambda c: c == "Opus"))}
    assert len(words) == 5


async def test_what_needs_nothing_is_there_at_once_and_goes_as_it_is() -> None:
    bench = Bench(H264, AAC)
    shown = await bench.watch("flv", FLV)
    assert shown.packets == bench.stream.cached()
    bench.play(1)
    assert shown.packets[-1] is bench.stream.cached()[-1], "a copy"
    assert set(bench.stream.renditions) == {"flv"}
    assert bench.converters.made == []


async def test_all_formats_share_one_converter_of_each_kind() -> None:
    bench = Bench(VP8, OPUS)
    flv, rtmp, ts, hls = [
        await bench.watch(key, needs)
        for key, needs in (("flv", FLV), ("rtmp", FLV), ("ts", TS), ("hls", HLS))
    ]
    assert sorted(bench.working) == [Codec.AAC, Codec.H264]
    bench.play(1)
    assert flv.tracks == rtmp.tracks == [[Codec.H264, Codec.AAC]]
    assert ts.tracks == hls.tracks == [[Codec.H264, Codec.OPUS]]
    assert {id(each) for each in ts.packets[-40:]} == {id(each) for each in hls.packets[-40:]}
    assert bench.stream.audience() == {"total": 4, "test": 4}
    bench.stream.tick()
    assert (flv.ticks, hls.ticks) == (1, 1)


async def test_viewers_wait_for_the_converter_and_no_longer_than_they_should(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outlets, "PATIENCE", 0.05)
    bench = Bench(VP8, OPUS)
    async with bench.outlet("ts", TS).awaited() as shown:
        assert shown is None
    assert "ts" not in bench.stream.renditions
    bench.stream.tick()
    await turns()
    assert bench.stream.renditions == {}
    assert bench.working == []


async def test_a_viewer_that_goes_while_it_waits_leaves_nothing_behind() -> None:
    bench = Bench(VP8, OPUS)

    async def wait() -> None:
        async with bench.outlet("flv", FLV).awaited():
            raise AssertionError("nothing has been made yet")

    waiting = [asyncio.create_task(wait()) for _ in range(3)]
    await turns()
    bench.stream.tick()
    assert set(bench.stream.renditions) == {"flv", "derived:h264"}
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    for _ in range(2):
        bench.stream.tick()
    await turns()
    assert bench.stream.renditions == {}
    assert bench.working == []


async def test_who_waits_when_the_stream_ends_is_told() -> None:
    bench = Bench(VP8, OPUS)

    async def wait() -> Shown | None:
        async with bench.outlet("flv", FLV).awaited() as shown:
            return shown

    waiting = asyncio.create_task(wait())
    await turns()
    bench.stream.end("over")
    assert await waiting is None
    assert bench.working == []


@pytest.mark.parametrize(
    ("video", "audio", "expected"),
    [
        (H264, OPUS, [Codec.H264, Codec.AAC]),
        (VP8, OPUS, [Codec.H264, Codec.AAC]),
        (VP8, AAC, [Codec.H264, Codec.AAC]),
    ],
    ids=["sound", "both", "picture"],
)
async def test_another_publisher_with_other_codecs_and_back(
    video: Track, audio: Track, expected: list[Codec]
) -> None:
    """From RTMP to WHIP by a take-over: viewers of FLV go on, with what their players know."""
    bench = Bench(H264, AAC)
    shown = await bench.watch("flv", FLV)
    bench.play(1)
    bench.take_over(video, audio)
    bench.play(3)
    assert shown.tracks[0] == shown.tracks[-1] == expected
    assert all(set(each) <= {Codec.H264, Codec.AAC} for each in shown.tracks)
    assert shown.packets[-1].wall > bench.hub.clock() - 0.05
    shown.assert_goes_on()
    count = len(shown.packets)
    bench.take_over(H264, AAC)
    bench.play(1)
    assert len(shown.packets) > count + 60
    assert shown.packets[-1] is bench.stream.cached()[-1]
    shown.assert_goes_on()
    assert bench.stream.find_rendition("flv") is not None
    assert bench.stream.audience() == {"total": 1, "test": 1}
    for _ in range(30):
        bench.play(1)
        bench.stream.tick()
    await turns()
    assert set(bench.stream.renditions) == {"flv"}
    assert bench.working == []


async def test_the_same_picture_just_goes_on_when_the_sound_is_another() -> None:
    """No keyframe is near: a picture that got lost on the way would spoil those behind it."""
    bench = Bench(H264, AAC)
    bench.feed.group = 10_000
    shown = await bench.watch("flv", FLV)
    before = len(shown.packets)
    for sound in (OPUS, AAC, OPUS):
        bench.feed.audio = sound
        for packet in bench.feed.packets(0.3):  # a converter that makes nothing yet
            bench.ingest.write(packet)
        bench.play(1)
    pictures = [each.dts for each in shown.packets[before:] if each.is_video]
    assert len(pictures) == 3 * 39
    assert {after - before for before, after in pairwise(pictures)} == {3000}
    shown.assert_goes_on()
    assert shown.tracks[-1] == [Codec.H264, Codec.AAC]


async def test_another_picture_waits_for_its_keyframe() -> None:
    bench = Bench(H264, AAC)
    shown = await bench.watch("flv", FLV)
    bench.feed.group = 10_000
    bench.feed.video = replace(H264, width=640)
    bench.play(0.5)
    assert not any(each.track is bench.feed.video for each in shown.packets)
    bench.feed.first_frame = 10_000
    bench.play(0.5)
    assert any(each.track is bench.feed.video and each.keyframe for each in shown.packets)


@pytest.mark.parametrize("needs", [NOTHING, FLV], ids=["as it is", "beside converted sound"])
async def test_a_publisher_that_can_be_asked_keeps_its_groups_short(needs: Needs) -> None:
    """A browser sends a keyframe when it is asked and not before."""
    bench = Bench(H264, OPUS)
    await bench.watch("x", needs)
    for group, least, most in ((30, 0, 0), (10_000, 3, 10)):
        bench.feed.group = group
        asked = bench.publisher.keyframes
        for _ in range(10):
            bench.play(1)
            bench.stream.tick()
        assert least <= bench.publisher.keyframes - asked <= most


async def test_where_no_group_is_cached_a_keyframe_is_asked_for() -> None:
    bench = Bench(H264, OPUS)
    bench.feed.group = 10_000
    bench.play(32)
    assert bench.stream.cached() == []
    await bench.watch("ts", TS)
    assert bench.publisher.keyframes == 1
    waiting = bench.outlet("flv", FLV)
    assert bench.publisher.keyframes == 2
    assert waiting.rendition is None
    bench.feed.first_frame = 10_000
    bench.play(0.5)
    assert waiting.rendition is not None


async def test_sound_alone_needs_no_keyframes() -> None:
    bench = Bench(None, AAC)
    await bench.watch("x", FLV)
    for _ in range(10):
        for packet in bench.feed.packets(1):
            bench.ingest.write(packet)
        bench.hub.clock.advance(1)
        bench.stream.tick()
    assert bench.publisher.keyframes == 0


async def test_the_end_reaches_viewers_once_wherever_they_are_fed_from() -> None:
    bench = Bench(VP8, OPUS)
    shown = await bench.watch("flv", FLV)
    bench.play(1)
    bench.stream.end("over")
    assert shown.happened == ["finish"]
    other = Bench(H264, AAC)
    shown = await other.watch("flv", FLV)
    other.take_over(VP8, OPUS)
    for packet in other.feed.packets(0.1):
        other.ingest.write(packet)
    other.stream.end("over")  # before a converter has made anything
    assert shown.happened[-1:] == ["finish"]
    assert shown.happened.count("finish") == 1


async def test_a_publisher_that_returns_is_told_once() -> None:
    bench = Bench(VP8, OPUS)
    shown = await bench.watch("hls", HLS)
    bench.play(1)
    bench.ingest.lost("gone")
    bench.take_over(VP8, OPUS)
    bench.play(2)
    assert shown.happened == ["resume"]
    shown.assert_goes_on()


async def test_a_converter_that_has_given_up_is_followed_by_another() -> None:
    bench = Bench(VP8, OPUS)
    shown = await bench.watch("hls", HLS)
    bench.play(1)
    bench.converters.of(Codec.H264).on_packet = lambda _: None
    for _ in range(33):
        bench.play(1)
        bench.stream.tick()
        await turns()
    assert [each.closed for each in bench.converters.made] == [True, False]
    count = len(shown.packets)
    bench.play(1)
    assert len(shown.packets) > count
    shown.assert_goes_on()
