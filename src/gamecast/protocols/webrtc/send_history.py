"""Sender's half of transport-cc: what was sent when, matched with the feedback for it."""

from __future__ import annotations

from dataclasses import dataclass

from gamecast.protocols.webrtc.twcc import DELTA_UNIT, REFERENCE_TICKS, TransportFeedback
from gamecast.protocols.webrtc.unwrap import Unwrapper

MAX_PACKETS = 8192
"""Packets awaiting feedback; some seconds of a fast stream."""


@dataclass(slots=True)
class SentPacket:
    """One packet that feedback told about."""

    size: int
    sent_at: float
    """Our clock, seconds."""
    arrived_at: float | None
    """The receiver's clock, seconds since some moment of its own; ``None`` if it was lost."""


class SendHistory:
    """Packets of one viewer by transport-wide sequence.

    Sequences need not be dense: where many viewers share one numbering, those that this viewer was
    never sent are simply unknown here, and the feedback that calls them lost is not believed.
    """

    def __init__(self) -> None:
        self._sent: dict[int, tuple[int, float]] = {}
        self._unwrapper = Unwrapper(16)
        self._clock = Unwrapper(24 + 8)

    def add(self, sequence: int, size: int, now: float) -> None:
        """A packet leaves; ``size`` is its whole length in bytes."""
        self._sent[self._unwrapper.unwrap(sequence & 0xFFFF)] = (size, now)
        if len(self._sent) > MAX_PACKETS:
            del self._sent[next(iter(self._sent))]

    def receive_feedback(self, feedback: TransportFeedback) -> list[SentPacket]:
        """The packets that a feedback tells about, in order of sequence; each is told once."""
        found = []
        base = self._unwrapper.peek(feedback.base_sequence)
        for offset, arrival in enumerate(feedback.arrivals):
            sent = self._sent.pop(base + offset, None)
            if sent is None:
                continue
            arrived_at = None
            if arrival is not None:
                ticks = self._clock.unwrap(arrival % ((1 << 24) * REFERENCE_TICKS))
                arrived_at = ticks * DELTA_UNIT
            found.append(SentPacket(sent[0], sent[1], arrived_at))
        return found
