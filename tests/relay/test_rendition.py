"""Renditions: bytes once per format, groups as the unit of joining and dropping."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import pytest

from gamecast.media.chunk import Chunk
from gamecast.media.packet import Packet
from gamecast.media.track import Track
from gamecast.relay.lane import plain
from gamecast.relay.pace import CROWD, CROWD_HOLD, MAX_INTERVAL, Pace
from gamecast.relay.rendition import FlowRendition
from gamecast.relay.viewer import Limits, Viewer
from tests.support.clock import FakeClock
from tests.support.media import Feed, av_feed


class CountingPackager:
    """Packs each packet as ``<kind><number>;`` and counts what it is asked to do."""

    def __init__(self) -> None:
        self.writes = 0
        self.config = 0
        self.keyframe_bytes = 0
        self.inline = True

    def set_tracks(self, tracks: Sequence[Track]) -> bytes:
        self.config += 1
        return b"config%d;" % self.config if self.inline else b""

    def header(self) -> bytes:
        return b"header%d;" % self.config

    def write(self, packet: Packet) -> Iterator[Chunk]:
        self.writes += 1
        kind = b"a" if not packet.is_video else b"K" if packet.keyframe else b"v"
        piece = b"%s%d;" % (kind, self.writes)
        if kind == b"K":
            piece = piece.ljust(self.keyframe_bytes, b".")
        yield Chunk(piece, packet.is_video and packet.keyframe)

    def drain(self) -> Iterator[Chunk]:
        yield Chunk(b"end;")


@dataclass(slots=True)
class RecordingSink:
    """Keeps what it is given; its backlog is what the test says."""

    chunks: list[bytes] = field(default_factory=list)
    bursts: list[list[bytes]] = field(default_factory=list)
    waiting: int = 0
    finished: list[str] = field(default_factory=list)

    @property
    def write(self) -> Callable[[bytes], None]:
        return self.chunks.append

    def write_burst(self, pieces: list[bytes]) -> None:
        self.bursts.append(pieces)
        self.chunks.append(b"".join(pieces))

    def backlog(self) -> int:
        return self.waiting

    def finish(self, reason: str) -> None:
        self.finished.append(reason)

    @property
    def data(self) -> bytes:
        return b"".join(self.chunks)


class Bench:
    """A rendition with a fake clock and hand-fired timers."""

    def __init__(self, feed: Feed | None = None, *, limits: Limits | None = None) -> None:
        self.feed = feed or av_feed(group=10)
        self.clock = FakeClock()
        self.timers: list[tuple[float, Callable[[], None]]] = []
        self.pace = Pace()
        self.packager = CountingPackager()
        tracks = [track for track in (self.feed.video, self.feed.audio) if track]
        self.rendition = FlowRendition(
            self.packager,
            tracks=tracks,
            packets=[],
            pace=self.pace,
            clock=self.clock,
            call_later=lambda wait, call: self.timers.append((self.clock() + wait, call)),
            limits=limits,
        )

    def join(self, sink: RecordingSink, frame: Callable[[bytes], bytes] = plain) -> Viewer:
        viewer = Viewer(protocol="test", sink=sink)
        self.rendition.join(viewer, frame)
        return viewer

    def play(self, frames: int) -> None:
        for packet in self.feed.packets(frames / self.feed.fps):
            self.clock.now = 1000 + packet.dts / packet.track.clock_rate
            while self.timers and self.timers[0][0] <= self.clock.now:
                self.timers.pop(0)[1]()
            self.rendition.write(packet)


def groups(data: bytes) -> list[list[bytes]]:
    """The pieces of each group, the bytes before the first keyframe left out."""
    found: list[list[bytes]] = []
    for piece in data.split(b";")[:-1]:
        if piece.startswith(b"K"):
            found.append([])
        if found:
            found[-1].append(piece)
    return found


def test_packager_is_called_once_per_packet_however_many_viewers() -> None:
    bench = Bench()
    sinks = [RecordingSink() for _ in range(200)]
    for sink in sinks:
        bench.join(sink)
    bench.play(30)
    packets = list(av_feed(group=10).packets(1.0))
    assert bench.packager.writes == len(packets)
    assert len({sink.data for sink in sinks}) == 1
    first, second = sinks[0].chunks, sinks[1].chunks
    assert all(a is b for a, b in zip(first[1:], second[1:], strict=True)), "not the same objects"


def test_framing_is_done_once_per_lane() -> None:
    bench = Bench()
    calls = []

    def framed(data: bytes) -> bytes:
        calls.append(data)
        return b"<" + data + b">"

    sinks = [RecordingSink() for _ in range(50)]
    for sink in sinks:
        bench.join(sink, framed)
    before = len(calls)
    bench.play(20)
    assert len(calls) - before == len(sinks[0].chunks) - 1
    assert sinks[0].chunks[-1].startswith(b"<")


def test_late_viewer_gets_header_and_current_group_and_then_the_same() -> None:
    bench = Bench()
    early, late = RecordingSink(), RecordingSink()
    bench.join(early)
    bench.play(25)
    bench.join(late)
    bench.play(20)
    assert late.chunks[0].startswith(b"header1;K")
    assert groups(late.data) == groups(early.data)[-len(groups(late.data)) :]
    assert len(groups(late.data)) == 3


def test_late_viewers_share_the_pieces_of_the_group_with_those_who_were_there() -> None:
    bench = Bench(av_feed(group=100))
    early, late = RecordingSink(), RecordingSink()
    bench.join(early)
    bench.play(25)
    bench.join(late)
    ((_, *group),) = late.bursts
    assert len(group) > 20
    assert all(a is b for a, b in zip(group, early.chunks[1:], strict=True)), "copies"


def test_viewer_before_the_first_keyframe_waits_for_it() -> None:
    bench = Bench(av_feed(group=10, first_frame=5))
    sink = RecordingSink()
    bench.join(sink)
    bench.play(10)
    assert sink.data.startswith(b"header1;K")


def test_full_viewer_loses_whole_groups_and_others_nothing() -> None:
    bench = Bench()
    slow, fast = RecordingSink(), RecordingSink()
    viewer = bench.join(slow)
    bench.join(fast)
    bench.play(15)
    viewer.set_full(True, bench.clock())
    bench.play(20)  # finishes its group, skips the next
    viewer.set_full(False, bench.clock())
    bench.play(25)
    whole = groups(fast.data)
    got = groups(slow.data)
    assert [group for group in got if group not in whole] == []
    assert len(got) < len(whole)
    assert viewer.dropped_groups == len(whole) - len(got)
    assert viewer.dropped_bytes + len(slow.data) == len(fast.data)


def test_viewer_with_more_than_the_hard_limit_is_ended() -> None:
    bench = Bench(limits=Limits(hard_bytes=1000))
    sink = RecordingSink(waiting=1001)
    viewer = bench.join(sink)
    bench.play(3)
    viewer.set_full(True, bench.clock())
    bench.play(2)
    assert sink.finished


def test_viewer_that_stops_reading_is_reaped() -> None:
    bench = Bench(limits=Limits(stalled_seconds=15))
    sink = RecordingSink()
    viewer = bench.join(sink)
    bench.play(3)
    viewer.set_full(True, bench.clock())
    bench.rendition.tick(bench.clock() + 14)
    assert not sink.finished
    bench.rendition.tick(bench.clock() + 16)
    assert sink.finished == ["stopped reading"]


def test_viewer_that_reads_slowly_is_given_more_time_but_not_for_ever() -> None:
    bench = Bench(limits=Limits(stalled_seconds=15, slow_seconds=60))
    sink = RecordingSink(waiting=1_000_000)
    viewer = bench.join(sink)
    bench.play(3)
    viewer.set_full(True, begin := bench.clock())
    for second in range(60):
        sink.waiting -= 1000
        bench.rendition.tick(begin + second)
    assert not sink.finished
    bench.rendition.tick(begin + 61)
    assert sink.finished == ["reads too slowly"]


def test_changed_tracks_reach_present_viewers_inline_and_later_ones_by_the_header() -> None:
    bench = Bench()
    present, late = RecordingSink(), RecordingSink()
    bench.join(present)
    bench.play(10)
    bench.rendition.change_tracks([bench.feed.video] if bench.feed.video else [])
    bench.join(late)
    bench.play(11)
    assert b"end;config2;K" in present.data
    assert late.data.startswith(b"header2;K")


def test_where_changed_tracks_need_no_bytes_none_are_framed() -> None:
    """An empty HTTP chunk ends a body: transport streams have nothing to say before the group."""
    bench = Bench()
    bench.packager.inline = False
    sink = RecordingSink()
    bench.join(sink, lambda data: b"<%s>" % data)
    bench.play(10)
    bench.rendition.change_tracks([bench.feed.video] if bench.feed.video else [])
    bench.play(10)
    assert b"<>" not in sink.data
    assert b"<K" in sink.data.partition(b"end;")[2], "it ended there"


def test_viewer_that_was_dropping_gets_the_new_header_when_it_resumes() -> None:
    bench = Bench()
    sink = RecordingSink()
    viewer = bench.join(sink)
    bench.play(5)
    viewer.set_full(True, bench.clock())
    bench.play(10)  # it is dropping now
    bench.rendition.change_tracks([bench.feed.video] if bench.feed.video else [])
    viewer.set_full(False, bench.clock())
    bench.play(10)
    assert b"config2" not in sink.data
    assert b"header2;K" in sink.data


def test_flushes_are_gathered_under_load_and_nothing_is_lost() -> None:
    bench = Bench(av_feed(group=30, first_frame=0))
    sink = RecordingSink()
    bench.join(sink)
    while bench.pace.interval < MAX_INTERVAL:
        bench.pace.update(load=0.9)
    bench.play(60)
    gathered = len(sink.chunks)
    assert gathered < 60 * 0.7
    bench.rendition.finish("over")
    assert sink.data.count(b";") == bench.packager.writes + len(("header", "end"))
    for piece in sink.chunks:
        assert b"K" not in piece[1:], "a group starts inside a flush"


def pictures_of(sink: RecordingSink) -> list[int]:
    """How many are in each flush after the header."""
    flushes = [chunk.count(b"v") + chunk.count(b"K") for chunk in sink.chunks[1:]]
    return [count for count in flushes if count]


def watched_by(crowd: int, fps: int) -> tuple[Bench, RecordingSink]:
    """A stream and the first of its viewers."""
    bench = Bench(av_feed(fps=fps, group=1000))
    sinks = [RecordingSink() for _ in range(crowd)]
    for sink in sinks:
        bench.join(sink)
    return bench, sinks[0]


@pytest.mark.parametrize(
    ("crowd", "fps", "together"),
    [(CROWD, 60, 2), (CROWD, 120, 3), (CROWD, 30, 1), (CROWD - 1, 60, 1)],
)
def test_pictures_leave_together_for_a_crowd_if_the_next_comes_soon(
    crowd: int, fps: int, together: int
) -> None:
    bench, sink = watched_by(crowd, fps)
    bench.play(60)
    assert set(pictures_of(sink)[1:-1]) == {together}


def test_a_large_picture_waits_for_nothing() -> None:
    bench = Bench(av_feed(fps=60, group=10))
    bench.packager.keyframe_bytes = 64 * 1024
    sink = RecordingSink()
    bench.join(sink)
    while bench.pace.interval < MAX_INTERVAL:
        bench.pace.update(load=0.9)
    bench.play(40)
    flushes = [flush for flush in sink.chunks[1:] if b"K" in flush or b"v" in flush]
    assert [flush.count(b"v") for flush in flushes if b"K" in flush] == [0] * 4
    assert max(flush.count(b"v") for flush in flushes) >= 2


def test_a_picture_does_not_wait_for_one_that_is_late() -> None:
    bench, sink = watched_by(CROWD, 60)
    bench.play(20)
    before = sum(pictures_of(sink))
    (due, give_up), *_ = [timer for timer in bench.timers if timer[0] > bench.clock()]
    assert due - bench.clock() <= CROWD_HOLD + 0.005
    give_up()
    assert sum(pictures_of(sink)) > before


def test_pace_returns_to_every_frame_when_calm() -> None:
    pace = Pace()
    for _ in range(40):
        pace.update(0.9)
    assert pace.interval == MAX_INTERVAL
    for _ in range(100):
        pace.update(0.2)
    assert pace.interval == 0.0


def test_sound_alone_is_flushed_at_once() -> None:
    feed = av_feed()
    feed.video = None
    bench = Bench(feed)
    sink = RecordingSink()
    bench.join(sink)
    bench.play(10)
    assert sink.chunks[0] == b"header1;"


def test_leaving_ends_the_lane_and_the_rendition_is_unwatched() -> None:
    bench = Bench()
    viewer = bench.join(RecordingSink())
    assert not bench.rendition.unwatched
    bench.rendition.leave(viewer)
    assert bench.rendition.unwatched
    assert bench.rendition.audience() == {}


def test_finish_flushes_what_is_held_and_ends_everybody() -> None:
    bench = Bench()
    sink = RecordingSink()
    bench.join(sink)
    bench.play(3)
    bench.rendition.finish("over")
    assert sink.data.endswith(b"end;")
    assert sink.finished == ["over"]


def test_sent_bytes_are_what_the_sink_got() -> None:
    bench = Bench()
    sink = RecordingSink()
    viewer = bench.join(sink)
    bench.play(7)
    late = RecordingSink()
    late_viewer = bench.join(late)
    bench.play(7)
    assert bench.rendition.sent_bytes(viewer) == len(sink.data)
    assert bench.rendition.sent_bytes(late_viewer) == len(late.data)
