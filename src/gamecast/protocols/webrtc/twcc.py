"""Transport-wide congestion control feedback on the wire (draft-holmer-rmcat-transport-wide-cc-01).

Times are integers in the units of the format: 250 microseconds for deltas, 64 ms for references.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from gamecast.protocols.webrtc.errors import WebRtcError
from gamecast.protocols.webrtc.rtcp_wire import packet_bytes

FORMAT = 15
PACKET_TYPE = 205
DELTA_UNIT = 250e-6
"""Seconds per tick of ``arrivals``."""
REFERENCE_TICKS = 256
"""Ticks in one unit of the reference time (64 ms)."""
MAX_STATUSES = 8192
"""Packet statuses in one feedback; at 20 feedbacks a second that is 160 000 packets a second."""
_NOT_RECEIVED, _SMALL_DELTA, _LARGE_DELTA = 0, 1, 2
_MAX_RUN = 0x1FFF


@dataclass(slots=True)
class TransportFeedback:
    """Which packets arrived, and when.

    ``arrivals[i]`` belongs to sequence ``base_sequence + i`` and is in ticks of 250 microseconds
    of the receiver's clock (wrapping with the 24-bit reference time), or ``None`` for a packet
    that did not arrive.
    """

    sender_ssrc: int
    media_ssrc: int
    base_sequence: int
    feedback_count: int
    arrivals: list[int | None]

    def to_bytes(self) -> bytes:
        """Wire form. Raises ``ValueError`` if two arrivals are too far apart (over 8 s)."""
        reference = self._reference()
        statuses, deltas = _encode_deltas(self.arrivals, reference * REFERENCE_TICKS)
        head = struct.pack(
            "!IIHHI",
            self.sender_ssrc,
            self.media_ssrc,
            self.base_sequence,
            len(self.arrivals),
            (reference & 0xFFFFFF) << 8 | self.feedback_count & 0xFF,
        )
        body = head + _encode_chunks(statuses) + deltas
        return packet_bytes(PACKET_TYPE, FORMAT, body + bytes(-len(body) % 4))

    def _reference(self) -> int:
        first = next((each for each in self.arrivals if each is not None), 0)
        return first // REFERENCE_TICKS


def _encode_deltas(arrivals: list[int | None], last: int) -> tuple[list[int], bytes]:
    statuses: list[int] = []
    deltas = bytearray()
    for arrival in arrivals:
        if arrival is None:
            statuses.append(_NOT_RECEIVED)
            continue
        delta = arrival - last
        last = arrival
        if 0 <= delta <= 255:
            statuses.append(_SMALL_DELTA)
            deltas.append(delta)
        elif -32768 <= delta <= 32767:
            statuses.append(_LARGE_DELTA)
            deltas += struct.pack("!h", delta)
        else:
            raise ValueError("arrivals too far apart for one feedback packet")
    return statuses, bytes(deltas)


def _encode_chunks(statuses: list[int]) -> bytes:
    """Runs of at least 7 equal statuses as run-length chunks, else 7 statuses of two bits each."""
    chunks = bytearray()
    offset = 0
    while offset < len(statuses):
        run = 1
        while offset + run < len(statuses) and statuses[offset + run] == statuses[offset]:
            run += 1
        if run >= 7:
            run = min(run, _MAX_RUN)
            chunks += struct.pack("!H", statuses[offset] << 13 | run)
        else:
            run = 7
            vector = statuses[offset : offset + 7]
            packed = sum(status << 12 - 2 * i for i, status in enumerate(vector))
            chunks += struct.pack("!H", 0xC000 | packed)
        offset += run
    return bytes(chunks)


def parse_feedback(body: bytes) -> TransportFeedback:
    """A feedback message behind its four header bytes. Raises WebRtcError."""
    if len(body) < 16:
        raise WebRtcError("transport-cc feedback too short")
    sender, media, base, count, packed = struct.unpack_from("!IIHHI", body)
    if count > MAX_STATUSES:
        raise WebRtcError("transport-cc feedback for too many packets")
    statuses, offset = _decode_chunks(body, 16, count)
    arrivals = _decode_deltas(body, offset, statuses, (packed >> 8) * REFERENCE_TICKS)
    return TransportFeedback(sender, media, base, packed & 0xFF, arrivals)


def _decode_chunks(body: bytes, offset: int, count: int) -> tuple[list[int], int]:
    statuses: list[int] = []
    while len(statuses) < count:
        if offset + 2 > len(body):
            raise WebRtcError("transport-cc feedback runs out of chunks")
        chunk = body[offset] << 8 | body[offset + 1]
        offset += 2
        if not chunk & 0x8000:
            run = min(chunk & _MAX_RUN, count - len(statuses))
            if run == 0:
                raise WebRtcError("transport-cc run of no packets")
            statuses += [chunk >> 13 & 3] * run
        elif chunk & 0x4000:
            statuses += [chunk >> shift & 3 for shift in range(12, -1, -2)]
        else:
            statuses += [chunk >> shift & 1 for shift in range(13, -1, -1)]
    return statuses[:count], offset


def _decode_deltas(body: bytes, offset: int, statuses: list[int], last: int) -> list[int | None]:
    arrivals: list[int | None] = []
    for status in statuses:
        size = status if status <= _LARGE_DELTA else 0
        if offset + size > len(body):
            raise WebRtcError("transport-cc feedback runs out of deltas")
        if size == 0:
            arrivals.append(None)
            continue
        last += int.from_bytes(body[offset : offset + size], "big", signed=size == 2)
        offset += size
        arrivals.append(last)
    return arrivals
