"""What is known of a push while it runs: plain values that any thread may read."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """Where a destination is."""

    WAITING = "waiting"
    CONNECTING = "connecting"
    LIVE = "live"
    RECONNECTING = "reconnecting"
    ENDED = "ended"
    FAILED = "failed"


@dataclass(slots=True)
class DestinationStats:
    """One destination; written by the thread that serves it."""

    name: str
    """URL without secrets, or path."""
    state: State = State.WAITING
    problem: str = ""
    """Why it is not live, in one line."""
    bytes_sent: int = 0
    """Handed to the network (or the disk), framing included."""
    frames_sent: int = 0
    frames_dropped: int = 0
    """Pictures given up because the uplink was too slow or away."""
    queue_seconds: float = 0.0
    queue_bytes: int = 0
    rtt: float | None = None
    """Round-trip time in seconds as TCP or SRT measures it."""
    bandwidth: int | None = None
    """Bits per second that the path is thought to take, where the protocol (WHIP) says."""
    packets_sent: int = 0
    """SRT and WHIP only, like the next three; TCP hides what it lost."""
    packets_lost: int = 0
    """Reported lost by the server, before they were sent again."""
    packets_retransmitted: int = 0
    packets_dropped: int = 0
    """Given up because their time was over."""
    reconnects: int = 0
    served_to_end: bool = False
    """It was live when the push ended, and got everything."""


@dataclass(slots=True)
class EncodeStats:
    """Capture and encoding; written by the threads that do it."""

    frames_captured: int = 0
    frames_missed: int = 0
    """Capture lag: pictures that were due but not captured in time."""
    frames_skipped: int = 0
    """Encoder lag: captured, but given up because the encoder was busy."""
    frames_encoded: int = 0
    bytes_encoded: int = 0
    encode_seconds: float = 0.0
    """Time spent inside the video encoder."""
    target_bitrate: int = 0
    audio_level: float = 0.0
    """Peak of the last second, 0 to 1."""
