import threading
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from gamecast.client.capture.file import FileSource
from gamecast.client.capture.sound.mixer import Channel, Mixer
from gamecast.client.capture.source import (
    Sink,
    Source,
    SourceError,
    ThreadedSource,
    Timeline,
)
from gamecast.client.capture.testscene import TestScene
from gamecast.client.capture.tone import Tone
from gamecast.client.encode.audio import FIRST_STEM, AudioEncoder
from gamecast.client.encode.settings import AudioSettings, VideoSettings
from gamecast.client.encode.video import VideoEncoder
from gamecast.client.push.stats import State
from gamecast.client.push.target import parse_target
from gamecast.client.session import PushSession
from gamecast.media.containers.flv.fourcc import TagType
from gamecast.media.track import Codec
from tests.client.noise import Noise
from tests.client.rtmp_peer import Publication, RtmpPeer
from tests.client.slow_line import SlowLine
from tests.support import judge
from tests.support.clips import Clip, ClipShelf
from tests.support.events import wait_until


def video(bitrate: int = 400_000) -> VideoEncoder:
    settings = VideoSettings(
        width=320, height=180, fps=Fraction(30), bitrate=bitrate, keyframe_interval=5.0
    )
    return VideoEncoder("libx264", settings)


class Running:
    """A push in a thread of its own."""

    def __init__(
        self, *destinations: str | Path, sources: list[Source] | None = None, bitrate: int = 400_000
    ) -> None:
        self.session = PushSession(
            sources=sources or [TestScene(320, 180, Fraction(30)), Tone()],
            video=video(bitrate),
            audio=[AudioEncoder(AudioSettings(bitrate=64_000))],
            targets=[parse_target(str(destination), {}) for destination in destinations],
        )
        self.stats = [destination.stats for destination in self.session.destinations]
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        self.outcome = self.session.run()

    def wait(self, what: Callable[[], bool], timeout: float = 20) -> None:
        wait_until(what, "the push", within=timeout)

    def stop(self) -> None:
        self.session.stop()
        self.join()

    def join(self) -> None:
        self._thread.join(20)
        assert not self._thread.is_alive()


