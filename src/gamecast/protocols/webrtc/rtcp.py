"""RTCP compounds (RFC 3550 section 6): reports, SDES, BYE; feedback is in :mod:`.rtcp_feedback`.

``parse_rtcp`` cuts a compound (or a reduced-size packet, RFC 5506) into packets. Every packet class
has ``to_bytes``; a compound is their concatenation, reports first.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field

from gamecast.protocols.webrtc.errors import WebRtcError
from gamecast.protocols.webrtc.rtcp_feedback import (
    PAYLOAD_FEEDBACK,
    TRANSPORT_FEEDBACK,
    FullIntraRequest,
    GenericNack,
    PictureLossIndication,
    ReceiverEstimate,
    parse_payload_feedback,
    parse_transport_feedback,
)
from gamecast.protocols.webrtc.rtcp_wire import packet_bytes
from gamecast.protocols.webrtc.twcc import TransportFeedback

SENDER_REPORT = 200
RECEIVER_REPORT = 201
SOURCE_DESCRIPTION = 202
GOODBYE = 203
MAX_PACKETS = 64
"""Packets of one compound that are looked at; a datagram holds fewer."""
_CNAME = 1
_NTP_EPOCH = 2_208_988_800
"""Seconds from 1900 to 1970."""


def ntp_time(wall: float) -> int:
    """Unix time in seconds as an NTP timestamp, UQ32.32 (RFC 3550 section 4)."""
    return int((wall + _NTP_EPOCH) * (1 << 32))


@dataclass(slots=True)
class ReportBlock:
    """Reception of one source (RFC 3550 section 6.4.1)."""

    ssrc: int
    fraction_lost: int
    """Since the last report, in 1/256."""
    cumulative_lost: int
    """Signed 24 bits: duplicates make it negative."""
    highest_sequence: int
    """Extended: cycles in the upper 16 bits."""
    jitter: int
    """In timestamp units of the source."""
    last_sr: int
    """Middle 32 bits of the NTP time of the last SR; 0 if none."""
    delay_since_last_sr: int
    """In 1/65536 s."""

    def to_bytes(self) -> bytes:
        """24 bytes."""
        lost = self.cumulative_lost & 0xFFFFFF | self.fraction_lost << 24
        return struct.pack(
            "!6I",
            self.ssrc,
            lost,
            self.highest_sequence,
            self.jitter,
            self.last_sr,
            self.delay_since_last_sr,
        )


@dataclass(slots=True)
class SenderReport:
    """SR: what wall clock a source's timestamps mean, which is what lip-sync rests on."""

    ssrc: int
    ntp_time: int
    """64-bit NTP timestamp: seconds since 1900 in the upper half."""
    rtp_timestamp: int
    packet_count: int
    octet_count: int
    reports: list[ReportBlock] = field(default_factory=list)

    def to_bytes(self) -> bytes:
        """Wire form."""
        head = struct.pack(
            "!IQIII",
            self.ssrc,
            self.ntp_time,
            self.rtp_timestamp,
            self.packet_count & 0xFFFFFFFF,
            self.octet_count & 0xFFFFFFFF,
        )
        blocks = b"".join(report.to_bytes() for report in self.reports)
        return packet_bytes(SENDER_REPORT, len(self.reports), head + blocks)


@dataclass(slots=True)
class ReceiverReport:
    """RR: what a peer received of our sources."""

    ssrc: int
    reports: list[ReportBlock] = field(default_factory=list)

    def to_bytes(self) -> bytes:
        """Wire form."""
        blocks = b"".join(report.to_bytes() for report in self.reports)
        body = self.ssrc.to_bytes(4, "big") + blocks
        return packet_bytes(RECEIVER_REPORT, len(self.reports), body)


@dataclass(slots=True)
class SourceDescription:
    """SDES: the CNAME of each source; equal CNAMEs are played in sync."""

    cnames: dict[int, str]

    def to_bytes(self) -> bytes:
        """Wire form."""
        body = b""
        for ssrc, cname in self.cnames.items():
            text = cname.encode()[:255]
            chunk = ssrc.to_bytes(4, "big") + bytes([_CNAME, len(text)]) + text + b"\0"
            body += chunk + bytes(-len(chunk) % 4)
        return packet_bytes(SOURCE_DESCRIPTION, len(self.cnames), body)


@dataclass(slots=True)
class Goodbye:
    """BYE: these sources have ended."""

    ssrcs: list[int]
    reason: str = ""

    def to_bytes(self) -> bytes:
        """Wire form."""
        body = struct.pack(f"!{len(self.ssrcs)}I", *self.ssrcs)
        if self.reason:
            text = self.reason.encode()[:255]
            body += bytes([len(text)]) + text
            body += bytes(-len(body) % 4)
        return packet_bytes(GOODBYE, len(self.ssrcs), body)


