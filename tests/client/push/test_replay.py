from pathlib import Path

import pytest

from gamecast.client.push.replay import ReplayError, ReplayRing, has_pictures
from tests.client.feeds import encoded
from tests.support import judge
from tests.support.media import Feed, aac_track, av_feed, h264_track

AV = (h264_track(), aac_track())


def test_it_saves_at_least_what_was_asked_for_and_at_most_a_group_more(tmp_path: Path) -> None:
    tracks, packets = encoded("h264", "aac", 5)
    ring = ReplayRing(2.0, has_video=True)
    for packet in packets:
        ring.write(packet)
    path = tmp_path / "a.mp4"
    seconds = ring.save(path, tracks)
    assert 2.0 <= seconds <= 3.1
    units = judge.units(path)
    assert len(units) == pytest.approx(seconds * 30, abs=2)
    assert units[0].dts == 0
    assert judge.keyframes(path)[0] == 0
    sounds = judge.units(path, "a")
    assert float(sounds[-1].pts - sounds[0].pts) == pytest.approx(seconds, abs=0.1)
    assert abs(float(sounds[0].pts)) < 0.05
    judge.assert_clean(path)


def test_saving_changes_nothing(tmp_path: Path) -> None:
    tracks, packets = encoded("h264", "aac", 5)
    before = [(packet.dts, packet.pts) for packet in packets]
    ring = ReplayRing(2.0, has_video=True)
    for packet in packets:
        ring.write(packet)
    first, second = tmp_path / "1.mp4", tmp_path / "2.mp4"
    ring.save(first, tracks)
    ring.save(second, tracks)
    assert first.read_bytes() == second.read_bytes()
    assert [(packet.dts, packet.pts) for packet in packets] == before


def test_a_young_stream_is_saved_from_its_beginning(tmp_path: Path) -> None:
    ring = ReplayRing(20, has_video=True)
    feed = av_feed(group=30)
    for packet in feed.packets(1.5):
        ring.write(packet)
    assert ring.save(tmp_path / "a.mp4", AV) == pytest.approx(1.5, abs=0.05)


def test_memory_is_bounded_in_seconds_and_bytes() -> None:
    ring = ReplayRing(3, has_video=True)
    for packet in av_feed(group=30, frame_bytes=1000).packets(60):
        ring.write(packet)
    assert ring.bytes < 4.2 * 30 * 1100 + 4.2 * 47 * 20
    small = ReplayRing(600, has_video=True, max_bytes=200_000)
    for packet in av_feed(group=30, frame_bytes=1000).packets(60):
        small.write(packet)
    assert small.bytes < 200_000 + 31 * 1100


def test_sound_alone(tmp_path: Path) -> None:
    tracks, packets = encoded("h264", "aac", 5)
    ring = ReplayRing(1, has_video=False)
    for packet in packets:
        if not packet.is_video:
            ring.write(packet)
    assert 1 <= ring.save(tmp_path / "a.mp4", tracks[1:]) < 1.2
    assert list(judge.streams(tmp_path / "a.mp4")) == ["audio"]


def test_pictures_before_the_first_keyframe_are_not_kept() -> None:
    ring = ReplayRing(5, has_video=True)
    feed = Feed(video=h264_track(), audio=aac_track(), group=30, first_frame=10)
    for packet in feed.packets(0.5):
        ring.write(packet)
    assert ring.bytes == 0


def test_errors(tmp_path: Path) -> None:
    ring = ReplayRing(5, has_video=True)
    with pytest.raises(ReplayError, match="nothing to save yet"):
        ring.save(tmp_path / "a.mp4", AV)
    for packet in av_feed(group=30).packets(1):
        ring.write(packet)
    with pytest.raises(ReplayError, match="there is no folder"):
        ring.save(tmp_path / "no" / "a.mp4", AV)
    full = tmp_path / "full.mp4"
    full.symlink_to("/dev/full")
    with pytest.raises(ReplayError, match="No space left"):
        ring.save(full, AV)
    assert has_pictures(AV)
    assert not has_pictures(AV[1:])
