"""Statistics of one received source for receiver reports (RFC 3550 section 6.4.1, appendix A)."""

from __future__ import annotations

from gamecast.protocols.webrtc.rtcp import ReportBlock, SenderReport
from gamecast.protocols.webrtc.unwrap import nearest

_MAX_LOST = (1 << 23) - 1


class ReceptionStatistics:
    """Counts what arrived of one SSRC; ``clock_rate`` is that of its timestamps."""

    def __init__(self, ssrc: int, clock_rate: int) -> None:
        self.received = 0
        self._ssrc = ssrc
        self._clock_rate = clock_rate
        self._first: int | None = None
        self._highest = 0
        self._jitter = 0.0
        self._transit: float | None = None
        self._timestamp: int | None = None
        self._reported = (0, 0)
        self._last_sr: tuple[int, float] | None = None

    @property
    def lost(self) -> int:
        """Packets that have not arrived so far; negative with duplicates."""
        return 0 if self._first is None else self._highest - self._first + 1 - self.received

    @property
    def jitter(self) -> float:
        """Interarrival jitter in seconds."""
        return self._jitter / self._clock_rate

    def receive_run(self, first: int, count: int, timestamp: int, now: float) -> None:
        """Count packets of the source itself (not of its RTX), of one timestamp.

        ``first`` is the 16-bit sequence of the first; they follow each other. Jitter is that of the
        first packets of pictures: how the others of a picture are spaced is no network's doing.
        """
        self.received += count
        if self._first is None:
            self._first, self._highest = first, first + count - 1
        elif first == self._highest + 1 & 0xFFFF:
            self._highest += count
        else:
            extended = nearest(first, self._highest)
            self._first = min(self._first, extended)
            self._highest = max(self._highest, extended + count - 1)
        if timestamp != self._timestamp:
            self._measure_jitter(timestamp, now)

    def _measure_jitter(self, timestamp: int, now: float) -> None:
        self._timestamp = timestamp
        transit = now * self._clock_rate - timestamp
        if self._transit is not None:
            difference = abs(transit - self._transit)
            if difference < self._clock_rate * 10:  # Not over a wrap or a jump of the source.
                self._jitter += (difference - self._jitter) / 16
        self._transit = transit

    def receive_report(self, report: SenderReport, now: float) -> None:
        """Remember an SR, to which the next block refers."""
        self._last_sr = (report.ntp_time >> 16 & 0xFFFFFFFF, now)

    def report(self, now: float) -> ReportBlock:
        """A block for the next RR; loss is counted from the one before."""
        expected = 0 if self._first is None else self._highest - self._first + 1
        expected_before, received_before = self._reported
        self._reported = (expected, self.received)
        interval = expected - expected_before
        lost = interval - (self.received - received_before)
        fraction = min(255, (lost << 8) // interval) if interval > 0 and lost > 0 else 0
        last_sr, delay = 0, 0
        if self._last_sr is not None:
            last_sr = self._last_sr[0]
            delay = min(int((now - self._last_sr[1]) * 65536), 0xFFFFFFFF)
        return ReportBlock(
            ssrc=self._ssrc,
            fraction_lost=fraction,
            cumulative_lost=max(-_MAX_LOST, min(self.lost, _MAX_LOST)),
            highest_sequence=self._highest & 0xFFFFFFFF,
            jitter=int(self._jitter) & 0xFFFFFFFF,
            last_sr=last_sr,
            delay_since_last_sr=delay,
        )


def round_trip_time(block: ReportBlock, ntp_now: int) -> float | None:
    """Seconds from our SR to the peer and back, by a block about us (RFC 3550 figure 2).

    ``ntp_now`` is our 64-bit NTP time at arrival. ``None`` if the peer has seen no SR of ours.
    """
    if block.last_sr == 0:
        return None
    middle = ntp_now >> 16 & 0xFFFFFFFF
    delay = middle - block.last_sr - block.delay_since_last_sr & 0xFFFFFFFF
    return delay / 65536 if delay < 1 << 31 else 0.0
