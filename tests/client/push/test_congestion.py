from gamecast.client.push.congestion import FLOOR, BitrateController

ORIGINAL = 6_000_000
OTHER = 160_000


class Uplink:
    """An encoder that obeys the controller, a queue, and a line of a given rate."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self.controller = BitrateController(ORIGINAL, other=OTHER)
        self.now = 0.0
        self.queued = 0.0
        self.sent = 0.0
        self.longest = 0.0

    def run(self, seconds: float, step: float = 0.1) -> None:
        """Let time pass; the queue may be emptied by no drop rules here."""
        end = self.now + seconds
        while self.now < end:
            self.now += step
            produced = (self.controller.bitrate + OTHER) * step
            sent = min(self.queued + produced, self.rate * step)
            self.queued += produced - sent
            self.sent += sent / 8
            queue_seconds = self.queued / (self.controller.bitrate + OTHER)
            self.longest = max(self.longest, queue_seconds)
            self.controller.update(
                self.now, queue_seconds=queue_seconds, total_bytes=int(self.sent)
            )


def test_enough_bandwidth_changes_nothing() -> None:
    uplink = Uplink(10e6)
    uplink.run(60)
    assert uplink.controller.bitrate == ORIGINAL


def test_it_falls_to_what_the_line_carries_and_the_queue_drains() -> None:
    uplink = Uplink(20e6)
    uplink.run(10)
    uplink.rate = 2e6
    uplink.run(4)
    assert 1_000_000 < uplink.controller.bitrate < 2_000_000
    uplink.run(30)
    assert uplink.queued / (uplink.controller.bitrate + OTHER) < 1.0
    assert 1_000_000 < uplink.controller.bitrate < 2_500_000


def test_it_comes_back_by_a_tenth_every_four_seconds_and_never_above_the_original() -> None:
    uplink = Uplink(20e6)
    uplink.run(5)
    uplink.rate = 1e6
    uplink.run(20)
    low = uplink.controller.bitrate
    uplink.rate = 20e6
    uplink.run(5)
    assert low < uplink.controller.bitrate <= low + 2 * ORIGINAL // 10
    uplink.run(60)
    assert uplink.controller.bitrate == ORIGINAL


def test_a_raise_that_congests_is_taken_back() -> None:
    controller = BitrateController(ORIGINAL)
    controller.bitrate = 2_000_000
    controller.update(10.0, queue_seconds=0.0, total_bytes=0)
    raised = controller.bitrate
    assert raised == 2_600_000
    for tick in range(1, 12):
        controller.update(10 + tick / 10, queue_seconds=0.3, total_bytes=400_000 * tick)
    assert controller.bitrate == 2_000_000


def test_a_dead_line_ends_at_the_floor_not_at_nothing() -> None:
    uplink = Uplink(6.5e6)
    uplink.run(3)
    uplink.rate = 0
    uplink.run(10)
    assert uplink.controller.bitrate == FLOOR


def test_a_new_connection_forgets_the_rates_of_the_old_one() -> None:
    controller = BitrateController(ORIGINAL)
    controller.update(0.0, queue_seconds=0, total_bytes=0)
    controller.update(1.0, queue_seconds=0, total_bytes=1000)
    controller.restart(2.0)
    controller.update(2.0, queue_seconds=1.0, total_bytes=1000)
    assert controller.bitrate == ORIGINAL
    assert controller.sent_rate() == 0
