"""Transport-cc feedback on the wire, and both its ends."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gamecast.protocols.webrtc.arrival import INTERVAL, ArrivalRecorder
from gamecast.protocols.webrtc.errors import WebRtcError
from gamecast.protocols.webrtc.rtcp import parse_rtcp
from gamecast.protocols.webrtc.send_history import SendHistory
from gamecast.protocols.webrtc.twcc import TransportFeedback, parse_feedback

steps = st.lists(st.one_of(st.none(), st.integers(-300, 300)), min_size=1, max_size=200)


@given(steps, st.integers(0, 0xFFFF), st.integers(0, 255), st.integers(300, 1 << 20))
@settings(max_examples=150)
def test_what_is_built_is_parsed(
    deltas: list[int | None], base: int, count: int, start: int
) -> None:
    now = start * 256
    arrivals: list[int | None] = []
    for delta in deltas:
        now += delta or 0
        arrivals.append(None if delta is None else now)
    feedback = TransportFeedback(1, 2, base, count, arrivals)
    (parsed,) = parse_rtcp(feedback.to_bytes())
    if any(arrival is not None for arrival in arrivals):
        assert parsed == feedback
    else:
        assert isinstance(parsed, TransportFeedback)
        assert parsed.arrivals == arrivals


def test_by_the_letter() -> None:
    # Run of two small deltas, then a two-bit vector: none, large, five times none.
    body = bytes.fromhex("00000001 00000002 0005 0004 000003 07 2002 c800 08 10 fff8")
    feedback = parse_feedback(body)
    assert feedback == TransportFeedback(1, 2, 5, 7, [776, 792, None, 784])


def test_one_bit_vectors_are_understood() -> None:
    body = bytes.fromhex("00000001 00000002 0000 0003 000001 00 a800 0102")
    assert parse_feedback(body).arrivals == [257, None, 259]


def test_runs_beyond_the_count_are_cut() -> None:
    body = bytes.fromhex("00000001 00000002 0000 0003 000001 00 1fff 0000")
    assert parse_feedback(body).arrivals == [None] * 3


@pytest.mark.parametrize(
    "body",
    [
        bytes(15),
        bytes.fromhex("00000001 00000002 0000 ffff 000001 00 1fff"),  # too many packets
        bytes.fromhex("00000001 00000002 0000 0003 000001 00"),  # no chunk
        bytes.fromhex("00000001 00000002 0000 0003 000001 00 2003 01"),  # deltas run out
        bytes.fromhex("00000001 00000002 0000 0003 000001 00 0000 0000"),  # run of none
    ],
)
def test_malformed_feedback_is_refused(body: bytes) -> None:
    with pytest.raises(WebRtcError):
        parse_feedback(body)


def test_arrivals_too_far_apart_are_our_mistake() -> None:
    with pytest.raises(ValueError):
        TransportFeedback(1, 2, 0, 0, [0, 40_000]).to_bytes()


def test_recorder_and_history_agree_over_a_lossy_path() -> None:
    source = random.Random(4)
    recorder = ArrivalRecorder(sender_ssrc=1, media_ssrc=2)
    history = SendHistory()
    lost, told = set(), []
    now = 100.0
    for index in range(5000):
        now += 0.001
        sequence = 65_000 + index
        history.add(sequence, 1000 + index, now)
        if source.random() < 0.1 and index < 4900:
            lost.add(index)
        else:
            recorder.receive_packets([sequence & 0xFFFF], now + 0.02 + source.random() * 0.003)
        feedback = recorder.feedback(now + 0.02)
        if feedback is not None:
            (parsed,) = parse_rtcp(feedback.to_bytes())
            assert isinstance(parsed, TransportFeedback)
            told += history.receive_feedback(parsed)
    assert len(told) > 4800
    assert {p.size - 1000 for p in told if p.arrived_at is None} == {
        index for index in lost if index <= told[-1].size - 1000
    }
    delays = [p.arrived_at - p.sent_at for p in told if p.arrived_at is not None]
    assert max(delays) - min(delays) < 0.0035


def test_recorder_is_quiet_between_intervals() -> None:
    recorder = ArrivalRecorder(sender_ssrc=1, media_ssrc=2)
    assert recorder.feedback(5.0) is None
    assert recorder.next_timer() is None
    recorder.receive_packets([3], 5.0)
    assert recorder.feedback(5.01) is None
    assert recorder.next_timer() == 5.0 + INTERVAL
    feedback = recorder.feedback(5.0 + INTERVAL)
    assert feedback is not None
    assert feedback.base_sequence == 3
    assert recorder.next_timer() is None


def test_a_jump_of_the_clock_or_sequence_makes_no_huge_feedback() -> None:
    recorder = ArrivalRecorder(sender_ssrc=1, media_ssrc=2)
    recorder.receive_packets([1], 0.0)
    recorder.receive_packets([30_000], 100.0)
    feedback = recorder.feedback(100.0)
    assert feedback is not None
    assert len(feedback.arrivals) <= 1000
    feedback.to_bytes()


def test_packets_that_were_never_sent_are_not_lost() -> None:
    history = SendHistory()
    history.add(10, 100, 1.0)
    feedback = TransportFeedback(1, 2, 8, 0, [None, None, 500, None])
    (packet,) = history.receive_feedback(feedback)
    assert (packet.size, packet.arrived_at) == (100, 0.125)
    assert history.receive_feedback(feedback) == []
