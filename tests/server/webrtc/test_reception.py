"""What follows from a player's reports."""

from __future__ import annotations

from gamecast.server.webrtc.reception import Reception

STREAM = 2_500_000
LOW = 1_000_000


def report(
    reception: Reception, *, loss: float = 0.0, trip: float = 0.05, start: float = 0.0
) -> None:
    """Ten seconds of receiver reports."""
    for second in range(10):
        reception.told_trip(trip, start + second)
        reception.told_loss(loss, start + second)


def test_jitter_alone_costs_no_pictures() -> None:
    """It makes Chromium's estimate fall, though everything arrives."""
    reception = Reception(estimate=LOW)
    report(reception, loss=0.05, trip=0.12)
    assert reception.capacity(STREAM, 8.0) is None
    assert reception.capacity(STREAM, 10.0) is None


def test_loss_alone_costs_no_pictures() -> None:
    reception = Reception(estimate=2 * STREAM)
    report(reception, loss=0.3)
    assert reception.capacity(STREAM, 8.0) is None
    assert reception.capacity(STREAM, 10.0) is None


def test_a_narrow_network_is_believed_when_loss_bears_it_out() -> None:
    reception = Reception(estimate=LOW)
    report(reception, loss=0.4)
    assert reception.capacity(STREAM, 8.0) is None, "not at the first sign"
    assert reception.capacity(STREAM, 10.0) == LOW


def test_a_queue_on_the_way_bears_it_out_too() -> None:
    reception = Reception(estimate=LOW)
    report(reception)
    report(reception, trip=0.4, start=10)
    assert reception.capacity(STREAM, 18.0) is None
    assert reception.capacity(STREAM, 20.0) == LOW


def test_an_estimate_that_falls_because_less_is_sent_is_not_followed() -> None:
    reception = Reception(estimate=LOW)
    report(reception, loss=0.4)
    reception.capacity(STREAM, 8.0)
    assert reception.capacity(STREAM, 10.0) == LOW
    reception.estimate = LOW // 4
    assert reception.capacity(STREAM, 12.0) == LOW
    reception.estimate = LOW * 2
    assert reception.capacity(STREAM, 14.0) == LOW * 2


def test_a_whole_group_is_tried_when_nothing_has_been_lost_for_a_while() -> None:
    reception = Reception(estimate=LOW)
    report(reception, loss=0.4)
    reception.capacity(STREAM, 8.0)
    assert reception.capacity(STREAM, 18.0) == LOW
    assert reception.capacity(STREAM, 20.0) is None
    reception.missed(0.3, 22.0)
    assert reception.capacity(STREAM, 22.0) == LOW, "at once, for it is known"
    reception.estimate = STREAM
    assert reception.capacity(STREAM, 24.0) is None


def test_what_was_cut_is_not_taken_for_loss() -> None:
    reception = Reception(estimate=LOW, cut_at=9.0)
    reception.told_loss(0.6, 11.0)
    assert not reception.is_over(STREAM, 11.0)
    assert reception.patience == 0.0
    reception.told_loss(0.6, 12.0)
    assert reception.is_over(STREAM, 12.0)


def test_a_report_of_a_few_packets_is_no_share_of_loss() -> None:
    """Chromium sends one with each NACK."""
    reception = Reception(estimate=LOW)
    for number in range(100):  # one in 25 lost, told just after each
        now = number / 10
        reception.told_counts(number * 25, number, now)
        reception.told_counts(number * 25 + 2, number + 1, now + 0.01)
    assert 0.03 < reception.fraction_lost < 0.05
    assert not reception.is_over(STREAM, 10.0)
    reception.told_counts(10, 0, 11.0)
    reception.told_counts(210, -5, 12.5)
    assert reception.fraction_lost == 0.0, "a new source; what came twice counts as found"


def test_who_loses_packets_waits_for_repairs_until_it_is_over() -> None:
    reception = Reception()
    report(reception)
    assert (reception.patience, reception.copies) == (0.0, 1)
    report(reception, loss=0.03, start=10)
    assert (reception.patience, reception.copies) == (0.25, 1), "time for a second try"
    report(reception, loss=0.1, start=20)
    assert (round(reception.patience, 3), reception.copies) == (0.35, 2)
    report(reception, trip=5.0, loss=0.1, start=30)
    assert reception.patience == 0.5, "there is a bound"
    report(reception, start=40)
    report(reception, start=50)
    assert (reception.patience, reception.copies) == (0.0, 1)
