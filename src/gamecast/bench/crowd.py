"""What all kinds of viewers have in common for the one who measures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from gamecast.bench.figures import Figures


class Crowd(Protocol):
    """Many viewers in one process."""

    @property
    def figures(self) -> Sequence[Figures]:
        """Of every viewer that was served."""

    @property
    def failed(self) -> int:
        """Viewers of the last growth that were not served."""

    def grow(self, to: int, *, sample: int) -> None:
        """Add viewers until there are so many; of the new ones, ``sample`` in ``to`` scan.

        Raises ``BenchError`` or ``OSError`` if the first of all is not served.
        """

    def run(self, until: float) -> None:
        """Read until this time of ``time.monotonic``."""

    def close(self) -> None:
        """Say goodbye and close all."""


def scans(number: int, to: int, sample: int) -> bool:
    """Whether viewer ``number`` of ``to`` is one of about ``sample`` spread evenly over them."""
    return number % max(1, to // max(1, sample)) == 0
