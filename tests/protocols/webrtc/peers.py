"""Two sessions, a link between them that loses what it is told to, and a clock that we turn."""

from __future__ import annotations

import functools
import os
import random
from collections.abc import Callable
from typing import TypeVar

from gamecast.protocols.webrtc.address import Address
from gamecast.protocols.webrtc.candidate import Candidate
from gamecast.protocols.webrtc.certificate import Certificate, Fingerprint, generate_certificate
from gamecast.protocols.webrtc.credentials import IceCredentials
from gamecast.protocols.webrtc.dtls import make_context
from gamecast.protocols.webrtc.events import Event
from gamecast.protocols.webrtc.ice import IceLiteAgent
from gamecast.protocols.webrtc.ice_client import IceClientAgent
from gamecast.protocols.webrtc.mux import DatagramKind, Router, classify
from gamecast.protocols.webrtc.session import DtlsParameters, Session
from gamecast.protocols.webrtc.srtp_keys import SrtpProfile

SERVER: Address = ("192.0.2.1", 8189)
CLIENT: Address = ("198.51.100.7", 40000)
START = 1_800_000_000.0


@functools.cache
def certificate(name: str) -> Certificate:
    """One certificate per name for the whole run."""
    return generate_certificate(START)


class Pair:
    """A lite server behind a router, and a controlling client, over a link of 10 ms each way."""

    DELAY = 0.01

    def __init__(
        self,
        *,
        lose: Callable[[str, bytes], bool] = lambda sender, data: False,
        server_is_dtls_client: bool = False,
        profiles: tuple[SrtpProfile, ...] = tuple(SrtpProfile),
        client_fingerprints: list[Fingerprint] | None = None,
        now: float = START,
    ) -> None:
        self.now = now
        self.lose = lose
        self.client_address = CLIENT
        self.events: dict[str, list[Event]] = {"server": [], "client": []}
        self.sent: dict[str, list[bytes]] = {"server": [], "client": []}
        self._in_flight: list[tuple[float, int, str, bytes, Address]] = []
        self._counter = 0
        local, remote = IceCredentials.generate(os.urandom), IceCredentials.generate(os.urandom)
        ours, theirs = certificate("server"), certificate("client")
        self.local, self.remote = local, remote
        self.server = Session(
            IceLiteAgent(local, remote.ufrag),
            DtlsParameters(
                context=make_context(ours, profiles),
                is_client=server_is_dtls_client,
                fingerprints=client_fingerprints or [theirs.fingerprint],
            ),
            now=now,
        )
        self.agent = IceClientAgent(remote, local, random=os.urandom, allowed=lambda address: True)
        self.client = Session(
            self.agent,
            DtlsParameters(
                context=make_context(theirs),
                is_client=not server_is_dtls_client,
                fingerprints=[ours.fingerprint],
            ),
            now=now,
        )
        self.router: Router[Session] = Router()
        self.router.add(local.ufrag, self.server)

    def start(self) -> None:
        """Begin ICE on the client."""
        candidate = Candidate(foundation="1", priority=1, host=str(SERVER[0]), port=SERVER[1])
        self.agent.start([candidate], self.now)

    def run(self, seconds: float) -> None:
        """Let time pass: deliver datagrams and timers in order."""
        end = self.now + seconds
        self._collect()
        while True:
            at = self._next_time()
            if at is None or at > end:
                break
            self.now = max(self.now, at)
            self._deliver()
            self.events["server"] += self.server.handle_timer(self.now)
            self.events["client"] += self.client.handle_timer(self.now)
            self._collect()
        self.now = end

    def connect(self, seconds: float = 10.0) -> None:
        """Start and run until both are connected; fails the test if that takes too long."""
        self.start()
        deadline = self.now + seconds
        while not (self.server.is_connected and self.client.is_connected):
            assert self.now < deadline, (self.server.closed_reason, self.client.closed_reason)
            self.run(0.02)

    def _next_time(self) -> float | None:
        timers = [self.server.next_timer(), self.client.next_timer()]
        times = [at for at in timers if at is not None] + [each[0] for each in self._in_flight]
        return min(times, default=None)

    def _deliver(self) -> None:
        due = sorted(each for each in self._in_flight if each[0] <= self.now)
        self._in_flight = [each for each in self._in_flight if each[0] > self.now]
        for _, _, sender, data, address in due:
            if sender == "client":
                found = self.router.receive_datagram(data, address, self.now)
                self.events["server"] += found[1] if found else []
            elif address == self.client_address:
                self.events["client"] += self.client.receive_datagram(data, SERVER, self.now)

    def _collect(self) -> None:
        for name, session in (("server", self.server), ("client", self.client)):
            for data, address in session.datagrams_to_send():
                self.sent[name].append(data)
                if not self.lose(name, data):
                    source = address if name == "server" else self.client_address
                    self._counter += 1
                    entry = (self.now + self.DELAY, self._counter, name, data, source)
                    self._in_flight.append(entry)


def lose_nth(sender: str, kind: DatagramKind, *numbers: int) -> Callable[[str, bytes], bool]:
    """Lose the datagrams of one kind from one side by their count, from 1."""
    seen = 0

    def lose(name: str, data: bytes) -> bool:
        nonlocal seen
        if name != sender or classify(data) is not kind:
            return False
        seen += 1
        return seen in numbers

    return lose


def lose_randomly(fraction: float, seed: int) -> Callable[[str, bytes], bool]:
    """Lose this fraction of everything, the same way each time."""
    source = random.Random(seed)
    return lambda name, data: source.random() < fraction


EventT = TypeVar("EventT")


def of_type(events: list[Event], kind: type[EventT]) -> list[EventT]:
    """The events of one class."""
    return [each for each in events if isinstance(each, kind)]
