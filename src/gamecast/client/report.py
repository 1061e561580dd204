"""Snapshot: rates worked out from the counters of a push, for a panel, a line or a program."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gamecast.client.push.stats import DestinationStats, EncodeStats


@dataclass(slots=True)
class DestinationReport:
    """One destination over the last interval."""

    name: str
    state: str
    problem: str
    fps: float
    bitrate: float
    """Bits per second sent."""
    dropped: int
    dropped_share: float
    """Of all pictures since the beginning."""
    queue_ms: float
    rtt_ms: float | None
    lost_share: float | None
    """Of the packets of the network that were sent; ``None`` where the protocol does not know."""
    reconnects: int
    bytes_sent: int


@dataclass(slots=True)
class Snapshot:
    """A push over the last interval; counts are since the beginning."""

    seconds: float
    fps_captured: float
    fps_encoded: float
    bitrate: float
    """Bits per second out of the encoders."""
    target_bitrate: int
    encode_ms: float
    """Mean time in the video encoder per picture."""
    missed: int
    """Capture lag."""
    skipped: int
    """Encoder lag."""
    dropped: int
    """Network, over all destinations."""
    cpu: float
    """Share of one core that this process uses."""
    audio_level: float
    destinations: list[DestinationReport]


class Meter:
    """Makes snapshots; each covers the time since the one before."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._at = clock()
        self._cpu = time.process_time()
        self._encode = EncodeStats()
        self._sent: dict[int, tuple[int, int]] = {}

    def read(
        self, seconds: float, encode: EncodeStats, destinations: Sequence[DestinationStats]
    ) -> Snapshot:
        """What happened since the last call."""
        now, cpu = self._clock(), time.process_time()
        span = max(1e-3, now - self._at)
        old = self._encode
        pictures = encode.frames_encoded - old.frames_encoded
        snapshot = Snapshot(
            seconds=seconds,
            fps_captured=(encode.frames_captured - old.frames_captured) / span,
            fps_encoded=pictures / span,
            bitrate=(encode.bytes_encoded - old.bytes_encoded) * 8 / span,
            target_bitrate=encode.target_bitrate,
            encode_ms=(encode.encode_seconds - old.encode_seconds) * 1000 / max(1, pictures),
            missed=encode.frames_missed,
            skipped=encode.frames_skipped,
            dropped=sum(stats.frames_dropped for stats in destinations),
            cpu=(cpu - self._cpu) / span,
            audio_level=encode.audio_level,
            destinations=[
                self._destination(number, stats, span) for number, stats in enumerate(destinations)
            ],
        )
        self._at, self._cpu = now, cpu
        self._encode = EncodeStats(
            frames_captured=encode.frames_captured,
            frames_encoded=encode.frames_encoded,
            bytes_encoded=encode.bytes_encoded,
            encode_seconds=encode.encode_seconds,
        )
        return snapshot

    def _destination(self, number: int, stats: DestinationStats, span: float) -> DestinationReport:
        sent, frames = self._sent.get(number, (0, 0))
        self._sent[number] = (stats.bytes_sent, stats.frames_sent)
        pictures = stats.frames_sent + stats.frames_dropped
        return DestinationReport(
            name=stats.name,
            state=stats.state.value,
            problem=stats.problem,
            fps=(stats.frames_sent - frames) / span,
            bitrate=(stats.bytes_sent - sent) * 8 / span,
            dropped=stats.frames_dropped,
            dropped_share=stats.frames_dropped / max(1, pictures),
            queue_ms=stats.queue_seconds * 1000,
            rtt_ms=None if stats.rtt is None else stats.rtt * 1000,
            lost_share=(stats.packets_lost / stats.packets_sent if stats.packets_sent else None),
            reconnects=stats.reconnects,
            bytes_sent=stats.bytes_sent,
        )
