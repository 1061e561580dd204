"""Streams: readiness, take-over, grace, continuity, track changes."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from gamecast.media.packet import Packet
from gamecast.media.track import Track
from gamecast.relay.directory import Busy, Directory
from gamecast.relay.stream import Clocks, Ingest, Stream, StreamEvent, StreamLimits
from tests.support.clock import FakeClock
from tests.support.media import Feed, av_feed


@dataclass(slots=True)
class FakePublisher:
    credential: str = "key:1"
    protocol: str = "test"
    software: str = "fake"
    address: str = "127.0.0.1"
    ended: list[str] = field(default_factory=list)
    keyframes: int = 0

    def end(self, reason: str) -> None:
        self.ended.append(reason)

    def request_keyframe(self) -> None:
        self.keyframes += 1


@dataclass(slots=True)
class RecordingRendition:
    packets: list[Packet] = field(default_factory=list)
    happened: list[str] = field(default_factory=list)
    unwatched: bool = False

    def write(self, packet: Packet) -> None:
        self.packets.append(packet)

    def change_tracks(self, tracks: Sequence[Track]) -> None:
        self.happened.append(f"tracks {[t.id for t in tracks]}")

    def resume(self) -> None:
        self.happened.append("resume")

    def finish(self, reason: str) -> None:
        self.happened.append("finish")

    def tick(self, now: float) -> None:
        pass

    def audience(self) -> dict[str, int]:
        return {"test": 1}


class Hub:
    """A directory under a fake clock, and what it told."""

    def __init__(self, **limits: float) -> None:
        self.clock = FakeClock()
        self.directory = Directory(
            clocks=Clocks(monotonic=self.clock, wall=self.clock),
            limits=StreamLimits(**limits),  # type: ignore[arg-type]
        )
        self.events: list[StreamEvent] = []
        self.directory.listen(lambda stream, event: self.events.append(event))

    def publish(self, publisher: FakePublisher | None = None) -> tuple[FakePublisher, Ingest]:
        publisher = publisher or FakePublisher()
        return publisher, self.directory.publish("main", title="Title", publisher=publisher)

    def play(self, ingest: Ingest, feed: Feed, seconds: float) -> None:
        for packet in feed.packets(seconds):
            self.clock.advance(1 / 60)
            ingest.write(packet)

    def on_air(self) -> Stream:
        stream = self.directory.get("main")
        assert stream is not None
        return stream


def test_ready_with_both_kinds_and_a_keyframe() -> None:
    hub = Hub()
    _, ingest = hub.publish()
    assert hub.directory.get("main") is None
    hub.play(ingest, av_feed(), 0.1)
    assert [track.kind.value for track in hub.on_air().main_tracks] == ["video", "audio"]
    assert hub.events == [StreamEvent.STARTED]


@pytest.mark.parametrize("missing", ["audio", "video"])
def test_ready_with_one_kind_after_a_while(missing: str) -> None:
    hub = Hub(ready_seconds=1.0)
    _, ingest = hub.publish()
    feed = av_feed()
    setattr(feed, missing, None)
    hub.play(ingest, feed, 0.5)
    assert hub.directory.get("main") is None
    hub.play(ingest, feed, 1.0)
    assert len(hub.on_air().main_tracks) == 1


def test_same_credential_takes_over_at_once_and_the_old_hand_is_dead() -> None:
    hub = Hub()
    old, old_ingest = hub.publish()
    hub.play(old_ingest, av_feed(), 1.0)
    stream = hub.on_air()
    rendition = stream.rendition("x", RecordingRendition)
    _, ingest = hub.publish()
    assert old.ended == ["taken over by the same key"]
    count = len(rendition.packets)
    hub.play(old_ingest, av_feed(), 0.5)
    assert len(rendition.packets) == count
    hub.play(ingest, av_feed(), 1.0)
    assert len(rendition.packets) > count
    assert hub.on_air() is stream
    assert StreamEvent.PUBLISHER_LOST not in hub.events


def test_other_credential_is_busy() -> None:
    hub = Hub()
    publisher, _ = hub.publish()
    with pytest.raises(Busy):
        hub.publish(FakePublisher(credential="key:2"))
    assert not publisher.ended


def test_two_encoders_that_fight_are_stopped() -> None:
    hub = Hub(takeovers_per_minute=3)
    for _ in range(4):
        hub.publish()
    with pytest.raises(Busy):
        hub.publish()
    hub.clock.advance(61)
    hub.publish()


def test_publisher_back_within_grace_continues_the_timeline_from_a_keyframe() -> None:
    hub = Hub(grace_seconds=10)
    _, ingest = hub.publish()
    hub.play(ingest, av_feed(), 1.0)
    rendition = hub.on_air().rendition("x", RecordingRendition)
    hub.play(ingest, av_feed(first_frame=30), 0.5)
    ingest.lost("gone")
    hub.clock.advance(5)
    hub.directory.tick()
    last = rendition.packets[-1]
    _, again = hub.publish(FakePublisher(credential="key:2"))
    hub.play(again, av_feed(first_frame=55), 1.0)  # five frames before its first keyframe
    assert rendition.happened == ["resume"]
    after = rendition.packets[rendition.packets.index(last) + 1 :]
    assert after[0].is_video
    assert after[0].keyframe
    assert after[0].dts / 90_000 > last.dts / last.track.clock_rate
    assert hub.events[-2:] == [StreamEvent.PUBLISHER_LOST, StreamEvent.PUBLISHER_BACK]


def test_publisher_away_for_longer_ends_the_stream() -> None:
    hub = Hub(grace_seconds=10)
    _, ingest = hub.publish()
    hub.play(ingest, av_feed(), 1.0)
    rendition = hub.on_air().rendition("x", RecordingRendition)
    ingest.stop("bye")
    hub.clock.advance(10)
    hub.directory.tick()
    assert hub.directory.get("main") is None
    assert rendition.happened == ["finish"]
    assert hub.events[-1] is StreamEvent.ENDED


def test_changed_configuration_reaches_renditions_before_its_packets() -> None:
    hub = Hub()
    _, ingest = hub.publish()
    hub.play(ingest, av_feed(), 1.0)
    rendition = hub.on_air().rendition("x", RecordingRendition)
    feed = av_feed(first_frame=30)
    assert feed.video is not None
    feed.video = dataclasses.replace(feed.video, width=640)
    hub.play(ingest, feed, 0.5)
    assert rendition.happened == ["tracks [0, 1]"]


def test_same_configuration_in_new_objects_is_no_change() -> None:
    hub = Hub()
    _, ingest = hub.publish()
    hub.play(ingest, av_feed(), 1.0)
    rendition = hub.on_air().rendition("x", RecordingRendition)
    hub.play(ingest, av_feed(first_frame=30), 0.5)
    assert rendition.happened == []


def test_track_that_falls_silent_is_dropped_and_comes_back() -> None:
    hub = Hub()
    _, ingest = hub.publish()
    feed = av_feed()
    hub.play(ingest, feed, 1.0)
    stream = hub.on_air()
    rendition = stream.rendition("x", RecordingRendition)
    sound, feed.audio = feed.audio, None
    for _ in range(8):
        hub.clock.advance(1)
        hub.play(ingest, feed, 0.1)
        hub.directory.tick()
    assert rendition.happened == ["tracks [0]"]
    feed.audio = sound
    hub.play(ingest, feed, 0.2)
    assert rendition.happened == ["tracks [0]", "tracks [0, 1]"]


def test_unwatched_rendition_is_let_go() -> None:
    hub = Hub()
    _, ingest = hub.publish()
    hub.play(ingest, av_feed(), 1.0)
    stream = hub.on_air()
    rendition = stream.rendition("x", RecordingRendition)
    hub.directory.tick()
    assert stream.audience() == {"total": 1, "test": 1}
    rendition.unwatched = True
    hub.directory.tick()
    assert stream.renditions == {}


def test_cached_group_starts_with_its_keyframe() -> None:
    hub = Hub()
    _, ingest = hub.publish()
    hub.play(ingest, av_feed(group=20), 2.5)
    cached = hub.on_air().cached()
    assert cached[0].is_video
    assert cached[0].keyframe
    assert sum(packet.is_video and packet.keyframe for packet in cached) == 1


def test_closing_the_directory_ends_publishers_and_streams() -> None:
    hub = Hub()
    publisher, ingest = hub.publish()
    hub.play(ingest, av_feed(), 1.0)
    hub.directory.close("stopping")
    assert publisher.ended == ["stopping"]
    assert list(hub.directory) == []


def test_the_cache_has_nothing_of_the_old_configuration_when_renditions_hear_of_the_new() -> None:
    hub = Hub()
    _, ingest = hub.publish()
    hub.play(ingest, av_feed(), 1.0)
    stream = hub.on_air()
    found: list[list[Packet]] = []

    class Looking(RecordingRendition):
        def change_tracks(self, tracks: Sequence[Track]) -> None:
            found.append(stream.cached())

    stream.rendition("x", Looking)
    feed = av_feed(first_frame=60)
    assert feed.video is not None
    feed.video = dataclasses.replace(feed.video, width=640)
    hub.play(ingest, feed, 1.0)
    assert found == [[]]
    assert stream.cached()[0].track is feed.video


def test_a_child_is_filled_with_packets_as_they_are_and_tells_nobody_else() -> None:
    hub = Hub(max_bitrate=1)
    _, ingest = hub.publish()
    hub.play(ingest, av_feed(), 1.0)
    stream, told = hub.on_air(), list(hub.events)
    hub.clock.advance(100)
    events: list[StreamEvent] = []
    child = stream.child(lambda _, event: events.append(event))
    rendition = child.rendition("x", RecordingRendition)
    for packet in stream.cached():
        child.pass_on(packet)
    assert child.cached() == stream.cached()
    assert all(a is b for a, b in zip(child.cached(), stream.cached(), strict=True)), "copies"
    assert rendition.packets[-1].wall < hub.clock() - 99, "when it came, not when it was passed on"
    assert child.started_monotonic == stream.started_monotonic
    assert events == [StreamEvent.STARTED]
    child.end("over")
    assert rendition.happened == ["finish"]
    assert hub.events == told


def test_another_session_begins_with_a_keyframe_and_renditions_hear_of_it() -> None:
    hub = Hub()
    _, ingest = hub.publish()
    hub.play(ingest, av_feed(), 1.0)
    stream = hub.on_air()
    child = stream.child(lambda *_: None)
    feed = av_feed(group=10)
    for packet in feed.packets(0.5):
        child.pass_on(packet)
    rendition = child.rendition("x", RecordingRendition)
    child.begin_session()
    for packet in feed.packets(0.5):
        child.pass_on(packet)
    assert rendition.happened == ["resume"]
    assert rendition.packets[0].keyframe
    assert rendition.packets[0].is_video


def test_a_rendition_may_make_another_one_when_tracks_change() -> None:
    hub = Hub()
    _, ingest = hub.publish()
    hub.play(ingest, av_feed(), 1.0)
    stream = hub.on_air()

    class Dividing(RecordingRendition):
        def change_tracks(self, tracks: Sequence[Track]) -> None:
            stream.rendition("y", RecordingRendition)

    stream.rendition("x", Dividing)
    feed = av_feed(first_frame=60)
    assert feed.video is not None
    feed.video = dataclasses.replace(feed.video, width=640)
    hub.play(ingest, feed, 1.0)
    made = stream.find_rendition("y")
    assert isinstance(made, RecordingRendition)
    assert made.happened == []
    assert made.packets[0].keyframe
    stream.remove("y")
    stream.remove("y")
    assert set(stream.renditions) == {"x"}


def test_another_sound_leaves_the_pictures_that_a_viewer_begins_with() -> None:
    hub = Hub()
    _, ingest = hub.publish()
    hub.play(ingest, av_feed(), 1.0)
    stream = hub.on_air()
    feed = av_feed(first_frame=30)
    assert feed.audio is not None
    feed.audio = dataclasses.replace(feed.audio, channels=1)
    hub.play(ingest, feed, 0.5)
    cached = stream.cached()
    assert [packet.is_video for packet in cached].count(True) == 45
    assert {packet.track for packet in cached} == set(stream.main_tracks)
