from __future__ import annotations

from typing import Any

import pytest
import structlog

from gamecast.server.logs_limit import PeerLimit
from tests.support.clock import FakeClock


class Sender:
    """Sends events through the limit and keeps those that pass."""

    def __init__(self, clock: FakeClock) -> None:
        self.limit = PeerLimit(clock=clock)
        self.passed: list[dict[str, Any]] = []

    def send(self, **event: Any) -> None:
        try:
            self.passed.append(dict(self.limit(None, "warning", event)))
        except structlog.DropEvent:
            return


@pytest.fixture
def sender(clock: FakeClock) -> Sender:
    return Sender(clock)


def test_events_without_a_peer_pass(sender: Sender) -> None:
    for _ in range(1_000):
        sender.send(event="tick", reason="r")
    assert len(sender.passed) == 1_000


def test_one_peer_fills_no_disk(sender: Sender, clock: FakeClock) -> None:
    for _ in range(6_000):
        sender.send(event="closed", reason="bad", peer="192.0.2.1:5")
        clock.advance(0.01)
    assert len(sender.passed) <= 5 + 60 / 2 + 1


def test_ports_are_not_peers(sender: Sender) -> None:
    for port in range(100):
        sender.send(event="closed", reason="bad", peer=f"192.0.2.1:{port}")
        sender.send(event="closed", reason="worse", peer=f"[2001:db8::1]:{port}")
    assert len(sender.passed) == 10


def test_other_peers_and_other_events_pass(sender: Sender) -> None:
    for _ in range(10):
        sender.send(event="closed", reason="bad", peer="192.0.2.1")
    for peer, name in (("192.0.2.2", "closed"), ("192.0.2.1", "opened")):
        before = len(sender.passed)
        sender.send(event=name, reason="bad", peer=peer)
        assert len(sender.passed) == before + 1


def test_many_peers_with_one_reason_fill_no_disk(sender: Sender, clock: FakeClock) -> None:
    for number in range(6_000):
        sender.send(event="closed", reason="bad", peer=f"10.0.{number // 250}.{number % 250}")
        clock.advance(0.01)
    assert len(sender.passed) <= 20 + 60 + 1


def test_ordinary_events_of_many_peers_pass(sender: Sender) -> None:
    for number in range(500):
        sender.send(event="play", peer=f"10.0.{number // 250}.{number % 250}")
    assert len(sender.passed) == 500


def test_the_next_event_says_how_many_were_left_out(sender: Sender, clock: FakeClock) -> None:
    for _ in range(12):
        sender.send(event="closed", reason="bad", peer="192.0.2.1")
    clock.advance(2.1)
    sender.send(event="closed", reason="bad", peer="192.0.2.1")
    assert sender.passed[-1]["suppressed"] == 7
    clock.advance(2.1)
    sender.send(event="closed", reason="bad", peer="192.0.2.1")
    assert "suppressed" not in sender.passed[-1]


def test_memory_is_bounded(sender: Sender) -> None:
    for number in range(5_000):
        for _ in range(6):
            sender.send(event=f"e{number}", reason="r", peer=f"p{number}")
    assert len(sender.limit._each) <= 1_024
    assert len(sender.limit._all) <= 1_024
    assert len(sender.limit._suppressed) <= 1_024
