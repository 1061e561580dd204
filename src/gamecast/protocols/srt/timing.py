"""Round-trip time, the peer's clock, rates: what a connection measures."""

from __future__ import annotations

from gamecast.protocols.srt.packet import unwrap_timestamp

_INITIAL_RTT = 0.100
_MAX_RTT = 60.0


class RoundTrip:
    """Smoothed round-trip time and its variance, in seconds (draft section 4.10)."""

    __slots__ = ("measured", "rtt", "variance")

    def __init__(self) -> None:
        self.rtt = _INITIAL_RTT
        self.variance = _INITIAL_RTT / 2
        self.measured = False

    def sample(self, rtt: float) -> None:
        """One measurement, of an ACK and its ACKACK."""
        rtt = min(max(rtt, 0.0), _MAX_RTT)
        if not self.measured:
            self.measured = True
            self.rtt, self.variance = rtt, rtt / 2
            return
        self.variance += (abs(rtt - self.rtt) - self.variance) / 4
        self.rtt += (rtt - self.rtt) / 8

    def told(self, rtt: float, variance: float) -> None:
        """What the peer measured, from its ACK: for a side that only sends."""
        self.measured = True
        self.rtt = min(rtt, _MAX_RTT)
        self.variance = min(variance, _MAX_RTT)


_SAMPLES = 1000
_SAMPLE_SECONDS = 10.0
_LEAST_SAMPLES = 20
"""A slow stream has few ACKs; its clock drifts as fast as any other."""
_MAX_DRIFT = 0.005


class PeerClock:
    """When a packet that the peer stamped is due here (TSBPD, draft section 4.5).

    Stamps are 32 bits of microseconds since the peer's start, so they wrap every 71 minutes; the
    one nearest to the time that it is there is meant, however long the peer was silent. The base
    moves with the drift of the two clocks: the mean of 1000 samples, or of those of 10 s
    (section 4.7); what is above 5 ms stays in the base.
    """

    __slots__ = ("_base", "_count", "_drift", "_first_rtt", "_since", "_sum", "corrections")

    def __init__(self, timestamp: int, now: float) -> None:
        """``timestamp`` of the handshake that arrived at ``now``."""
        self._base = now - timestamp / 1e6
        self._drift = 0.0
        self._sum = 0.0
        self._count = 0
        self._since = now
        self._first_rtt: float | None = None
        self.corrections = 0
        """Times that the base was moved."""

    def time(self, timestamp: int, now: float) -> float:
        """Our time at which a packet that came ``now`` would have come without jitter."""
        stamp = unwrap_timestamp(timestamp, int((now - self._base) * 1e6))
        return self._base + self._drift + stamp / 1e6

    def sample(self, timestamp: int, now: float, rtt: float) -> None:
        """The peer's stamp on an ACKACK that arrived at ``now``."""
        if self._first_rtt is None:
            self._first_rtt = rtt
        stamp = unwrap_timestamp(timestamp, int((now - self._base) * 1e6))
        if not self._count:
            self._since = now
        self._sum += now - (self._base + stamp / 1e6) - (rtt - self._first_rtt) / 2
        self._count += 1
        enough = self._count >= _LEAST_SAMPLES and now - self._since >= _SAMPLE_SECONDS
        if self._count < _SAMPLES and not enough:
            return
        drift = self._sum / self._count
        self._sum = 0.0
        self._count = 0
        over = max(drift - _MAX_DRIFT, 0.0) if drift > 0 else min(drift + _MAX_DRIFT, 0.0)
        if over:
            self._base += over
            self.corrections += 1
        self._drift = drift - over


_WINDOW = 1.0


class Rate:
    """Packets and bytes per second over about the last second."""

    __slots__ = ("_bytes", "_packets", "_since", "bytes", "packets")

    def __init__(self, now: float) -> None:
        self._since = now
        self._packets = 0
        self._bytes = 0
        self.packets = 0.0
        self.bytes = 0.0

    def count(self, size: int) -> None:
        """One packet."""
        self._packets += 1
        self._bytes += size

    def update(self, now: float) -> None:
        """Call now and then: closes the window when it is a second old."""
        elapsed = now - self._since
        if elapsed >= _WINDOW:
            self.packets = self._packets / elapsed
            self.bytes = self._bytes / elapsed
            self._packets = self._bytes = 0
            self._since = now
