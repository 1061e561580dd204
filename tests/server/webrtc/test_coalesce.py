"""Frames that leave together while the server is busy."""

from __future__ import annotations

import pytest

from gamecast.packaging.rtp import Frame, JointFrames
from gamecast.protocols.webrtc.answer import AgreedMedia, OutgoingStream
from gamecast.relay.pace import Pace
from gamecast.server.webrtc.coalesce import FrameCoalescer, interval_for
from gamecast.server.webrtc.variant import Variant


def frame(number: int, *, is_video: bool, size: int = 100, starts_group: bool = False) -> Frame:
    """A frame of one packet."""
    return Frame([bytes(size)], number, number, is_video, starts_group, 0.0, size)


def picture(number: int, size: int = 100, *, starts_group: bool = False) -> Frame:
    return frame(number, is_video=True, size=size, starts_group=starts_group)


def sound(number: int) -> Frame:
    return frame(number, is_video=False)


def parts(sent: Frame | JointFrames) -> tuple[list[Frame], list[Frame]]:
    """Pictures and sounds of what left together."""
    assert isinstance(sent, JointFrames)
    return sent.pictures, sent.sounds


def test_a_calm_server_holds_nothing() -> None:
    coalescer = FrameCoalescer()
    for number in range(6):
        each = frame(number, is_video=number % 2 == 0)
        assert coalescer.take(each, now=number / 100, interval=0.0) == [each]
    assert coalescer.flush() == []


def test_sound_leaves_behind_the_next_picture() -> None:
    coalescer = FrameCoalescer()
    first, second = sound(0), picture(1)
    assert coalescer.take(first, now=1.0, interval=0.004) == []
    (sent,) = coalescer.take(second, now=1.01, interval=0.004)
    assert parts(sent) == ([second], [first])
    assert coalescer.take(picture(2), now=1.02, interval=0.004) != []


def test_for_a_crowd_sound_rides_and_pictures_wait_for_nothing() -> None:
    pace = Pace()
    assert interval_for(pace, 99) == 0.0
    interval = interval_for(pace, 100)
    coalescer = FrameCoalescer()
    for number in range(0, 60, 2):
        first, second = sound(number), picture(number + 1)
        assert coalescer.take(first, now=number / 120, interval=interval) == []
        (sent,) = coalescer.take(second, now=number / 120 + 0.004, interval=interval)
        assert parts(sent) == ([second], [first])
        lonely = picture(number + 1)
        assert coalescer.take(lonely, now=number / 120 + 0.012, interval=interval) == [lonely]
    pace.update(0.9)
    assert interval_for(pace, 100) == pace.interval > interval


def test_sound_without_pictures_waits_for_a_moment_only() -> None:
    coalescer = FrameCoalescer()
    first, second = sound(0), sound(1)
    assert coalescer.take(first, now=1.0, interval=0.004) == []
    (sent,) = coalescer.take(second, now=1.02, interval=0.004)
    assert parts(sent) == ([], [first, second])


@pytest.mark.parametrize("interval", [0.02, 0.05])
def test_pictures_keep_to_the_pace_up_to_two_in_a_call(interval: float) -> None:
    coalescer = FrameCoalescer()
    calls = []
    for number in range(60):
        now = 1 + number / 60
        calls.append(coalescer.take(picture(number), now=now, interval=interval))
    left = [sent for sents in calls for sent in sents]
    assert 29 <= len(left) <= 31
    numbers = [f.first_sequence for sent in left[1:] for f in parts(sent)[0]]
    assert numbers == list(range(1, 1 + len(numbers))), "in order"


def test_a_group_begins_with_a_call_of_its_own() -> None:
    coalescer = FrameCoalescer()
    coalescer.take(picture(0), now=1.0, interval=0.05)
    held, keyframe = picture(1), picture(2, starts_group=True)
    assert coalescer.take(held, now=1.01, interval=0.05) == []
    assert coalescer.take(keyframe, now=1.02, interval=0.05) == [held, keyframe]


def test_a_call_is_bounded() -> None:
    coalescer = FrameCoalescer()
    coalescer.take(picture(0), now=1.0, interval=0.05)
    large = [picture(number, 30_000) for number in (1, 2)]
    assert coalescer.take(large[0], now=1.01, interval=0.05) == []
    assert coalescer.take(large[1], now=1.02, interval=0.05) == large[:1]
    assert coalescer.take(picture(3, 60_000), now=1.03, interval=0.05)[0] is large[1]


def agreed(kind: str, ssrc: int) -> AgreedMedia:
    """One medium of an answer."""
    return AgreedMedia(
        mid=kind, kind=kind, codec="", payload_type=96, clock_rate=90_000, rtx_payload_type=None,
        extensions={}, feedback=[], stream=OutgoingStream(kind=kind, codec="", ssrc=ssrc),
    )  # fmt: skip


def test_what_leaves_together_is_one_call_for_viewers_who_take_it_all() -> None:
    both = Variant.of([agreed("video", 1), agreed("audio", 2)])
    deaf = Variant.of([agreed("video", 1)])
    together = JointFrames([picture(1, 900), sound(5), picture(2, 950)])
    (batch,) = both.batches(together)
    assert batch.rider is not None
    assert (batch.ssrc, len(batch.headers), batch.rider.ssrc) == (1, 2, 2)
    assert both.batches(together)[0] is batch, "made once"
    (batch,) = deaf.batches(together)
    assert (batch.ssrc, len(batch.headers), batch.rider) == (1, 2, None)
    unlike = JointFrames([picture(3, 100), picture(4, 900), sound(6)])
    assert [len(each.headers) for each in both.batches(unlike)] == [1, 1], "too much padding"
