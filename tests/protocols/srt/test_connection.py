"""Two ends in simulated time: loss, wraps, drift, keys, ends."""

from __future__ import annotations

from itertools import pairwise

import pytest

from gamecast.protocols.srt import ConnectionClosed, PayloadsReceived, Settings
from tests.protocols.srt.link import Pair, Weather

RATE = 570
"""Packets per second of a 6 Mbit/s stream."""
PASSPHRASE = "correct horse"


def make(
    weather: Weather | None = None, *, latency: float = 0.2, drift: float = 0.0, **changes: object
) -> Pair:
    caller = Settings(latency=latency)
    for name, value in changes.items():
        setattr(caller, name, value)
    return Pair(
        caller,
        Settings(latency=latency),
        weather or Weather(),
        drift=drift,
        passphrase=caller.passphrase,
    )


def stream(pair: Pair, seconds: float, *, rate: int = RATE) -> tuple[int, list[int]]:
    """Send numbered payloads from the caller; how many, and the numbers that came out."""
    sent = 0
    before = len(pair.received["server"])

    def work() -> None:
        nonlocal sent
        pair.client.send(sent.to_bytes(4, "big") + bytes(1312), pair.caller_now)
        sent += 1

    pair.run(seconds, 1 / rate, work)
    pair.run(1.0)
    got = [int.from_bytes(data[:4], "big") for _, data in pair.received["server"][before:]]
    return sent, got


def test_both_sides_agree_on_the_larger_latency() -> None:
    pair = Pair(Settings(latency=0.08, peer_latency=0.5), Settings(latency=0.12, peer_latency=0.3))
    pair.connect()
    assert pair.host.latency == 0.5
    assert pair.host.peer_latency == 0.3
    assert (pair.client.latency, pair.client.peer_latency) == (0.3, 0.5)


def test_a_burst_comes_out_at_once_and_nothing_behind_a_goodbye() -> None:
    pair = Pair(Settings(), Settings(hold=False))
    pair.connect()
    for number in range(20):
        pair.client.send(bytes([number]) * 1316, pair.caller_now)
    pair.client.close(pair.caller_now)
    goodbye, *media = pair.client.data_to_send()
    (ready,) = pair.host.receive_burst([b"short", *media[:5], media[7], *media[4:15]], pair.now)
    assert isinstance(ready, PayloadsReceived)
    assert [data[0] for data in ready.payloads] == list(range(15))
    assert len(pair.host.data_to_send()) == 1, "one NAK for the gap"
    ready, closed = pair.host.receive_burst([*media[15:18], goodbye, *media[18:]], pair.now)
    assert isinstance(ready, PayloadsReceived)
    assert [data[0] for data in ready.payloads] == [15, 16, 17]
    assert isinstance(closed, ConnectionClosed)
    assert pair.host.receive_burst(media, pair.now) == []


def test_packets_come_out_after_the_latency_as_evenly_as_they_went_in() -> None:
    pair = make(Weather(delay=0.025, jitter=0.02))
    pair.connect()
    stream(pair, 2.0)
    times = [at for at, _ in pair.received["server"]]
    steps = [after - before for before, after in pairwise(times)]
    assert max(steps) < 3 / RATE


@pytest.mark.parametrize("loss", [0.01, 0.05, 0.10])
def test_everything_arrives_with_four_round_trips_of_latency(loss: float) -> None:
    pair = make(Weather(loss=loss))
    pair.connect()
    sent, got = stream(pair, 10.0)
    assert got == list(range(sent))
    totals = pair.client.statistics(pair.now)
    assert totals.pkt_retrans <= sent * loss * 1.5
    assert 49 < totals.ms_rtt < 70


def test_what_is_too_late_is_given_up_and_the_rest_goes_on() -> None:
    pair = make(Weather(loss=0.2), latency=0.1)
    pair.connect()
    sent, got = stream(pair, 10.0)
    assert got == sorted(set(got))
    assert sent * 0.9 < len(got) < sent
    assert pair.host.statistics(pair.now).pkt_rcv_drop == sent - len(got)


def test_bursts_reordering_and_duplicates() -> None:
    pair = make(Weather(loss=0.03, burst=6, reorder=0.05, duplicate=0.05, jitter=0.005))
    pair.connect()
    sent, got = stream(pair, 10.0)
    assert got == sorted(set(got))
    assert len(got) >= sent * 0.999


def test_reordering_alone_is_not_taken_for_loss_for_long() -> None:
    pair = make(Weather(jitter=0.010))
    pair.connect()
    sent, got = stream(pair, 10.0)
    assert len(got) == sent
    assert pair.client.statistics(pair.now).pkt_retrans < sent * 0.05


def test_the_last_packet_is_repeated_until_it_is_confirmed() -> None:
    pair = make()
    pair.connect()
    lost: list[bytes] = []

    def lose_first_data(up: bool, data: bytes) -> bytes | None:
        if up and not data[0] & 0x80 and not lost:
            lost.append(data)
            return None
        return data

    pair.filter = lose_first_data
    pair.client.send(b"tail", pair.caller_now)
    pair.run(1.0)
    assert [data for _, data in pair.received["server"]] == [b"tail"]
    assert pair.client.in_flight == 0


