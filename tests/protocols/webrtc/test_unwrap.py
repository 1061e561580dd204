"""Wraps of sequences, timestamps and clocks."""

from __future__ import annotations

from gamecast.protocols.webrtc.reception import ReceptionStatistics, round_trip_time
from gamecast.protocols.webrtc.rtcp import SenderReport
from gamecast.protocols.webrtc.unwrap import SourceClock, Unwrapper


def test_numbers_go_on_over_the_wrap_and_back() -> None:
    unwrapper = Unwrapper(16)
    assert [unwrapper.unwrap(n) for n in (65534, 65535, 0, 5, 65535, 1)] == [
        65534, 65535, 65536, 65541, 65535, 65537,
    ]  # fmt: skip


def test_peek_leaves_the_reference() -> None:
    unwrapper = Unwrapper(32)
    assert unwrapper.peek(7) == 7
    unwrapper.unwrap(0xFFFFFFFF)
    assert unwrapper.peek(5) == 0x100000005
    assert unwrapper.peek(0xFFFFFFFE) == 0xFFFFFFFE


def test_days_of_video_keep_their_time() -> None:
    clock = SourceClock(90_000)
    assert clock.wall_clock(0) is None
    assert not clock.is_known
    for hour in range(0, 100, 5):
        ntp = int((3_900_000_000 + hour * 3600) * (1 << 32))
        clock.receive_report(ntp, hour * 3600 * 90_000 & 0xFFFFFFFF)
        for offset in (-10, 0, 10):
            timestamp = (hour * 3600 + offset) * 90_000 & 0xFFFFFFFF
            expected = 3_900_000_000 + hour * 3600 + offset
            assert clock.wall_clock(timestamp) == expected


def test_two_sources_are_aligned_by_their_reports() -> None:
    video, audio = SourceClock(90_000), SourceClock(48_000)
    ntp = 3_900_000_000 << 32
    video.receive_report(ntp, 0xFFFFFF00)
    audio.receive_report(ntp + (1 << 31), 500)  # half a second later
    assert video.wall_clock(0xFFFFFF00 + 45_000 & 0xFFFFFFFF) == audio.wall_clock(500)


def test_reception_counts_loss_and_jitter() -> None:
    statistics = ReceptionStatistics(7, 90_000)
    assert statistics.report(0.0).fraction_lost == 0
    sequences = [s for s in range(65500, 65600) if s % 4]
    for sequence in sequences:
        now = (sequence - 65500) / 100 + (0.01 if sequence % 2 else 0.0)
        statistics.receive_run(sequence & 0xFFFF, 1, (sequence - 65500) * 900, now)
    block = statistics.report(2.0)
    # 65500 divides by 4, so counting starts at 65501: 99 expected, 75 received.
    assert block.cumulative_lost == statistics.lost == 24
    assert block.fraction_lost == 256 * 24 // 99
    assert block.highest_sequence == 65599
    assert 0.002 < statistics.jitter < 0.012
    assert statistics.report(3.0).fraction_lost == 0


def test_reception_with_duplicates_is_negative_loss() -> None:
    statistics = ReceptionStatistics(7, 90_000)
    for sequence in (1, 1, 1, 2):
        statistics.receive_run(sequence, 1, 0, 0.0)
    assert statistics.report(1.0).cumulative_lost == -2


def test_round_trip_from_a_report_about_us() -> None:
    statistics = ReceptionStatistics(7, 90_000)
    sent = int(3_900_000_000.25 * (1 << 32))
    statistics.receive_report(SenderReport(7, sent, 0, 0, 0), now=10.0)
    block = statistics.report(now=10.5)
    back = int((3_900_000_000.25 + 0.5 + 0.08) * (1 << 32))
    rtt = round_trip_time(block, back)
    assert rtt is not None
    assert abs(rtt - 0.08) < 0.001
    assert round_trip_time(ReceptionStatistics(1, 1).report(0.0), back) is None
