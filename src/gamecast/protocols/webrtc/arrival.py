"""Receiver's half of transport-cc: remembers arrivals and makes feedback for a publisher."""

from __future__ import annotations

from collections.abc import Iterable

from gamecast.protocols.webrtc.twcc import DELTA_UNIT, TransportFeedback
from gamecast.protocols.webrtc.unwrap import Unwrapper

INTERVAL = 0.05
"""Seconds between feedbacks; libwebrtc sends them every 50 to 250 ms."""
MAX_SPAN = 1000
"""Sequences in one feedback; older ones that never came are left out."""
_MAX_TICKS = 30_000
"""Ticks between two arrivals that one feedback can hold (7.5 s)."""


class ArrivalRecorder:
    """All packets of one peer, whatever their SSRC, by their transport-wide sequence."""

    def __init__(self, *, sender_ssrc: int, media_ssrc: int) -> None:
        self.media_ssrc = media_ssrc
        self._sender_ssrc = sender_ssrc
        self._unwrapper = Unwrapper(16)
        self._arrivals: dict[int, int] = {}
        self._next: int | None = None
        self._count = 0
        self._started_at = 0.0
        self._due_at: float | None = None

    def receive_packets(self, sequences: Iterable[int], now: float) -> None:
        """Packets with these transport-wide sequences arrived."""
        if self._next is None:
            self._started_at = now - 1.0
        arrivals, tick = self._arrivals, int((now - self._started_at) / DELTA_UNIT)
        for sequence in sequences:
            extended = self._unwrapper.unwrap(sequence)
            if self._next is None:
                self._next = extended
            if extended >= self._next:  # else reported as lost, which the format cannot take back
                arrivals.setdefault(extended, tick)
        if arrivals and self._due_at is None:
            self._due_at = now + INTERVAL

    def next_timer(self) -> float | None:
        """When a feedback is due; ``None`` while nothing has arrived."""
        return self._due_at

    def feedback(self, now: float) -> TransportFeedback | None:
        """What arrived since the last feedback, if it is due."""
        if self._due_at is None or now < self._due_at or self._next is None:
            return None
        last = max(self._arrivals)
        first = max(self._next, last - MAX_SPAN + 1)
        span = [self._arrivals.get(each) for each in range(first, last + 1)]
        self._arrivals.clear()
        self._due_at = None
        self._next = last + 1
        feedback = TransportFeedback(
            self._sender_ssrc, self.media_ssrc, first & 0xFFFF, self._count, _encodable(span)
        )
        self._count = self._count + 1 & 0xFF
        return feedback


def _encodable(arrivals: list[int | None]) -> list[int | None]:
    """Leave out what a delta of 16 bits cannot reach (a clock that jumped)."""
    kept: list[int | None] = []
    last: int | None = None
    for arrival in arrivals:
        if arrival is not None and last is not None and abs(arrival - last) > _MAX_TICKS:
            arrival = None
        kept.append(arrival)
        last = arrival if arrival is not None else last
    return kept
