"""What a run of viewers has shown, in figures."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from gamecast.bench.figures import Figures

_PERCENTILES = (50, 95, 99, 100)


@dataclass(slots=True, kw_only=True)
class WatchResult:
    """Times in seconds, rates in bits per second, CPU in shares of one core."""

    viewers: int
    seconds: float
    closed: int
    """Viewers whose connection ended."""
    failed: int = 0
    """Viewers that were not served."""
    bits_per_second: float
    """Of all viewers together."""
    frames: int
    """Checked one by one."""
    missed_frames: int
    missed_groups: int
    """Among those checked by stamps, and those checked by their number of bytes."""
    longest_gap: float
    stalls: int = 0
    """Gaps longer than half a second; in HLS, than three parts or segments."""
    delay: dict[int, float]
    """Percentiles from a frame's stamp to its arrival."""
    connect: dict[int, float]
    first_media: dict[int, float]
    first_picture: dict[int, float] = field(default_factory=dict)
    """Percentiles to the first keyframe, of viewers that look at every frame."""
    lost: int = 0
    """Packets missing in their numbers (RTP, SRT)."""
    forged: int = 0
    """Packets that did not decrypt."""
    parts: int = 0
    late_parts: int = 0
    missed_parts: int = 0
    """Of HLS: parts or segments; late is after a player at the playlist's distance needs it."""
    discontinuities: int = 0
    """Of HLS: breaks that the playlist announced, over all viewers."""
    cpu: float | None = None
    """Of the process given by ``--pid``."""
    cpu_kernel: float | None = None
    """The kernel's part of it."""
    cpu_waiting: float | None = None
    """Seconds per second in which that process wanted a core and had none."""
    memory: int | None = None
    """Bytes of that process in RAM at the end."""
    load_cpu: float = 0.0
    """Of the viewers themselves: near 1, they measure themselves."""

    @property
    def cpu_per_viewer(self) -> float | None:
        """Share of one core."""
        return self.cpu / self.viewers if self.cpu is not None and self.viewers else None

    @property
    def complete(self) -> bool:
        """Whether every viewer got everything that was looked for."""
        missed = self.missed_frames + self.missed_groups + self.missed_parts + self.late_parts
        return not (missed + self.lost + self.forged + self.closed + self.failed)

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


def summarise(viewers: Sequence[Figures], seconds: float, *, by_bytes: bool) -> WatchResult:
    """The figures of a measured stretch.

    ``by_bytes``: viewers that do not scan are checked by their number of bytes.
    """
    delays = [delay for viewer in viewers for delay in viewer.delays]
    scanned = [viewer for viewer in viewers if viewer.scans]
    missed = sum(viewer.missed_groups for viewer in scanned)
    return WatchResult(
        viewers=len(viewers),
        seconds=seconds,
        closed=sum(viewer.closed for viewer in viewers),
        bits_per_second=sum(viewer.received for viewer in viewers) * 8 / seconds,
        frames=sum(viewer.frames for viewer in scanned),
        missed_frames=sum(viewer.missed_frames for viewer in scanned),
        missed_groups=missed + (_short(viewers, seconds) if by_bytes else 0),
        longest_gap=max((viewer.longest_gap for viewer in viewers), default=0.0),
        stalls=sum(viewer.stalls for viewer in viewers),
        delay=percentiles(delays),
        connect=percentiles([viewer.connect_seconds for viewer in viewers]),
        first_media=percentiles([v.first_media_seconds for v in viewers if v.first_media_seconds]),
        first_picture=percentiles(
            [viewer.first_picture_seconds for viewer in scanned if viewer.first_picture_seconds]
        ),
        lost=sum(viewer.lost for viewer in viewers),
        forged=sum(viewer.forged for viewer in viewers),
        parts=sum(viewer.parts for viewer in viewers),
        late_parts=sum(viewer.late_parts for viewer in viewers),
        missed_parts=sum(viewer.missed_parts for viewer in viewers),
        discontinuities=sum(viewer.discontinuities for viewer in viewers),
    )


def _short(viewers: Sequence[Figures], seconds: float) -> int:
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
