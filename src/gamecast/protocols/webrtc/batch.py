"""Packets that leave by one system call, laid out once for all viewers that share the headers.

Cuts the packets into batches that one system call can send (UDP GSO): all datagrams of a batch but
the last have one size, a batch has at most 64 of them and stays under 64 kB. Packets that
are a little shorter than their neighbours are padded (RFC 3550 section 5.1), others begin a batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gamecast.protocols.webrtc.rtp import build_header

MAX_SEGMENTS = 64
"""``UDP_MAX_SEGMENTS`` of Linux before 6.9."""
MAX_BATCH_BYTES = 64_000
"""Under 65 507 with room for SRTP tags."""
_TAG = 16
"""The longest tag of our SRTP profiles."""
MAX_PADDING = 255
"""The padding count is one byte."""


class PacketBatch:
    """Consecutive RTP packets of one SSRC, made once for all viewers that share the headers.

    ``headers`` are whole RTP headers with extensions; ``payloads`` are what follows them. For a GSO
    send all packets but the last are of one size. ``rider``: packets of another source in the same
    call, behind ours (:func:`join`).
    """

    __slots__ = (
        "first_sequence", "headers", "octets", "payloads", "pieces", "plain_size", "rider", "ssrc"
    )  # fmt: skip

    def __init__(
        self,
        *,
        ssrc: int,
        first_sequence: int,
        headers: list[bytes],
        payloads: list[bytes],
        rider: PacketBatch | None = None,
    ) -> None:
        """``first_sequence`` is not wrapped, so that it tells the rollover counter of each peer."""
        if not headers or len(headers) != len(payloads):
            raise ValueError("a batch needs as many headers as payloads, and at least one")
        self.ssrc = ssrc
        self.first_sequence = first_sequence
        self.headers = headers
        self.payloads = payloads
        self.rider = rider
        self.octets = sum(map(len, payloads))
        self.plain_size = len(headers[0]) + len(payloads[0])
        """Size of each packet but perhaps the last, without tags."""
        self.pieces = [
            piece
            for header in [*headers, *(rider.headers if rider is not None else ())]
            for piece in (header, b"")
        ]
        """Every header, and behind it room for what a viewer's key makes of the payload."""

    def split(self, count: int) -> list[PacketBatch]:
        """The same packets in batches of at most so many."""
        own = [
            PacketBatch(
                ssrc=self.ssrc,
                first_sequence=self.first_sequence + start,
                headers=self.headers[start : start + count],
                payloads=self.payloads[start : start + count],
            )
            for start in range(0, len(self.headers), count)
        ]
        return own if self.rider is None else [*own, *self.rider.split(count)]

    def segment_size(self, overhead: int) -> int:
        """Size of each protected packet but perhaps the last (``UDP_SEGMENT``)."""
        return self.plain_size + overhead

    def size(self, overhead: int) -> int:
        """Size of all of them protected."""
        own = sum(map(len, self.headers)) + self.octets + overhead * len(self.headers)
        return own + (self.rider.size(overhead) if self.rider is not None else 0)


def join_all(batches: Sequence[PacketBatch]) -> list[PacketBatch]:
    """The same packets in fewer system calls, as far as padding and the limits of GSO allow."""
    joined: list[PacketBatch] = []
    for batch in batches:
        together = join(joined[-1], batch) if joined else None
        if together is None:
            joined.append(batch)
        else:
            joined[-1] = together
    return joined


def join(batch: PacketBatch, other: PacketBatch) -> PacketBatch | None:
    """``batch`` with ``other`` behind it in one system call, or ``None`` if that cannot be.

    The packets that follow in the same source are padded to one size; one packet of another source
    rides behind padded ones (:attr:`PacketBatch.rider`).
    """
    same = batch.ssrc == other.ssrc
    if batch.rider is not None or other.rider is not None:
        return None
    if not same and len(other.headers) != 1:
        return None
    count = len(batch.headers) + len(other.headers)
    size = batch.plain_size if len(batch.headers) > 1 else max(batch.plain_size, other.plain_size)
    if same:
        size = max(size, other.plain_size)
    elif other.plain_size > size:
        return None
    if count > MAX_SEGMENTS or count * (size + _TAG) > MAX_BATCH_BYTES:
        return None
    headers, payloads = batch.headers.copy(), batch.payloads.copy()
    if same:
        headers += other.headers
        payloads += other.payloads
    # All but the last of the call: that is the rider, if there is one.
    for index in range(len(headers) - same):
        missing = size - len(headers[index]) - len(payloads[index])
        if missing:
            padded = _pad(headers[index], payloads[index], missing)
            if padded is None:
                return None
            headers[index], payloads[index] = padded
    return PacketBatch(
        ssrc=batch.ssrc,
        first_sequence=batch.first_sequence,
        headers=headers,
        payloads=payloads,
        rider=None if same else other,
    )


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

    Neither ``first_sequence`` nor ``timestamp`` is wrapped: the wire has their low bits.
    """
    batches = []
    start = 0
    for end in _cuts([len(payload) for payload in payloads], len(line.extension_block) + 28):
        headers, padded = [], []
        size = max(map(len, payloads[start:end]))
        for index in range(start, end):
            payload = payloads[index]
            header = build_header(
                payload_type=line.payload_type,
                sequence=first_sequence + index & 0xFFFF,
                timestamp=timestamp & 0xFFFFFFFF,
                ssrc=line.ssrc,
                marker=marker and index == len(payloads) - 1,
                extension_block=line.extension_block,
            )
            fitted = None
            if index < end - 1 and len(payload) < size:
                fitted = _pad(header, payload, size - len(payload))
            header, payload = fitted or (header, payload)
            headers.append(header)
            padded.append(payload)
        sequence = first_sequence + start
        batches.append(
            PacketBatch(ssrc=line.ssrc, first_sequence=sequence, headers=headers, payloads=padded)
        )
        start = end
    return batches


def _pad(header: bytes, payload: bytes, missing: int) -> tuple[bytes, bytes] | None:
    """RFC 3550 section 5.1: the last byte counts the padding, itself included."""
    if header[0] & 0x20:
        missing += payload[-1]
        payload = payload[: -payload[-1]]
    if missing > MAX_PADDING:
        return None
    padding = bytes(missing - 1) + bytes([missing])
    return bytes([header[0] | 0x20]) + header[1:], payload + padding


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
