"""What one viewer is sent again: what it is known to miss, bounded, and not twice at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from gamecast.packaging.rtp import Frame

RATE = 1_000_000
"""Bytes per second on top of the stream."""
SOONEST = 0.02
"""The same packet is not repeated sooner than this (seconds), whatever the round trip is."""
_BURST_SECONDS = 0.25
_TRIP_SHARE = 0.6
"""Of a round trip. A whole one would hold up a packet that was lost again."""
_AGAIN_SECONDS = 1.0
_MOST_KNOWN = 4096
_MOST_GAPS = 16


class Repairs:
    """Decides which packets of the video line are repeated. Packets have unwrapped sequences."""

    def __init__(self) -> None:
        self.rate = float(RATE)
        """Bytes per second; a quarter of that at once."""
        self.missed = 0
        """Packets of this group that were sent and asked for again."""
        self._budget = RATE * _BURST_SECONDS
        self._refilled_at = 0.0
        self._filled_at = float("-inf")
        self._repeated: dict[int, float] = {}
        self._asked: dict[int, None] = {}
        self._withheld: deque[tuple[int, int]] = deque(maxlen=_MOST_GAPS)
        self._withheld_from: int | None = None

    def withhold(self, sequence: int) -> None:
        """From this packet on nothing is sent, until :meth:`resume`."""
        if self._withheld_from is None or sequence < self._withheld_from:
            self._withheld_from = sequence

    def resume(self, sequence: int) -> None:
        """This packet is sent, and those after it."""
        if self._withheld_from is not None:
            self._withheld.append((self._withheld_from, sequence))
            self._withheld_from = None

    def end(self, sequence: int) -> int:
        """Where what was sent ends, if ``sequence`` is what comes next."""
        return sequence if self._withheld_from is None else self._withheld_from

    def ask(self, frame: Frame, number: int) -> None:
        """A NACK named this packet."""
        sequence = frame.first_sequence + number
        if sequence in self._asked or self._is_withheld(sequence):
            return
        self.missed += 1
        if len(self._asked) >= _MOST_KNOWN:
            self._asked.clear()
        self._asked[sequence] = None

    def take(self, frame: Frame, number: int, *, now: float, rtt: float) -> bool:
        """Whether this packet is repeated now. If it is, tell :meth:`spend` what it took.

        A packet that was never sent is none that the network lost: repeating it would undo what
        withholding it was for.
        """
        sequence = frame.first_sequence + number
        if self._is_withheld(sequence) or not self.has_budget(now):
            return False
        last = self._repeated.get(sequence)
        if last is not None and now - last < max(SOONEST, rtt * _TRIP_SHARE):
            return False
        if len(self._repeated) >= _MOST_KNOWN:
            self._repeated.clear()
        self._repeated[sequence] = now
        return True

    def has_budget(self, now: float) -> bool:
        """Whether anything may be repeated."""
        burst = self.rate * _BURST_SECONDS
        self._budget = min(burst, self._budget + (now - self._refilled_at) * self.rate)
        self._refilled_at = now
        return self._budget > 0

    def spend(self, size: int) -> None:
        """A repeated packet had so many bytes."""
        self._budget -= size

    def of_group(self, pictures: Sequence[Frame], now: float) -> list[tuple[Frame, int]]:
        """What brings a player on that cannot go on, the most urgent first.

        It has asked for what it misses, unless that is the beginning of everything. One that says
        so again soon after misses something else: then all of the group is repeated.
        """
        again = now - self._filled_at < _AGAIN_SECONDS
        self._filled_at = now
        asked: list[tuple[Frame, int]] = []
        others: list[tuple[Frame, int]] = []
        for frame in pictures:
            for number in range(len(frame.payloads)):
                known = frame.first_sequence + number in self._asked
                (asked if known else others).append((frame, number))
        if again or not asked:
            return asked + others
        return asked + [each for each in others if each[0] is pictures[0]]

    def forget_before(self, sequence: int) -> None:
        """A group has begun: what was asked for before it stops nobody any more."""
        self.missed = 0
        self._asked = {each: None for each in self._asked if each >= sequence}

    def _is_withheld(self, sequence: int) -> bool:
        if self._withheld_from is not None and sequence >= self._withheld_from:
            return True
        return any(first <= sequence < end for first, end in self._withheld)