RtcpPacket = (
    SenderReport
    | ReceiverReport
    | SourceDescription
    | Goodbye
    | GenericNack
    | PictureLossIndication
    | FullIntraRequest
    | ReceiverEstimate
    | TransportFeedback
)


def parse_rtcp(data: bytes) -> list[RtcpPacket]:
    """The packets of a compound, those of unknown type left out. Raises WebRtcError."""
    packets: list[RtcpPacket] = []
    offset = 0
    seen = 0
    while offset < len(data):
        seen += 1
        if offset + 4 > len(data) or data[offset] >> 6 != 2 or seen > MAX_PACKETS:
            raise WebRtcError("malformed RTCP compound")
        end = offset + 4 + 4 * (data[offset + 2] << 8 | data[offset + 3])
        if end > len(data):
            raise WebRtcError("RTCP packet runs past its compound")
        body = _without_padding(data[offset + 4 : end], padded=bool(data[offset] & 0x20))
        parser = _PARSERS.get(data[offset + 1])
        packet = parser(data[offset] & 31, body) if parser is not None else None
        if packet is not None:
            packets.append(packet)
        offset = end
    return packets


def _without_padding(body: bytes, *, padded: bool) -> bytes:
    if not padded:
        return body
    if not body or not 0 < body[-1] <= len(body):
        raise WebRtcError("malformed RTCP padding")
    return body[: -body[-1]]


def _parse_reports(count: int, body: bytes) -> list[ReportBlock]:
    if len(body) < 24 * count:
        raise WebRtcError("RTCP report shorter than its blocks")
    reports = []
    for index in range(count):
        ssrc, lost, *rest = struct.unpack_from("!6I", body, 24 * index)
        signed = (lost & 0xFFFFFF) - (1 << 24 if lost & 0x800000 else 0)
        reports.append(ReportBlock(ssrc, lost >> 24, signed, *rest))
    return reports


def _parse_sender_report(count: int, body: bytes) -> SenderReport:
    if len(body) < 24:
        raise WebRtcError("RTCP SR too short")
    ssrc, ntp, timestamp, packets, octets = struct.unpack_from("!IQIII", body)
    reports = _parse_reports(count, body[24:])
    return SenderReport(ssrc, ntp, timestamp, packets, octets, reports)


def _parse_receiver_report(count: int, body: bytes) -> ReceiverReport:
    if len(body) < 4:
        raise WebRtcError("RTCP RR too short")
    return ReceiverReport(int.from_bytes(body[:4], "big"), _parse_reports(count, body[4:]))


def _parse_goodbye(count: int, body: bytes) -> Goodbye:
    if len(body) < 4 * count:
        raise WebRtcError("RTCP BYE too short")
    rest = body[4 * count :]
    if rest and len(rest) < 1 + rest[0]:
        raise WebRtcError("RTCP BYE reason runs past the packet")
    reason = rest[1 : 1 + rest[0]].decode("utf-8", "replace") if rest else ""
    return Goodbye(list(struct.unpack_from(f"!{count}I", body)), reason)


def _parse_source_description(count: int, body: bytes) -> SourceDescription:
    cnames: dict[int, str] = {}
    offset = 0
    for _ in range(count):
        if offset + 4 > len(body):
            raise WebRtcError("RTCP SDES too short")
        ssrc = int.from_bytes(body[offset : offset + 4], "big")
        offset, cname = _parse_sdes_items(body, offset + 4)
        if cname is not None:
            cnames[ssrc] = cname
    return SourceDescription(cnames)


def _parse_sdes_items(body: bytes, offset: int) -> tuple[int, str | None]:
    cname = None
    while offset < len(body) and body[offset]:
        if offset + 2 > len(body) or offset + 2 + body[offset + 1] > len(body):
            raise WebRtcError("RTCP SDES item runs past the packet")
        end = offset + 2 + body[offset + 1]
        if body[offset] == _CNAME:
            cname = body[offset + 2 : end].decode("utf-8", "replace")
        offset = end
    return offset + 4 - offset % 4, cname


_PARSERS: dict[int, Callable[[int, bytes], RtcpPacket | None]] = {
    SENDER_REPORT: _parse_sender_report,
    RECEIVER_REPORT: _parse_receiver_report,
    SOURCE_DESCRIPTION: _parse_source_description,
    GOODBYE: _parse_goodbye,
    TRANSPORT_FEEDBACK: parse_transport_feedback,
    PAYLOAD_FEEDBACK: parse_payload_feedback,
}
