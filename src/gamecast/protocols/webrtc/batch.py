"""Headers for a frame's payloads, made once for all viewers that share them.

Cuts the packets into batches that one system call can send (UDP GSO): all datagrams of a batch but
the last have one size, a batch has at most 64 of them and stays under 64 kB. Packets that
are a little shorter than their neighbours are padded (RFC 3550 section 5.1), others begin a batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gamecast.protocols.webrtc.rtp import build_header
from gamecast.protocols.webrtc.srtp import PacketBatch

MAX_SEGMENTS = 64
"""``UDP_MAX_SEGMENTS`` of Linux before 6.9."""
MAX_BATCH_BYTES = 64_000
"""Under 65 507 with room for SRTP tags."""
MAX_PADDING = 255
"""The padding count is one byte."""


@dataclass(slots=True, kw_only=True)
class HeaderLine:
    """What the headers of one variant have in common."""

    ssrc: int
    payload_type: int
    extension_block: bytes = b""
    """From ``build_extensions``; one for a whole frame."""


def make_batches(
    payloads: Sequence[bytes],
    line: HeaderLine,
    *,
    first_sequence: int,
    timestamp: int,
    marker: bool = True,
) -> list[PacketBatch]:
    """The packets of one frame, in order; the last has the marker bit unless told otherwise.

    ``first_sequence`` and ``timestamp`` are taken modulo their size on the wire.
    """
    batches = []
    start = 0
    for end in _cuts([len(payload) for payload in payloads], len(line.extension_block) + 28):
        headers, padded = [], []
        size = max(map(len, payloads[start:end]))
        for index in range(start, end):
            payload, is_padded = payloads[index], False
            if index < end - 1 and len(payload) < size:
                payload, is_padded = _pad(payload, size), True
            header = build_header(
                payload_type=line.payload_type,
                sequence=first_sequence + index & 0xFFFF,
                timestamp=timestamp & 0xFFFFFFFF,
                ssrc=line.ssrc,
                marker=marker and index == len(payloads) - 1,
                extension_block=line.extension_block,
            )
            headers.append(bytes([header[0] | 0x20]) + header[1:] if is_padded else header)
            padded.append(payload)
        sequence = first_sequence + start & 0xFFFF
        batches.append(
            PacketBatch(ssrc=line.ssrc, first_sequence=sequence, headers=headers, payloads=padded)
        )
        start = end
    return batches


def _pad(payload: bytes, size: int) -> bytes:
    missing = size - len(payload)
    return payload + bytes(missing - 1) + bytes([missing])


def _cuts(sizes: list[int], overhead: int) -> list[int]:
    """Where batches end. ``overhead`` is header and tag of each packet."""
    cuts = []
    start, low, high = 0, 0, 0
    for index, size in enumerate(sizes):
        count = index - start
        if count:
            highest = max(high, size)
            full = count >= MAX_SEGMENTS or (count + 1) * (highest + overhead) > MAX_BATCH_BYTES
            # Everything before this packet would have to be padded to the highest.
            if full or highest - low > MAX_PADDING:
                cuts.append(index)
                start, low, high = index, size, size
                continue
            low, high = min(low, size), highest
        else:
            low = high = size
    return [*cuts, len(sizes)] if sizes else []
