"""Retransmission (RFC 4588): a ring of sent packets, RTX packets of them, and back again."""

from __future__ import annotations

from gamecast.protocols.webrtc.batch import PacketBatch
from gamecast.protocols.webrtc.errors import WebRtcError
from gamecast.protocols.webrtc.rtp import RtpPacket

MIN_INTERVAL = 0.02
"""The same packet is not repeated to a viewer sooner than this (seconds)."""


class RetransmissionRing:
    """The last packets of one variant, shared by its viewers; bounded by count, size and age.

    ``capacity`` is a power of two; packets are at most one MTU long, so that bounds the bytes.
    """

    def __init__(self, *, capacity: int = 4096, max_age: float = 3.0) -> None:
        if capacity & (capacity - 1):
            raise ValueError("the capacity is a power of two")
        self._mask = capacity - 1
        self._max_age = max_age
        self._slots: list[tuple[int, float, bytes, bytes] | None] = [None] * capacity

    def add(self, batch: PacketBatch, now: float) -> None:
        """Keep the packets of a batch (by reference)."""
        sequence = batch.first_sequence & 0xFFFF
        for header, payload in zip(batch.headers, batch.payloads, strict=True):
            self._slots[sequence & self._mask] = (sequence, now, header, payload)
            sequence = sequence + 1 & 0xFFFF

    def find(self, sequence: int, now: float) -> tuple[bytes, bytes] | None:
        """Header and payload of a packet, if it is still of use."""
        slot = self._slots[sequence & self._mask]
        if slot is None or slot[0] != sequence or now - slot[1] > self._max_age:
            return None
        return slot[2], slot[3]


class RtxSender:
    """Repeats packets to one viewer on its own RTX source, within a budget.

    ``max_rate`` is in bytes per second, averaged over half a second; a viewer that asks for more
    is told nothing, so that NACKs cannot multiply what we send.
    """

    def __init__(self, *, ssrc: int, payload_type: int, max_rate: float, sequence: int = 0) -> None:
        self.refused = 0
        self._ssrc = ssrc.to_bytes(4, "big")
        self._payload_type = payload_type
        self._sequence = sequence & 0xFFFF
        self._max_rate = max_rate
        self._budget = max_rate / 2
        self._refilled_at: float | None = None
        self._last: dict[int, float] = {}

    def repeat(self, header: bytes, payload: bytes, now: float) -> tuple[bytes, bytes] | None:
        """RTX header and payload for a packet from the ring; ``None`` if it may not be sent now."""
        original = header[2] << 8 | header[3]
        last = self._last.get(original)
        if last is not None and now - last < MIN_INTERVAL:
            return None
        if not self._spend(len(header) + len(payload), now):
            self.refused += 1
            return None
        if len(self._last) >= 512:
            self._last.clear()
        self._last[original] = now
        sequence = self._sequence.to_bytes(2, "big")
        self._sequence = self._sequence + 1 & 0xFFFF
        second = header[1] & 0x80 | self._payload_type
        head = b"".join(
            (header[:1], bytes([second]), sequence, header[4:8], self._ssrc, header[12:])
        )
        return head, header[2:4] + payload

    def _spend(self, size: int, now: float) -> bool:
        since = 0.0 if self._refilled_at is None else now - self._refilled_at
        self._refilled_at = now
        self._budget = min(self._max_rate / 2, self._budget + since * self._max_rate)
        if self._budget < size:
            return False
        self._budget -= size
        return True


def restore(packet: RtpPacket, *, ssrc: int, payload_type: int) -> RtpPacket | None:
    """The original of an RTX packet; ``None`` for one without payload, a probe of bandwidth.

    Raises WebRtcError if it has no original sequence number.
    """
    if not packet.payload:
        return None
    if len(packet.payload) < 2:
        raise WebRtcError("RTX packet without an original sequence number")
    return RtpPacket(
        payload_type=payload_type,
        sequence=packet.payload[0] << 8 | packet.payload[1],
        timestamp=packet.timestamp,
        ssrc=ssrc,
        payload=packet.payload[2:],
        marker=packet.marker,
        csrcs=packet.csrcs,
        extensions=packet.extensions,
    )
