import threading
from fractions import Fraction
from itertools import pairwise

import av

from gamecast.client.capture.testscene import new_picture
from gamecast.client.encode.settings import EncoderError, VideoSettings
from gamecast.client.encode.video import VideoEncoder
from gamecast.client.encode.worker import REPEAT, VideoWorker
from gamecast.client.push.stats import EncodeStats
from gamecast.media.packet import Packet


def picture(index: int) -> av.VideoFrame:
    frame, planes = new_picture(320, 180)
    for plane in (planes.y, planes.u, planes.v):
        plane[:] = 128
    frame.pts, frame.time_base = index, Fraction(1, 30)
    return frame


class Bench:
    """A worker with a real encoder that can be held up."""

    def __init__(self) -> None:
        settings = VideoSettings(width=320, height=180, fps=Fraction(30), bitrate=300_000)
        self.encoder = VideoEncoder("libx264", settings)
        self.packets: list[Packet] = []
        self.stats = EncodeStats()
        self.problems: list[str] = []
        self.free = threading.Event()
        self.free.set()
        self._changed = threading.Condition()
        self.worker = VideoWorker(
            self.encoder, self._take, stats=self.stats, fail=self.problems.append
        )
        self.worker.start()

    def _take(self, packet: Packet) -> None:
        assert self.free.wait(10)
        with self._changed:
            self.packets.append(packet)
            self._changed.notify_all()

    def wait(self, count: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.packets) >= count, 10)


def test_a_busy_encoder_loses_the_oldest_pictures_and_counts_them() -> None:
    bench = Bench()
    bench.worker.put(picture(0))
    bench.wait(1)
    bench.free.clear()
    for index in range(1, 21):
        bench.worker.put(picture(index))
    bench.free.set()
    bench.worker.finish()
    stats = bench.stats
    assert stats.frames_captured == 21
    assert stats.frames_skipped >= 16
    assert stats.frames_encoded == 21 - stats.frames_skipped
    assert bench.packets[-1].pts == 20 * 3000


def test_without_news_the_last_picture_is_shown_again() -> None:
    bench = Bench()
    bench.worker.put(picture(0))
    bench.wait(4)
    bench.worker.finish()
    steps = [later.pts - sooner.pts for sooner, later in pairwise(bench.packets)]
    assert all(REPEAT * 0.9 < step / 90_000 < REPEAT * 4 for step in steps)
    assert bench.stats.frames_captured == 1


def test_nothing_is_shown_before_the_first_picture() -> None:
    bench = Bench()
    threading.Event().wait(REPEAT * 1.5)
    bench.worker.finish()
    assert bench.packets == []


def test_a_keyframe_on_request() -> None:
    bench = Bench()
    for index in range(5):
        bench.worker.put(picture(index))
        bench.wait(index + 1)
    bench.worker.request_keyframe()
    bench.worker.put(picture(5))
    bench.worker.finish()
    assert [packet.keyframe for packet in bench.packets] == [True] + [False] * 4 + [True]


def test_a_new_bitrate_is_set_by_the_encoders_own_thread() -> None:
    bench = Bench()
    threads = []
    original = bench.encoder.change_bitrate

    def spy(bitrate: int) -> None:
        threads.append(threading.current_thread().name)
        original(bitrate)

    bench.encoder.change_bitrate = spy  # type: ignore[method-assign]
    bench.worker.put(picture(0))
    bench.worker.change_bitrate(200_000)
    bench.wait(1)
    bench.worker.put(picture(1))
    bench.worker.finish()
    assert threads == ["encode video"]
    assert bench.stats.target_bitrate == 200_000


def test_an_encoder_that_breaks_is_reported_once() -> None:
    bench = Bench()

    def broken(frame: av.VideoFrame, *, keyframe: bool = False) -> list[Packet]:
        raise EncoderError("libx264: out of memory")

    bench.encoder.encode = broken  # type: ignore[method-assign]
    for index in range(5):
        bench.worker.put(picture(index))
    bench.worker.finish()
    assert bench.problems == ["libx264: out of memory"]
