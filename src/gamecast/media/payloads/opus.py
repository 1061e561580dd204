"""RTP payload format for Opus (RFC 7587): one Opus packet is one payload."""

from __future__ import annotations

from gamecast.media.payloads.base import AccessUnit


class OpusPacketizer:
    """Opus packets to payloads: as they are."""

    def packetize(self, data: bytes) -> list[bytes]:
        """The packet itself."""
        return [data]


class OpusDepacketizer:
    """Payloads to Opus packets; every payload is whole, so nothing is ever dropped."""

    def __init__(self) -> None:
        self.dropped = 0

    def write(
        self, payload: bytes, *, timestamp: int, marker: bool, lost: bool = False
    ) -> list[AccessUnit]:
        """The packet itself; the marker only tells of silence before (RFC 7587 section 4.1)."""
        return [AccessUnit(payload, timestamp)] if payload else []
