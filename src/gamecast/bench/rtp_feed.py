"""Packets as RTP: headers and payloads of both tracks, for WHIP and for plain RTP."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from gamecast.media.packet import Packet
from gamecast.media.payloads.base import Packetizer
from gamecast.media.payloads.formats import make_packetizer
from gamecast.media.track import Kind, Track
from gamecast.protocols.webrtc.rtcp import SenderReport, ntp_time
from gamecast.protocols.webrtc.rtp import build_header


@dataclass(slots=True, kw_only=True)
class RtpFeed:
    """One track's line of sequence numbers. Raises ``MediaError`` for codecs without RTP format."""

    track: Track
    payload_type: int
    ssrc: int
    extension_block: bytes = b""
    sequence: int = field(default_factory=lambda: random.getrandbits(15))
    packets: int = 0
    octets: int = 0
    timestamp: int = 0
    _packetizer: Packetizer = field(init=False)

    def __post_init__(self) -> None:
        self._packetizer = make_packetizer(self.track)

    @property
    def is_video(self) -> bool:
        """Whether this is the picture."""
        return self.track.kind is Kind.VIDEO

    def write(self, packet: Packet) -> list[tuple[bytes, bytes]]:
        """The packet as headers and payloads, in order."""
        payloads = self._packetizer.packetize(packet.data)
        self.timestamp = packet.pts & 0xFFFF_FFFF
        written = []
        for index, payload in enumerate(payloads):
            header = build_header(
                payload_type=self.payload_type,
                sequence=self.sequence,
                timestamp=self.timestamp,
                ssrc=self.ssrc,
                marker=self.is_video and index == len(payloads) - 1,
                extension_block=self.extension_block,
            )
            written.append((header, payload))
            self.sequence = self.sequence + 1 & 0xFFFF
            self.octets += len(payload)
        self.packets += len(payloads)
        return written

    def sender_report(self, wall: float) -> SenderReport:
        """Where the line stands at this Unix time (RFC 3550 section 6.4.1)."""
        return SenderReport(
            self.ssrc,
            ntp_time(wall),
            self.timestamp,
            self.packets & 0xFFFF_FFFF,
            self.octets & 0xFFFF_FFFF,
        )
