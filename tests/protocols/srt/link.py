"""Two SRT ends in simulated time with a network between them that can be as bad as is wished."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

from gamecast.protocols.srt import (
    Caller,
    Connected,
    Connection,
    ConnectionClosed,
    ConnectionRequested,
    Listener,
    PayloadsReceived,
    Settings,
)

CALLER = ("192.0.2.1", 40_000)


@dataclass(kw_only=True)
class Weather:
    """What happens to datagrams on their way. Times in seconds, shares from 0 to 1."""

    delay: float = 0.025
    jitter: float = 0.0
    loss: float = 0.0
    burst: int = 1
    """How many datagrams in a row a loss takes."""
    duplicate: float = 0.0
    reorder: float = 0.0
    """Share that is held back for another 10 ms."""


@dataclass
class Pair:
    """A caller and a listener.

    ``drift``: by how much the caller's clock is fast; ``age``: for how long both have been there.
    """

    caller_settings: Settings
    listener_settings: Settings
    weather: Weather = field(default_factory=Weather)
    seed: int = 1
    start: float = 1000.0
    drift: float = 0.0
    age: float = 0.0
    passphrase: str = ""
    answer: Callable[[Listener, ConnectionRequested, float], Connection | None] | None = None

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        self.now = self.start
        self.order = count()
        self.wire: list[tuple[float, int, bool, bytes]] = []
        self.sent_bytes = {True: 0, False: 0}
        self.sent_count = {True: 0, False: 0}
        self.filter: Callable[[bool, bytes], bytes | None] = lambda up, data: data
        self._bursting = {True: 0, False: 0}
        self.listener = Listener(
            self.listener_settings, now=self.now, random_bytes=self.dice.randbytes
        )
        self.caller = Caller(
            self.caller_settings, now=self.caller_now, random_bytes=self.dice.randbytes
        )
        self.listener._started -= self.age
        self.caller._started -= self.age
        self.server: Connection | None = None
        self.requests: list[ConnectionRequested] = []
        self.received: dict[str, list[tuple[float, bytes]]] = {"caller": [], "server": []}
        self.closed: dict[str, ConnectionClosed] = {}
        self.connected: Connected | None = None
        self.flush()

    @property
    def caller_now(self) -> float:
        """The caller's clock."""
        return self.now + (self.now - self.start) * self.drift

    def run(
        self, seconds: float, every: float = 0.0, work: Callable[[], None] | None = None
    ) -> None:
        """Let time pass; call ``work`` every so many seconds."""
        end = self.now + seconds
        next_work = self.now + every if work is not None else float("inf")
        while True:
            at = min(self._next(), next_work, end)
            self.now = max(self.now, at)
            if at >= end:
                return
            if at == next_work and work is not None:
                next_work += every
                work()
            while self.wire and self.wire[0][0] <= self.now:
                _, _, up, data = heapq.heappop(self.wire)
                self.deliver(up, data)
            self._timers()
            self.flush()

    def connect(self) -> None:
        """Run until both ends stand."""
        for _ in range(100):
            self.run(0.05)
            if self.server is not None and self.caller.connection is not None:
                return
        raise AssertionError(f"no connection: {self.caller.closed}")

    @property
    def client(self) -> Connection:
        """The caller's connection."""
        assert self.caller.connection is not None
        return self.caller.connection

    @property
    def host(self) -> Connection:
        """The listener's connection."""
        assert self.server is not None
        return self.server

    def deliver(self, up: bool, data: bytes) -> None:
        """Hand a datagram to the end that it is for."""
        if not up:
            self._events("caller", self.caller.receive_datagram(data, self.caller_now))
        elif data[12:16] == bytes(4):
            request = self.listener.receive_datagram(data, CALLER, self.now)
            if request is not None:
                self.requests.append(request)
                if self.answer is not None:
                    self.server = self.answer(self.listener, request, self.now)
                else:
                    self.server = self.listener.accept(
                        request, passphrase=self.passphrase, now=self.now
                    )
        elif self.server is not None:
            self._events("server", self.server.receive_datagram(data, self.now))

    def flush(self) -> None:
        """Put what the ends have to send on the wire."""
        for data in self.caller.data_to_send():
            self._post(True, data)
        for data, _ in self.listener.data_to_send():
            self._post(False, data)
        if self.server is not None:
            for data in self.server.data_to_send():
                self._post(False, data)

    def _next(self) -> float:
        times = [self.wire[0][0]] if self.wire else []
        if (timer := self.caller.next_timer()) is not None:
            times.append(self.start + (timer - self.start) / (1 + self.drift))
        if self.server is not None and (timer := self.server.next_timer()) is not None:
            times.append(timer)
        return min(times, default=float("inf")) + 1e-7

    def _timers(self) -> None:
        timer = self.caller.next_timer()
        if timer is not None and timer <= self.caller_now:
            self._events("caller", self.caller.handle_timer(self.caller_now))
        if self.server is not None:
            timer = self.server.next_timer()
            if timer is not None and timer <= self.now:
                self._events("server", self.server.handle_timer(self.now))

    def _events(
        self, end: str, events: list[Connected | PayloadsReceived | ConnectionClosed]
    ) -> None:
        for event in events:
            if isinstance(event, PayloadsReceived):
                self.received[end] += [(self.now, payload) for payload in event.payloads]
            elif isinstance(event, ConnectionClosed):
                self.closed[end] = event
            else:
                self.connected = event

    def _post(self, up: bool, data: bytes) -> None:
        self.sent_bytes[up] += len(data)
        self.sent_count[up] += 1
        changed = self.filter(up, data)
        if changed is None or self._lost(up):
            return
        weather = self.weather
        copies = 1 + (self.dice.random() < weather.duplicate)
        for _ in range(copies):
            delay = weather.delay + self.dice.random() * weather.jitter
            if self.dice.random() < weather.reorder:
                delay += 0.010
            heapq.heappush(self.wire, (self.now + delay, next(self.order), up, changed))

    def _lost(self, up: bool) -> bool:
        if self._bursting[up]:
            self._bursting[up] -= 1
            return True
        weather = self.weather
        if self.dice.random() < weather.loss / weather.burst:
            self._bursting[up] = weather.burst - 1
            return True
        return False
