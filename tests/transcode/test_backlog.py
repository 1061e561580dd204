"""What waits is bounded, in whole groups, and a late start is made up for by decoding only."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from gamecast.media.packet import Packet
from gamecast.transcode.backlog import AudioBacklog, VideoBacklog
from tests.support.media import aac_track, h264_track

VIDEO, AUDIO = h264_track(), aac_track()


def picture(number: int, *, group: int = 30, size: int = 10) -> Packet:
    """One of 30 a second."""
    at = number * 3000
    return Packet(VIDEO, at, at, bytes(size), keyframe=number % group == 0)


def frame(number: int) -> Packet:
    return Packet(AUDIO, number * 1024, number * 1024, b"sound")


def numbers(backlog: VideoBacklog) -> list[int]:
    return [backlog.take()[0].dts // 3000 for _ in range(len(backlog))]


def test_it_begins_with_a_keyframe() -> None:
    backlog = VideoBacklog()
    for number in range(25, 35):
        backlog.append(picture(number))
    assert numbers(backlog) == [30, 31, 32, 33, 34]
    assert backlog.dropped == 5


def test_a_live_stream_is_encoded_from_the_first_picture_on() -> None:
    backlog = VideoBacklog()
    for number in range(90):
        backlog.append(picture(number))
        assert backlog.take() == (picture(number), True)
    assert (backlog.dropped, backlog.skipped) == (0, 0)


def test_of_a_cached_group_only_the_end_is_encoded() -> None:
    backlog = VideoBacklog()
    backlog.extend([picture(number, group=300) for number in range(300)])  # 10 s
    backlog.append(picture(300, group=1000))
    encoded = [encode for _, encode in [backlog.take() for _ in range(301)]]
    assert encoded == [False] * 298 + [True] * 3
    assert backlog.skipped == 298
    assert backlog.dropped == 0


def test_pictures_that_wait_for_long_cost_whole_groups() -> None:
    backlog = VideoBacklog(max_seconds=2)
    for number in range(75):
        backlog.append(picture(number))
    assert numbers(backlog) == list(range(60, 75))
    assert backlog.dropped == 60


def test_a_long_group_that_waits_for_too_long_is_given_up() -> None:
    backlog = VideoBacklog(max_seconds=2)
    for number in range(62):
        backlog.append(picture(number, group=300))
    assert len(backlog) == 0
    backlog.append(picture(62, group=300))
    assert len(backlog) == 0
    backlog.append(picture(300, group=300))
    assert numbers(backlog) == [300]


def test_bytes_are_bounded_too() -> None:
    backlog = VideoBacklog(max_bytes=10_000)
    for number in range(40):
        backlog.append(picture(number, size=400))
    assert numbers(backlog) == list(range(30, 40))


def test_being_behind_is_made_up_for_without_encoding() -> None:
    backlog = VideoBacklog()
    backlog.append(picture(0))
    assert backlog.take()[1]
    for number in range(1, 50):
        backlog.append(picture(number))
    flags = [backlog.take()[1] for _ in range(49)]
    assert flags == [False] * 46 + [True] * 3


def test_without_its_worker_it_goes_on_at_the_newest_keyframe() -> None:
    backlog = VideoBacklog()
    for number in range(40):
        backlog.append(picture(number))
    backlog.reset()
    assert numbers(backlog) == list(range(30, 40))
    backlog.reset()
    backlog.append(picture(40))
    assert len(backlog) == 0


def test_old_sound_goes_first() -> None:
    backlog = AudioBacklog(max_seconds=0.5)
    for number in range(100):
        backlog.append(frame(number))
    assert backlog.dropped == 100 - 24
    assert backlog.take() == (frame(76), True)


def test_sound_whose_clock_jumps_back_is_not_kept_waiting() -> None:
    backlog = AudioBacklog()
    backlog.append(frame(1000))
    backlog.append(frame(0))
    assert (len(backlog), backlog.dropped) == (1, 1)


def test_of_cached_sound_the_end_is_kept() -> None:
    backlog = AudioBacklog(recent_seconds=0.1)
    backlog.extend([frame(number) for number in range(100)])
    backlog.extend([])
    assert [backlog.take()[0].dts // 1024 for _ in range(len(backlog))] == [95, 96, 97, 98, 99]


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 300), st.integers(0, 2)), max_size=200))
@settings(max_examples=60)
def test_no_group_is_ever_entered_in_its_middle(steps: list[tuple[bool, int, int]]) -> None:
    """What comes out without a gap in front of it follows its forerunner; else it is a keyframe."""
    backlog = VideoBacklog(max_seconds=1.0, max_bytes=5000)
    taken: list[int] = []
    keyframes = set()
    for number, (keyframe, size, takes) in enumerate(steps):
        backlog.append(Packet(VIDEO, number * 9000, number * 9000, bytes(size), keyframe))
        if keyframe:
            keyframes.add(number)
        takes = min(takes, len(backlog))
        taken += [backlog.take()[0].dts // 9000 for _ in range(takes)]
        assert len(backlog) <= 12
    for before, number in zip([-2, *taken], taken, strict=False):
        assert number == before + 1 or number in keyframes