@pytest.mark.parametrize("length", [16, 24, 32])
def test_encrypted_payloads_and_a_key_that_changes_under_loss(length: int) -> None:
    pair = make(
        Weather(loss=0.05),
        passphrase=PASSPHRASE,
        key_length=length,
        key_refresh=500,
        key_announce=200,
    )
    seen: list[bytes] = []

    def keep(up: bool, data: bytes) -> bytes:
        if up and not data[0] & 0x80:
            seen.append(data)
        return data

    pair.filter = keep
    pair.connect()
    sent, got = stream(pair, 5.0)
    assert got == list(range(sent))
    assert pair.client.encrypted
    assert {data[4] >> 3 & 3 for data in seen} == {1, 2}
    assert not any(bytes(64) in data for data in seen)


def test_sequence_numbers_wrap() -> None:
    pair = make(Weather(loss=0.02), initial_sequence=0x7FFF_FFFF - 500)
    pair.connect()
    sent, got = stream(pair, 3.0)
    assert got == list(range(sent))


@pytest.mark.parametrize("idle", [0.0, 10.0, 40.0])
def test_time_stamps_wrap_under_load_and_while_idle(idle: float) -> None:
    """The edge is 3 s, or half of the pause, ahead."""
    wrap = 2**32 / 1e6
    settings = Settings(latency=0.2)
    pair = Pair(settings, settings, Weather(loss=0.02), age=wrap - max(3.0, idle / 2))
    pair.connect()
    pair.run(idle)
    assert not pair.closed
    sent, got = stream(pair, 6.0)
    assert got == list(range(sent))
    assert pair.caller_now - pair.caller._started > wrap
    stamps = [at for at, _ in pair.received["server"]]
    assert max(after - before for before, after in pairwise(stamps)) < 0.05


@pytest.mark.parametrize(("drift", "minutes"), [(200e-6, 120), (-200e-6, 15)])
def test_two_hours_with_a_clock_that_drifts(drift: float, minutes: int) -> None:
    pair = make(drift=drift)
    pair.connect()
    sent = 0
    waits: list[float] = []

    def work() -> None:
        nonlocal sent
        pair.client.send(int(pair.now * 1e6).to_bytes(8, "big"), pair.caller_now)
        sent += 1

    for _ in range(minutes // 5):
        pair.run(300, 0.2, work)
        waits.append(pair.received["server"][-1][0])
        sent_at = int.from_bytes(pair.received["server"][-1][1], "big") / 1e6
        waits[-1] -= sent_at
        pair.received["server"].clear()
    # Latency and one way of the network, give or take what the mean of ten seconds lags behind.
    # Without tracing the buffer would have moved by 1.4 s.
    assert all(0.220 < wait < 0.230 for wait in waits), waits


def test_silence_ends_a_connection_and_keepalives_keep_it() -> None:
    pair = make()
    pair.connect()
    pair.run(60.0)
    assert not pair.closed
    pair.filter = lambda up, data: None
    pair.run(6.0)
    assert "nothing heard" in pair.closed["server"].reason
    assert not pair.closed["server"].orderly


def test_a_goodbye_delivers_what_has_arrived() -> None:
    pair = make(latency=2.0)
    pair.connect()
    pair.client.send(b"last words", pair.caller_now)
    pair.run(0.1)
    pair.client.close(pair.caller_now)
    pair.flush()
    pair.run(0.1)
    assert [data for _, data in pair.received["server"]] == [b"last words"]
    assert pair.closed["server"].orderly


def test_the_bandwidth_bound_holds() -> None:
    pair = make(max_bandwidth=250_000, latency=4.0)
    pair.connect()
    before = pair.sent_bytes[True]
    for _ in range(1000):
        pair.client.send(bytes(1316), pair.caller_now)
    pair.run(2.0)
    assert 450_000 < pair.sent_bytes[True] - before < 560_000
    assert pair.client.unsent > 0


def test_the_flow_window_holds() -> None:
    pair = make(window=64)
    pair.connect()
    pair.filter = lambda up, data: None if not up else data
    for _ in range(500):
        pair.client.send(bytes(100), pair.caller_now)
    assert pair.client.in_flight == 64
    assert pair.client.unsent == 436
    pair.run(3.0)
    assert pair.client.in_flight <= 64


def test_statistics_have_the_names_that_users_know() -> None:
    pair = make(Weather(loss=0.05))
    pair.connect()
    sent, _ = stream(pair, 2.0)
    ours = pair.client.statistics(pair.now).as_dict()
    theirs = pair.host.statistics(pair.now).as_dict()
    assert ours["pktSent"] == sent
    assert ours["pktRetrans"] > 0
    assert ours["msRTT"] > 49
    assert theirs["pktRcvLoss"] > 0
    assert theirs["pktSentACK"] > 0
    assert theirs["msRcvTsbPdDelay"] == 200