Start = Callable[..., Running]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts pushes, and ends them if the test does not."""
    running: list[Running] = []

    def make(*destinations: str | Path, **more: Any) -> Running:
        running.append(Running(*destinations, **more))
        return running[-1]

    yield make
    for push in running:
        push.stop()


def sounds(publication: Publication) -> list[int]:
    return [message.timestamp for message in publication.of(TagType.AUDIO)[1:]]


def unbroken(times: list[int]) -> bool:
    return all(20 <= later - sooner <= 23 for sooner, later in pairwise(times))


def test_one_encode_serves_several_destinations_alike(start: Start, tmp_path: Path) -> None:
    with RtmpPeer() as one, RtmpPeer() as two:
        push = start(one.url(), two.url(), tmp_path / "a.mp4", tmp_path / "b.flv")
        one.wait_for(lambda: bool(one.publications) and len(one.publications[0].pictures) > 45)
        push.stop()
        two.wait_for(lambda: two.publications[0].stopped)
    assert push.outcome.ok, push.outcome
    first, second = one.publications[0], two.publications[0]
    assert [each.payload for each in first.pictures] == [each.payload for each in second.pictures]
    assert unbroken(sounds(first))
    assert len(judge.units(tmp_path / "a.mp4")) == len(first.pictures)
    assert len(judge.units(tmp_path / "b.flv")) == len(first.pictures)
    stats = push.session.encode_stats
    assert stats.frames_encoded == len(first.pictures)
    assert stats.frames_captured <= stats.frames_encoded + stats.frames_skipped


def test_a_failing_destination_leaves_the_others_alone(start: Start, tmp_path: Path) -> None:
    with RtmpPeer() as good, RtmpPeer(refuse="go away") as bad:
        push = start(good.url(), bad.url(), tmp_path / "no" / "a.mp4")
        good.wait_for(lambda: bool(good.publications) and len(good.publications[0].pictures) > 30)
        push.stop()
    assert [each.state for each in push.stats] == [State.ENDED, State.FAILED, State.FAILED]
    assert not push.outcome.ok
    assert len(push.outcome.failed) == 2
    assert "go away" in push.outcome.failed[0]
    assert "there is no folder" in push.outcome.failed[1]
    assert push.stats[0].served_to_end
    assert push.stats[0].frames_dropped == 0


def test_nothing_left_to_serve_ends_the_push(start: Start) -> None:
    with RtmpPeer(refuse="go away") as bad:
        push = start(bad.url())
        push.join()
    assert not push.outcome.ok
    assert push.session.encode_stats.frames_captured == 0


def test_a_stalled_destination_costs_the_others_nothing(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gamecast.client.session.FINISH", 0.5)
    recording = tmp_path / "a.flv"
    with RtmpPeer() as good, RtmpPeer() as stalled, SlowLine(stalled.port) as line:
        push = start(good.url(), line.url(), recording)
        push.wait(lambda: all(each.state is State.LIVE for each in push.stats))
        line.rate = 0
        push.wait(lambda: push.stats[1].frames_dropped > 30)
        assert [each.state for each in push.stats] == [State.LIVE] * 3
        push.stop()
        good.wait_for(lambda: good.publications[0].stopped)
    assert [each.frames_dropped for each in push.stats[::2]] == [0, 0]
    assert [each.served_to_end for each in push.stats] == [True, False, True]
    pictures = push.session.encode_stats.frames_encoded
    assert len(good.publications[0].pictures) == len(judge.units(recording)) == pictures
    assert unbroken(sounds(good.publications[0]))
    assert len(judge.units(recording, "a")) == len(sounds(good.publications[0]))
    (failed,) = push.outcome.failed
    assert failed.startswith(push.stats[1].name)
    assert "takes no more data" in failed


def test_a_returning_server_gets_a_keyframe_at_once(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gamecast.client.push.retry.FIRST", 0.1)
    with RtmpPeer() as peer:
        push = start(peer.url())
        peer.wait_for(lambda: bool(peer.publications) and len(peer.publications[0].pictures) > 10)
        peer.drop_connections()
        peer.wait_for(lambda: len(peer.publications) > 1 and len(peer.publications[1].pictures) > 5)
        push.stop()
    gone, back = peer.publications[0], peer.publications[1]
    assert back.begins_with_keyframe
    assert back.pictures[0].timestamp > gone.pictures[-1].timestamp
    # Regular keyframes are five seconds apart.
    assert back.pictures[0].timestamp - gone.pictures[-1].timestamp < 2000
    assert push.outcome.ok


def test_the_bitrate_follows_a_narrow_uplink_down_and_back(
    start: Start,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gamecast.client.push.congestion.RAISE_EVERY", 1.5)
    with RtmpPeer() as peer, SlowLine(peer.port) as line:
        push = start(line.url(), sources=[Noise(), Tone()], bitrate=1_500_000)
        encode, stats = push.session.encode_stats, push.stats[0]
        peer.wait_for(lambda: bool(peer.publications) and len(peer.publications[0].pictures) > 60)
        line.rate = 600_000
        longest = 0.0

        def narrow() -> bool:
            nonlocal longest
            longest = max(longest, stats.queue_seconds)
            return encode.target_bitrate < 500_000 and longest > 0.2 > stats.queue_seconds

        push.wait(narrow, timeout=15)
        low = encode.target_bitrate
        line.rate = 1e9
        push.wait(lambda: encode.target_bitrate > low, timeout=10)
        push.stop()
        peer.wait_for(lambda: peer.publications[0].stopped)
    assert longest < 3
    assert unbroken(sounds(peer.publications[0]))
    assert push.outcome.ok


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> ClipShelf:
    return ClipShelf(tmp_path_factory.mktemp("clips"))


def test_copying_a_file_changes_no_unit(shelf: ClipShelf, tmp_path: Path) -> None:
    clip = shelf.get(Clip(seconds=2.0, fps=30))
    recording = tmp_path / "a.flv"
    session = PushSession(
        sources=[FileSource(clip, copy=True)],
        video=None,
        targets=[parse_target(str(recording), {})],
    )
    outcome = session.run()
    assert outcome.ok
    assert 1.5 < outcome.seconds < 4
    published, recorded = judge.units(clip), judge.units(recording)
    assert [unit.hash for unit in recorded] == [unit.hash for unit in published]
    judge.assert_clean(recording)


class Broken(ThreadedSource):
    """A device that is unplugged."""

    name = "camera"

    def run(self, sink: Sink, timeline: Timeline) -> None:
        raise SourceError("unplugged")


def test_a_source_that_breaks_ends_the_push_with_its_reason(start: Start, tmp_path: Path) -> None:
    push = start(tmp_path / "a.flv", sources=[Broken()])
    push.join()
    assert push.outcome.problem == "camera: unplugged"
    assert not push.outcome.ok


def test_a_duration_ends_it(tmp_path: Path) -> None:
    session = PushSession(
        sources=[TestScene(320, 180, Fraction(30))],
        video=video(),
        targets=[parse_target(str(tmp_path / "a.mp4"), {})],
    )
    calls: list[float] = []
    outcome = session.run(
        duration=1.0, tick=lambda: calls.append(session.elapsed()), tick_every=0.25
    )
    assert outcome.ok
    assert 0.95 < outcome.seconds < 3
    assert 2 <= len(calls) <= 5
    assert 15 <= len(judge.units(tmp_path / "a.mp4")) <= 33


def test_recordings_get_every_input_as_a_track(tmp_path: Path) -> None:
    mixer = Mixer([(Tone(), Channel("game")), (Tone(), Channel("mic", muted=True))])
    encoders = [
        AudioEncoder(AudioSettings()),
        AudioEncoder(AudioSettings(codec=Codec.OPUS), track_id=2),
    ]
    encoders += [AudioEncoder(AudioSettings(), track_id=FIRST_STEM + n) for n in range(2)]
    names = ("a.mp4", "a.mkv", "a.flv")
    session = PushSession(
        sources=[TestScene(320, 180, Fraction(30)), mixer],
        video=video(),
        audio=encoders,
        targets=[parse_target(str(tmp_path / name), {}) for name in names],
    )
    assert session.run(duration=1.5).ok
    for name, count in zip(names, (3, 3, 1), strict=True):
        with av.open(str(tmp_path / name)) as container:
            sounds = container.streams.audio
            assert [each.codec_context.name for each in sounds] == ["aac"] * count
        for number in range(count):
            assert (loudness(tmp_path / name, number) > 0.05) is (number < 2), (name, number)


def loudness(path: Path, number: int) -> float:
    with av.open(str(path)) as container:
        frames = container.decode(audio=number)
        return max(float(np.abs(frame.to_ndarray()).max()) for frame in frames)
