"""Sound that rides with pictures while the server is busy."""

from __future__ import annotations

from gamecast.packaging.rtp import Frame, FramePair
from gamecast.protocols.webrtc.answer import AgreedMedia, OutgoingStream
from gamecast.server.webrtc.coalesce import SoundCoalescer
from gamecast.server.webrtc.variant import Variant


def frame(number: int, *, is_video: bool, size: int = 100) -> Frame:
    """A frame of one packet."""
    return Frame([bytes(size)], number, number, is_video, False, 0.0, size)


def pair(sent: object) -> tuple[Frame, Frame]:
    """The two frames that left together."""
    assert isinstance(sent, FramePair)
    return sent.first, sent.second


def test_a_calm_server_holds_nothing() -> None:
    coalescer = SoundCoalescer()
    for number in range(4):
        each = frame(number, is_video=number % 2 == 0)
        assert coalescer.take(each, busy=False) is each


def test_sound_leaves_behind_the_next_picture() -> None:
    coalescer = SoundCoalescer()
    sound, picture = frame(0, is_video=False), frame(1, is_video=True)
    assert coalescer.take(sound, busy=True) is None
    assert pair(coalescer.take(picture, busy=True)) == (picture, sound)
    assert coalescer.take(picture, busy=True) is picture


def test_sound_waits_for_one_frame_at_most() -> None:
    coalescer = SoundCoalescer()
    first, second = frame(0, is_video=False), frame(1, is_video=False)
    assert coalescer.take(first, busy=True) is None
    assert pair(coalescer.take(second, busy=False)) == (first, second)
    assert coalescer.flush() is None


def agreed(kind: str, ssrc: int) -> AgreedMedia:
    """One medium of an answer."""
    return AgreedMedia(
        mid=kind, kind=kind, codec="", payload_type=96, clock_rate=90_000, rtx_payload_type=None,
        extensions={}, feedback=[], stream=OutgoingStream(kind=kind, codec="", ssrc=ssrc),
    )  # fmt: skip


def test_a_pair_is_one_batch_for_viewers_who_take_both() -> None:
    both = Variant.of([agreed("video", 1), agreed("audio", 2)])
    deaf = Variant.of([agreed("video", 1)])
    together = FramePair(frame(1, is_video=True, size=900), frame(5, is_video=False))
    (batch,) = both.batches(together)
    assert batch.rider is not None
    assert (batch.ssrc, batch.rider.ssrc) == (1, 2)
    assert both.batches(together)[0] is batch, "made once"
    (batch,) = deaf.batches(together)
    assert (batch.ssrc, batch.rider) == (1, None)
    tiny = FramePair(frame(2, is_video=True, size=100), frame(6, is_video=False, size=900))
    assert [batch.ssrc for batch in both.batches(tiny)] == [1, 2], "too much padding"
