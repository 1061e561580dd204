"""What a publisher is to the clock that drives it, and what it says of itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from gamecast.media.packet import Packet


@dataclass(slots=True, kw_only=True)
class Published:
    """What a publisher did."""

    frames: int = 0
    bytes: int = 0
    late: int = 0
    """Frames sent more than half a frame after their time: the load machine was too busy."""
    backlog: int = 0
    """The most bytes (for SRT: of packets not sent once) that waited for the server."""
    resent: int = 0
    """Packets that the server asked for again."""


class Publisher(Protocol):
    """A connection that is ready for media."""

    result: Published

    def send(self, packets: Sequence[Packet]) -> None:
        """One picture and the sound before it, now. Raises ``BenchError`` if it is over."""

    def stop(self) -> None:
        """Say goodbye."""
