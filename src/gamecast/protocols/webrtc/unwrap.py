"""Wire numbers without their wrap: 16-bit sequences, 32-bit timestamps, NTP to RTP mapping."""

from __future__ import annotations


def nearest(value: int, reference: int, *, bits: int = 16) -> int:
    """The extended number of those with these low ``bits`` that is nearest to another one."""
    size = 1 << bits
    ahead = (value - reference) % size
    return reference + (ahead if ahead < size >> 1 else ahead - size)


class Unwrapper:
    """Extends numbers of ``bits`` bits to the nearest of the last one, without bound.

    The first number is taken as it is; one that is older than the start becomes negative.
    """

    __slots__ = ("_half", "_last", "_size")

    def __init__(self, bits: int) -> None:
        self._size = 1 << bits
        self._half = self._size >> 1
        self._last: int | None = None

    def unwrap(self, value: int) -> int:
        """The extended number; also moves the reference to it."""
        if self._last is None:
            self._last = value
        else:
            self._last = self.peek(value)
        return self._last

    def peek(self, value: int) -> int:
        """The extended number, leaving the reference where it is."""
        if self._last is None:
            return value
        ahead = (value - self._last) % self._size
        return self._last + (ahead if ahead < self._half else ahead - self._size)


class SourceClock:
    """What wall clock the timestamps of a source mean, by its sender reports (RFC 3550 6.4.1).

    Two sources of one peer that are mapped this way are in sync, whatever clock the peer keeps.
    """

    __slots__ = ("_clock_rate", "_ntp", "_rtp", "_unwrapper")

    def __init__(self, clock_rate: int) -> None:
        self._clock_rate = clock_rate
        self._unwrapper = Unwrapper(32)
        self._ntp = 0.0
        self._rtp: int | None = None

    @property
    def is_known(self) -> bool:
        """Whether a sender report has come."""
        return self._rtp is not None

    def receive_report(self, ntp_time: int, rtp_timestamp: int) -> None:
        """Take an SR: 64-bit NTP time and the timestamp of that moment."""
        self._ntp = ntp_time / (1 << 32)
        self._rtp = self._unwrapper.unwrap(rtp_timestamp)

    def wall_clock(self, rtp_timestamp: int) -> float | None:
        """Seconds of the peer's NTP clock at which a timestamp was sampled; ``None`` before an SR.

        The timestamp may be up to 2**31 ticks away from that of the last report.
        """
        if self._rtp is None:
            return None
        return self._ntp + (self._unwrapper.peek(rtp_timestamp) - self._rtp) / self._clock_rate
