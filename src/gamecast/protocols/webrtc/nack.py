"""Asks for lost packets again (RFC 4585): which, when, and when to stop asking."""

from __future__ import annotations

from dataclasses import dataclass

from gamecast.protocols.webrtc.unwrap import nearest

REORDER_WAIT = 0.01
"""Seconds by which a packet may be overtaken before it counts as lost."""
MAX_TRIES = 8
MAX_MISSING = 250
"""With more missing than this a keyframe is cheaper than retransmission."""
MAX_AGE = 1.0
MIN_RETRY = 0.03


@dataclass(slots=True)
class _Missing:
    ask_at: float
    noticed_at: float
    asked_at: float = 0.0
    tries: int = 0


class NackGenerator:
    """Gaps of one source. Times in seconds; ``rtt`` is the caller's measurement."""

    def __init__(self) -> None:
        self.wants_keyframe = False
        """Packets have been given up on: ask for a keyframe, then clear this."""
        self._highest: int | None = None
        self._missing: dict[int, _Missing] = {}

    @property
    def missing(self) -> int:
        """How many packets are being asked for."""
        return len(self._missing)

    def receive_run(self, first: int, count: int, now: float) -> float | None:
        """``count`` packets arrived, by themselves or by RTX.

        ``first`` is the 16-bit sequence of the original of the first, and they follow each other.
        Returns how long ago one was asked for, if it was asked for once: a round trip.
        """
        if self._highest is not None and first == self._highest + 1 & 0xFFFF:
            self._highest += count
            return None
        found = None
        for sequence in range(first, first + count):
            found = self._receive(sequence & 0xFFFF, now) or found
        return found

    def _receive(self, sequence: int, now: float) -> float | None:
        if self._highest is None:
            self._highest = sequence
            return None
        extended = nearest(sequence, self._highest)
        if extended <= self._highest:
            gap = self._missing.pop(extended, None)
            return now - gap.asked_at if gap is not None and gap.tries == 1 else None
        missing = extended - self._highest - 1
        if missing + len(self._missing) > MAX_MISSING:
            self._give_up()
        else:
            for each in range(self._highest + 1, extended):
                self._missing[each] = _Missing(now + REORDER_WAIT, now)
        self._highest = extended
        return None

    def sequences_to_ask(self, now: float, *, rtt: float) -> list[int]:
        """16-bit sequences for one NACK, oldest first; may be empty."""
        due = []
        for sequence, gap in list(self._missing.items()):
            if gap.tries >= MAX_TRIES or now - gap.noticed_at > MAX_AGE:
                del self._missing[sequence]
                self.wants_keyframe = True
            elif now >= gap.ask_at:
                gap.tries += 1
                gap.asked_at = now
                gap.ask_at = now + max(MIN_RETRY, rtt * 1.2)
                due.append(sequence & 0xFFFF)
        return due

    def next_timer(self) -> float | None:
        """When :meth:`sequences_to_ask` has something to say."""
        return min((gap.ask_at for gap in self._missing.values()), default=None)

    def _give_up(self) -> None:
        self._missing.clear()
        self.wants_keyframe = True
