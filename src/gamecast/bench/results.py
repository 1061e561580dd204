"""What a run of viewers has shown, in figures."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from gamecast.bench.viewers import Viewer

_PERCENTILES = (50, 95, 99, 100)


@dataclass(slots=True, kw_only=True)
class WatchResult:
    """Times in seconds, rates in bits per second, CPU in shares of one core."""

    viewers: int
    seconds: float
    closed: int
    """Viewers whose connection ended."""
    bits_per_second: float
    """Of all viewers together."""
    frames: int
    """Checked one by one."""
    missed_frames: int
    missed_groups: int
    """Among those checked by stamps, and those checked by their number of bytes."""
    longest_gap: float
    delay: dict[int, float]
    """Percentiles from a frame's stamp to its arrival."""
    connect: dict[int, float]
    first_media: dict[int, float]
    cpu: float | None = None
    """Of the process given by ``--pid``."""
    cpu_waiting: float | None = None
    """Seconds per second in which that process wanted a core and had none."""
    load_cpu: float = 0.0
    """Of the viewers themselves: near 1, they measure themselves."""

    @property
    def cpu_per_viewer(self) -> float | None:
        """Share of one core."""
        return self.cpu / self.viewers if self.cpu is not None and self.viewers else None

    @property
    def bits_per_core_second(self) -> float | None:
        """Bits delivered for each second of one core."""
        return self.bits_per_second / self.cpu if self.cpu else None

    def as_dict(self) -> dict[str, object]:
        """For ``--json``."""
        return {
            **asdict(self),
            "cpu_per_viewer": self.cpu_per_viewer,
            "bits_per_core_second": self.bits_per_core_second,
        }


def summarise(viewers: Sequence[Viewer], seconds: float) -> WatchResult:
    """The figures of a measured stretch."""
    delays = [delay for viewer in viewers for delay in viewer.delays]
    scanned = [viewer for viewer in viewers if viewer.scans]
    return WatchResult(
        viewers=len(viewers),
        seconds=seconds,
        closed=sum(viewer.closed for viewer in viewers),
        bits_per_second=sum(viewer.received for viewer in viewers) * 8 / seconds,
        frames=sum(viewer.frames for viewer in scanned),
        missed_frames=sum(viewer.missed_frames for viewer in scanned),
        missed_groups=sum(viewer.missed_groups for viewer in scanned) + _short(viewers, seconds),
        longest_gap=max((viewer.longest_gap for viewer in viewers), default=0.0),
        delay=percentiles(delays),
        connect=percentiles([viewer.connect_seconds for viewer in viewers]),
        first_media=percentiles([viewer.first_media_seconds for viewer in viewers]),
    )


def _short(viewers: Sequence[Viewer], seconds: float) -> int:
    """Seconds of media that viewers checked by bytes alone are short of, against the median.

    A group is a second or longer, so whoever lost one is short of at least a second's bytes.
    """
    usual = statistics.median([viewer.received for viewer in viewers] or [0])
    second = usual / seconds
    if not second:
        return 0
    return sum(
        round((usual - viewer.received) / second)
        for viewer in viewers
        if not viewer.scans and usual - viewer.received > 0.9 * second
    )


def percentiles(values: Sequence[float]) -> dict[int, float]:
    """50, 95, 99 and the maximum; empty for no values."""
    if not values:
        return {}
    ordered = sorted(values)
    last = len(ordered) - 1
    return {p: ordered[min(last, round(last * p / 100))] for p in _PERCENTILES}
