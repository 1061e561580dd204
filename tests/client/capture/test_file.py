import subprocess
import time
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from gamecast.client.capture.file import FileSource
from gamecast.client.capture.source import SourceError, Timeline, VideoFormat
from gamecast.media.track import Codec
from tests.client.pictures import pts
from tests.client.sinks import Recorder
from tests.support import judge
from tests.support.clips import Clip, ClipShelf
from tests.support.peers import CURRENT_FFMPEG, require


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> ClipShelf:
    return ClipShelf(tmp_path_factory.mktemp("clips"))


def play(source: FileSource) -> Recorder:
    sink = Recorder()
    source.start(sink, Timeline.begin())
    sink.wait_for(end=True)
    source.stop()
    return sink


def test_decoded_in_real_time(shelf: ClipShelf) -> None:
    source = FileSource(shelf.get(Clip(seconds=1.0, fps=30)))
    assert source.video_format is not None
    assert source.video_format == VideoFormat(320, 180, Fraction(30))
    begun = time.monotonic()
    sink = play(source)
    assert 0.85 < time.monotonic() - begun < 3
    assert sink.errors == [None]
    assert len(sink.video_frames) == 30
    times = [pts(frame) for frame in sink.video_frames]
    assert set(np.diff(times)) == {3000}
    samples = sum(frame.samples for frame in sink.audio_frames)
    assert samples == pytest.approx(48_000, abs=2048)


@pytest.mark.parametrize(
    ("clip", "codec"),
    [
        (Clip(seconds=0.6, fps=30), Codec.H264),
        (Clip(seconds=0.6, fps=30, video="hevc"), Codec.HEVC),
        (Clip(seconds=0.6, fps=30, video="av1", audio="opus"), Codec.AV1),
    ],
)
def test_copied_packets_are_those_of_the_file(shelf: ClipShelf, clip: Clip, codec: Codec) -> None:
    path = shelf.get(clip)
    source = FileSource(path, copy=True)
    video, audio = source.tracks
    assert video.codec is codec
    assert (video.width, video.height) == (320, 180)
    assert (video.id, audio.id) == (0, 1)
    sink = play(source)
    pictures = [packet for packet in sink.packets if packet.is_video]
    units = judge.units(path)
    assert len(pictures) == len(units)
    distances = [later.dts - sooner.dts for sooner, later in pairwise(pictures)]
    assert all(distance == pytest.approx(3000, abs=1) for distance in distances)
    offsets = {
        (unit.pts - unit.dts) * 90_000 - (p.pts - p.dts)
        for unit, p in zip(units, pictures, strict=True)
    }
    assert all(abs(offset) <= 1 for offset in offsets)
    assert pictures[0].keyframe
    assert source.video_format is None


def test_transport_streams_are_repacked(shelf: ClipShelf, tmp_path: Path) -> None:
    """MPEG-TS has start codes and ADTS, MP4 lengths and a record."""
    clip, transport = shelf.get(Clip(seconds=0.6, fps=30)), tmp_path / "a.ts"
    subprocess.run(
        [require(CURRENT_FFMPEG), "-v", "error", "-i", clip, "-c", "copy", transport], check=True
    )
    one, other = play(FileSource(clip, copy=True)), play(FileSource(transport, copy=True))
    sizes = [[len(p.data) for p in sink.packets if not p.is_video] for sink in (one, other)]
    assert sizes[0] == sizes[1]
    assert [p.keyframe for p in one.packets if p.is_video] == [
        p.keyframe for p in other.packets if p.is_video
    ]


def test_a_loop_goes_on_without_a_jump(shelf: ClipShelf) -> None:
    source, sink = FileSource(shelf.get(Clip(seconds=0.5, fps=30)), loop=True), Recorder()
    source.start(sink, Timeline.begin())
    sink.wait_for(video=40)
    source.stop()
    times = [pts(frame) for frame in sink.video_frames]
    assert all(2900 <= step <= 7000 for step in np.diff(times))
    assert sink.errors == [None]


def test_a_copied_loop_too(shelf: ClipShelf) -> None:
    source = FileSource(shelf.get(Clip(seconds=0.5, fps=30)), loop=True, copy=True)
    sink = Recorder()
    source.start(sink, Timeline.begin())
    sink.wait_for(packets=100)
    source.stop()
    for kind in (True, False):
        times = [Fraction(p.dts, p.track.clock_rate) for p in sink.packets if p.is_video == kind]
        assert all(0 < later - sooner < 0.1 for sooner, later in pairwise(times))
    assert len([p for p in sink.packets if p.is_video and p.keyframe]) >= 2


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "No such file"),
        (b"", "Invalid data"),
        (b"not a movie at all " * 100, "Invalid data"),
    ],
)
def test_what_cannot_be_opened(tmp_path: Path, content: bytes | None, problem: str) -> None:
    path = tmp_path / "a.mp4"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SourceError, match=problem) as caught:
        FileSource(path)
    assert "\n" not in str(caught.value)


def test_a_codec_that_cannot_be_passed_on(tmp_path: Path) -> None:
    path = tmp_path / "a.avi"
    subprocess.run(
        [
            *(require(CURRENT_FFMPEG), "-v", "error", "-f", "lavfi"),
            *("-i", "testsrc2=size=64x64:rate=5:duration=0.4", "-c:v", "mjpeg", path),
        ],
        check=True,
    )
    with pytest.raises(SourceError, match="mjpeg cannot be passed on"):
        FileSource(path, copy=True)
    sink = play(FileSource(path))
    assert len(sink.video_frames) == 2


def test_stopping_early_is_quick(shelf: ClipShelf) -> None:
    source, sink = FileSource(shelf.get(Clip(seconds=4.0, fps=30))), Recorder()
    source.start(sink, Timeline.begin())
    sink.wait_for(video=3)
    begun = time.monotonic()
    source.stop()
    assert time.monotonic() - begun < 0.5
    assert sink.errors == [None]
