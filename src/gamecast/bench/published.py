"""What a publisher is to the clock that drives it, and what it says of itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
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


@dataclass(slots=True, kw_only=True)
class PublishResult:
    """What all publishers did together. Rates in bits per second, CPU in shares of one core."""

    publishers: int
    seconds: float
    frames: int
    late: int
    """Frames that this machine sent too late: then it is the limit, not the server."""
    bits_per_second: float
    backlog: int
    """The most bytes that waited in one publisher for the server."""
    resent: int
    cpu: float | None = None
    """Of the processes given by ``--pid``."""
    cpu_kernel: float | None = None
    cpu_waiting: float | None = None
    """Seconds per second in which they wanted a core and had none."""
    memory: int | None = None
    """Bytes of those processes in RAM at the end."""
    load_cpu: float = 0.0
    """Of the publishers themselves."""

    @property
    def cpu_per_publisher(self) -> float | None:
        """Share of one core."""
        return self.cpu / self.publishers if self.cpu is not None and self.publishers else None

    def as_dict(self) -> dict[str, object]:
        """For ``--json``."""
        return {**asdict(self), "cpu_per_publisher": self.cpu_per_publisher}


def summed(results: Sequence[Published], seconds: float) -> PublishResult:
    """The figures of publishers that sent for so many seconds."""
    return PublishResult(
        publishers=len(results),
        seconds=seconds,
        frames=sum(each.frames for each in results),
        late=sum(each.late for each in results),
        bits_per_second=sum(each.bytes for each in results) * 8 / seconds if seconds else 0.0,
        backlog=max((each.backlog for each in results), default=0),
        resent=sum(each.resent for each in results),
    )


class Publisher(Protocol):
    """A connection that is ready for media."""

    result: Published

    def send(self, packets: Sequence[Packet]) -> int:
        """One picture and the sound before it, now. Raises ``BenchError`` if it is over.

        Returns the Unix time at which it was ready to leave, in nanoseconds.
        """

    def stop(self) -> None:
        """Say goodbye."""
