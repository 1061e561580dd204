"""RTCP feedback: NACK and PLI (RFC 4585), FIR (RFC 5104), REMB, transport-cc."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass

from gamecast.protocols.webrtc.errors import WebRtcError
from gamecast.protocols.webrtc.rtcp_wire import packet_bytes
from gamecast.protocols.webrtc.twcc import FORMAT as _TRANSPORT_CC
from gamecast.protocols.webrtc.twcc import TransportFeedback, parse_feedback

TRANSPORT_FEEDBACK = 205
PAYLOAD_FEEDBACK = 206
MAX_NACKED = 512
"""Sequences that are read out of one NACK; libwebrtc asks for at most about 250 at once."""
MAX_SSRCS = 32
_NACK, _PLI, _FIR, _APPLICATION = 1, 1, 4, 15
_REMB = b"REMB"
_MAX_BITRATE = (1 << 63) - 1


@dataclass(slots=True)
class GenericNack:
    """The peer lacks these packets of ``media_ssrc`` (RFC 4585 section 6.2.1)."""

    sender_ssrc: int
    media_ssrc: int
    sequences: list[int]
    """16 bits each, in the order asked, at most ``MAX_NACKED``."""

    def to_bytes(self) -> bytes:
        """Wire form; neighbours share one entry of 17 sequences."""
        body = struct.pack("!II", self.sender_ssrc, self.media_ssrc)
        body += b"".join(struct.pack("!HH", pid, mask) for pid, mask in _pairs(self.sequences))
        return packet_bytes(TRANSPORT_FEEDBACK, _NACK, body)


def _pairs(sequences: Iterable[int]) -> list[tuple[int, int]]:
    pairs: list[tuple[int, int]] = []
    for sequence in sequences:
        if pairs:
            ahead = sequence - pairs[-1][0] & 0xFFFF
            if 1 <= ahead <= 16:
                pairs[-1] = (pairs[-1][0], pairs[-1][1] | 1 << ahead - 1)
                continue
        pairs.append((sequence, 0))
    return pairs


@dataclass(slots=True)
class PictureLossIndication:
    """The peer cannot decode ``media_ssrc`` any more and wants a keyframe (RFC 4585 6.3.1)."""

    sender_ssrc: int
    media_ssrc: int

    def to_bytes(self) -> bytes:
        """Wire form."""
        body = struct.pack("!II", self.sender_ssrc, self.media_ssrc)
        return packet_bytes(PAYLOAD_FEEDBACK, _PLI, body)


@dataclass(slots=True)
class FullIntraRequest:
    """A keyframe command per source (RFC 5104 section 4.3.1): ``{ssrc: sequence number}``."""

    sender_ssrc: int
    entries: dict[int, int]

    def to_bytes(self) -> bytes:
        """Wire form."""
        body = struct.pack("!II", self.sender_ssrc, 0)
        for ssrc, number in self.entries.items():
            body += struct.pack("!II", ssrc, (number & 0xFF) << 24)
        return packet_bytes(PAYLOAD_FEEDBACK, _FIR, body)


@dataclass(slots=True)
class ReceiverEstimate:
    """REMB: the bit rate the peer believes it can receive (draft-alvestrand-rmcat-remb-03)."""

    sender_ssrc: int
    bitrate: int
    """Bits per second, at most 2**63 - 1."""
    ssrcs: list[int]

    def to_bytes(self) -> bytes:
        """Wire form; the mantissa has 18 bits, so the rate is rounded down to that."""
        exponent = max(0, self.bitrate.bit_length() - 18)
        packed = len(self.ssrcs) << 24 | exponent << 18 | self.bitrate >> exponent
        body = struct.pack("!II4sI", self.sender_ssrc, 0, _REMB, packed)
        body += struct.pack(f"!{len(self.ssrcs)}I", *self.ssrcs)
        return packet_bytes(PAYLOAD_FEEDBACK, _APPLICATION, body)


def parse_transport_feedback(kind: int, body: bytes) -> GenericNack | TransportFeedback | None:
    """Packet type 205. Raises WebRtcError; ``None`` for formats that we do not know."""
    if len(body) < 8:
        raise WebRtcError("RTCP feedback too short")
    if kind == _TRANSPORT_CC:
        return parse_feedback(body)
    if kind != _NACK:
        return None
    sender, media = struct.unpack_from("!II", body)
    return GenericNack(sender, media, _nacked(body))


def _nacked(body: bytes) -> list[int]:
    sequences: list[int] = []
    for offset in range(8, len(body) - 3, 4):
        pid, mask = struct.unpack_from("!HH", body, offset)
        sequences.append(pid)
        sequences += [pid + 1 + bit & 0xFFFF for bit in range(16) if mask >> bit & 1]
        if len(sequences) >= MAX_NACKED:
            return sequences[:MAX_NACKED]
    return sequences


def parse_payload_feedback(
    kind: int, body: bytes
) -> PictureLossIndication | FullIntraRequest | ReceiverEstimate | None:
    """Packet type 206. Raises WebRtcError; ``None`` for formats that we do not know."""
    if len(body) < 8:
        raise WebRtcError("RTCP feedback too short")
    sender, media = struct.unpack_from("!II", body)
    if kind == _PLI:
        return PictureLossIndication(sender, media)
    if kind == _FIR:
        return _parse_fir(sender, body)
    if kind == _APPLICATION and body[8:12] == _REMB:
        return _parse_remb(sender, body)
    return None


def _parse_fir(sender: int, body: bytes) -> FullIntraRequest:
    entries: dict[int, int] = {}
    for offset in range(8, len(body) - 7, 8):
        ssrc, number = struct.unpack_from("!II", body, offset)
        if len(entries) < MAX_SSRCS:
            entries[ssrc] = number >> 24
    return FullIntraRequest(sender, entries)


def _parse_remb(sender: int, body: bytes) -> ReceiverEstimate:
    if len(body) < 16 or len(body) < 16 + 4 * body[12]:
        raise WebRtcError("REMB too short")
    packed = int.from_bytes(body[13:16], "big")
    bitrate = min((packed & 0x3FFFF) << (packed >> 18), _MAX_BITRATE)
    count = min(body[12], MAX_SSRCS)
    return ReceiverEstimate(sender, bitrate, list(struct.unpack_from(f"!{count}I", body, 16)))
