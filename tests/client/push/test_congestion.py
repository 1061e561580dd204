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
        self.lowest = ORIGINAL
        self.standstill = 0.0
        """Seconds at the end of every five in which nothing gets through."""

    def run(self, seconds: float, step: float = 0.1) -> None:
        """Let time pass; the queue may be emptied by no drop rules here."""
        end = self.now + seconds
        while self.now < end:
            self.now += step
            produced = (self.controller.bitrate + OTHER) * step
            stands = self.now % 5 > 5 - self.standstill
            sent = 0.0 if stands else min(self.queued + produced, self.rate * step)
            self.queued += produced - sent
            self.sent += sent / 8
            queue_seconds = self.queued / (self.controller.bitrate + OTHER)
            self.longest = max(self.longest, queue_seconds)
            self.controller.update(
                self.now, queue_seconds=queue_seconds, total_bytes=int(self.sent)
            )
            self.lowest = min(self.lowest, self.controller.bitrate)


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


def test_a_line_that_stands_still_now_and_then_is_used_for_what_it_carries() -> None:
    """1 Mbit/s, of which sound takes 160 kbit/s; nothing for 0.6 s in every five."""
    uplink = Uplink(20e6)
    uplink.run(10)
    uplink.rate, uplink.standstill = 1e6, 0.6
    uplink.run(60)
    assert 600_000 <= uplink.lowest <= uplink.controller.bitrate <= 900_000


def test_one_standstill_of_a_good_line_halves_the_bitrate_at_most() -> None:
    uplink = Uplink(20e6)
    uplink.run(10)
    uplink.standstill = 0.9
    uplink.run(5)
    uplink.standstill = 0.0
    assert uplink.lowest >= ORIGINAL // 2
    uplink.run(25)
    assert uplink.controller.bitrate == ORIGINAL


def test_a_narrow_line_that_becomes_narrower_is_followed_after_a_doubt() -> None:
    uplink = Uplink(20e6)
    uplink.run(10)
    uplink.rate = 2e6
    uplink.run(20)
    assert uplink.controller.bitrate > 1_200_000
    uplink.rate = 600_000
    uplink.run(6)
    assert uplink.controller.bitrate <= 500_000
    uplink.run(20)
    assert uplink.queued / (uplink.controller.bitrate + OTHER) < 1.0


def estimates(
    controller: BitrateController, begun: float, *bandwidths: tuple[float, int]
) -> list[int]:
    """Bitrates while a path's estimate is so much for so long, and nothing queues."""
    now, sent, found = begun, 0.0, []
    for seconds, bandwidth in bandwidths:
        for _ in range(round(seconds * 10)):
            now += 0.1
            sent += (controller.bitrate + OTHER) * 0.1 / 8
            controller.update(now, queue_seconds=0.0, total_bytes=int(sent), bandwidth=bandwidth)
            found.append(controller.bitrate)
    return found


def test_an_estimate_is_followed_at_once_and_not_below_what_was_proven() -> None:
    """A path of 1 Mbit/s whose estimate sometimes takes fright for a second."""
    controller = BitrateController(ORIGINAL, other=OTHER)
    assert estimates(controller, 0.0, (2, 9_000_000))[-1] == ORIGINAL
    assert estimates(controller, 2.0, (0.1, 1_000_000)) == [750_000]
    frights = [(3.0, 1_000_000), (1.0, 400_000)] * 6
    assert min(estimates(controller, 2.1, *frights)) >= 650_000
    believed = estimates(controller, 26.1, (3.0, 400_000))
    assert believed[0] >= 650_000
    assert believed[-1] == 200_000
    back = estimates(controller, 29.1, (5.0, 2_000_000))
    assert back[-1] == 800_000
    assert max(estimates(controller, 34.1, (20.0, 1_000_000))) <= 800_000


def test_dropped_pictures_lower_the_bitrate_whatever_the_line_seems_to_carry() -> None:
    """As by SRT, whose receivers confirm what they have given up; once for drops in a row."""
    controller = BitrateController(ORIGINAL, other=OTHER)
    sent = 0

    def run(start: float, seconds: float, *, dropped: bool) -> int:
        nonlocal sent
        for step in range(round(seconds * 10)):
            sent += ORIGINAL // 80
            controller.update(
                start + step / 10, queue_seconds=0.0, total_bytes=sent, dropped=dropped
            )
        return controller.bitrate

    assert run(0.0, 3.0, dropped=False) == ORIGINAL
    assert run(3.0, 1.5, dropped=True) == ORIGINAL * 3 // 4 // 50_000 * 50_000
    lower = run(4.5, 1.0, dropped=True)
    assert lower < ORIGINAL * 0.6
    assert run(5.5, 4.0, dropped=False) == lower + ORIGINAL // 10
