import threading
from pathlib import Path

import av
import pytest

from gamecast.client.push.recording import FileDestination
from gamecast.client.push.stats import State
from gamecast.client.push.target import FileTarget, parse_target
from gamecast.media.packet import Packet
from gamecast.media.track import Track
from tests.client.feeds import encoded
from tests.support import judge
from tests.support.media import aac_track, av_feed, h264_track

AV = (h264_track(), aac_track())


def record(path: Path, tracks: tuple[Track, ...], packets: list[Packet]) -> FileDestination:
    target = parse_target(str(path), {})
    assert isinstance(target, FileTarget)
    destination = FileDestination(target, on_change=lambda: None)
    destination.start(tracks, {})
    for packet in packets:
        destination.write(packet)
    destination.finish(10)
    return destination


@pytest.mark.parametrize("ending", ["mp4", "mkv", "flv"])
@pytest.mark.parametrize("codec", ["h264", "hevc", "av1"])
def test_recordings_hold_every_unit_and_play(tmp_path: Path, ending: str, codec: str) -> None:
    tracks, packets = encoded(codec, "opus" if codec == "av1" else "aac", 2.5)
    path = tmp_path / f"a.{ending}"
    destination = record(path, tracks, packets)
    assert destination.stats.served_to_end
    assert destination.stats.state is State.ENDED
    pictures = [packet for packet in packets if packet.is_video]
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height) == (320, 180)
        assert stream.codec_context.codec.canonical_name == codec
        found = [packet for packet in container.demux(stream) if packet.size]
    assert len(found) == len(pictures)
    assert [packet.is_keyframe for packet in found] == [packet.keyframe for packet in pictures]
    if ending != "flv" or codec == "h264":  # Debian's ffmpeg is older than Enhanced RTMP
        judge.assert_clean(path)


@pytest.mark.parametrize("ending", ["mp4", "mkv", "flv"])
def test_sound_alone_and_pictures_alone(tmp_path: Path, ending: str) -> None:
    tracks, packets = encoded("h264", "aac", 1.5)
    for number, keep in enumerate((True, False)):
        path = tmp_path / f"{number}.{ending}"
        destination = record(
            path,
            tuple(track for track in tracks if (track.kind == "video") == keep),
            [packet for packet in packets if packet.is_video == keep],
        )
        assert destination.stats.served_to_end
        assert list(judge.streams(path)) == ["video" if keep else "audio"]
        judge.assert_clean(path)


def test_a_crash_costs_the_last_fragment_only(tmp_path: Path) -> None:
    tracks, packets = encoded("h264", "aac", 5)
    whole, torn = tmp_path / "whole.mp4", tmp_path / "torn.mp4"
    record(whole, tracks, packets)
    torn.write_bytes(whole.read_bytes()[:-20_000])
    pictures = len([packet for packet in packets if packet.is_video])
    with av.open(str(torn)) as container:
        left = [packet for packet in container.demux(video=0) if packet.size]
    assert pictures - 30 <= len(left) < pictures


def test_a_full_disk_is_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "full.flv"
    path.symlink_to("/dev/full")
    destination = record(path, AV, list(av_feed().packets(3)))
    assert destination.stats.state is State.FAILED
    assert destination.stats.problem == (
        f"cannot write {path}: No space left on device; what was written before plays"
    )
    assert not destination.stats.served_to_end


@pytest.mark.parametrize("ending", ["mp4", "mkv"])
def test_a_full_disk_in_other_formats(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"full.{ending}"
    path.symlink_to("/dev/full")
    tracks, packets = encoded("h264", "aac", 2.5)
    destination = record(path, tracks, packets)
    assert destination.stats.state is State.FAILED
    assert "No space left" in destination.stats.problem


def test_a_path_that_cannot_be_written(tmp_path: Path) -> None:
    destination = record(tmp_path / "no" / "a.mp4", AV, [])
    assert destination.stats.problem.endswith(f"there is no folder {tmp_path / 'no'}")
    destination = record(tmp_path, AV, []) if tmp_path.suffix else destination
    assert destination.stats.state is State.FAILED


def test_no_thread_is_left(tmp_path: Path) -> None:
    record(tmp_path / "a.flv", AV, list(av_feed().packets(1)))
    assert "record" not in [thread.name for thread in threading.enumerate()]
