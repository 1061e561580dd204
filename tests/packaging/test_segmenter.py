"""Where parts and segments are cut, and that nothing is lost or shifted by cutting."""

from __future__ import annotations

import pytest

from gamecast.media.containers.fmp4 import boxes
from gamecast.packaging.segmenter import Cuts, Part, Segmenter
from tests.support.media import Feed, av_feed


def cut(feed: Feed, seconds: float, cuts: Cuts | None = None) -> list[Part]:
    tracks = [track for track in (feed.video, feed.audio) if track]
    segmenter = Segmenter(tracks, cuts or Cuts())
    parts = [part for packet in feed.packets(seconds) for part in segmenter.write(packet)]
    return parts + list(segmenter.drain())


def segments(parts: list[Part]) -> list[float]:
    """Lengths of the segments."""
    found, length = [], 0.0
    for part in parts:
        length += part.duration
        if part.ends_segment:
            found.append(round(length, 4))
            length = 0.0
    return found


@pytest.mark.parametrize("fps", [10, 15, 24, 25, 30, 50, 60, 120])
def test_parts_are_near_the_target_and_never_above_it(fps: int) -> None:
    parts = cut(av_feed(fps=fps, group=fps * 2), 8)
    for part in parts[:-1]:
        assert part.duration <= Cuts().part + 0.0006
        if not part.ends_segment:  # RFC 8216bis 4.4.3.7: at least 85 % of the target
            assert part.duration >= 0.85 * Cuts().part - 0.001


@pytest.mark.parametrize(("group", "expected"), [(15, 1.0), (30, 1.0), (60, 2.0), (300, 10.0)])
def test_segments_end_at_keyframes_of_any_interval(group: int, expected: float) -> None:
    parts = cut(av_feed(group=group), 25)
    assert set(segments(parts)[:-1]) == {expected}


def test_each_segment_starts_independent_and_inner_parts_are_not() -> None:
    parts = cut(av_feed(group=60), 6)
    starts = True
    for part in parts:
        assert part.independent is starts
        starts = part.ends_segment


def test_durations_add_up_to_the_media() -> None:
    parts = cut(av_feed(group=60), 10)
    assert sum(part.duration for part in parts) == pytest.approx(10, abs=0.01)


def test_sound_alone_is_cut_on_its_own_time() -> None:
    feed = av_feed()
    feed.video = None
    parts = cut(feed, 6)
    assert all(part.independent for part in parts)
    assert all(part.duration <= Cuts().part + 0.001 for part in parts[:-1])
    assert all(1.0 <= length < 1.1 for length in segments(parts)[:-1])


def test_picture_alone() -> None:
    feed = av_feed(group=60)
    feed.audio = None
    assert segments(cut(feed, 6)) == [2.0, 2.0, 2.0]


def test_sound_drives_while_the_picture_stands_still() -> None:
    feed = av_feed(group=60)
    segmenter = Segmenter([t for t in (feed.video, feed.audio) if t], Cuts())
    for packet in feed.packets(1.0):
        list(segmenter.write(packet))
    still = [packet for packet in feed.packets(3.0) if not packet.is_video]
    parts = [part for packet in still for part in segmenter.write(packet)]
    assert len(parts) >= 7
    assert sum(part.duration for part in parts) == pytest.approx(3.0, abs=0.5)
    moving = [part for packet in feed.packets(1.0) for part in segmenter.write(packet)]
    assert all(part.duration < 0.5 for part in moving[1:])


def test_a_stream_without_keyframes_is_cut_at_the_longest() -> None:
    parts = cut(av_feed(group=10**6), 30, Cuts(longest_segment=5.0))
    lengths = segments(parts)
    assert len(lengths) >= 5
    assert max(lengths) <= 5.4


def test_every_sample_is_in_exactly_one_fragment() -> None:
    feed = av_feed(group=60)
    expected = sum(len(packet.data) for packet in av_feed(group=60).packets(5))
    media = 0
    for part in cut(feed, 5):
        for box in boxes.iter_boxes(part.data):
            if box.kind == b"mdat":
                media += box.end - box.content
    assert media == expected
