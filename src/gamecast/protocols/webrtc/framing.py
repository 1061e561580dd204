"""RFC 4571 framing: datagrams on a TCP connection, each behind a 16-bit length (for ICE-TCP)."""

from __future__ import annotations

from gamecast.protocols.webrtc.errors import WebRtcError

MAX_FRAME = 4096
"""Longest frame that is taken; WebRTC packets are under 1500 bytes."""


class FrameReader:
    """Cuts a TCP byte stream into datagrams; holds at most one unfinished frame."""

    def __init__(self, *, max_frame: int = MAX_FRAME) -> None:
        self._max_frame = max_frame
        self._buffer = bytearray()

    def receive_data(self, data: bytes) -> list[bytes]:
        """Whole frames in order, without empty ones. Raises WebRtcError if one is too long."""
        buffer = self._buffer
        buffer += data
        frames = []
        offset = 0
        while len(buffer) - offset >= 2:
            length = buffer[offset] << 8 | buffer[offset + 1]
            if length > self._max_frame:
                raise WebRtcError(f"frame of {length} bytes on an ICE-TCP connection")
            end = offset + 2 + length
            if end > len(buffer):
                break
            if length:
                frames.append(bytes(buffer[offset + 2 : end]))
            offset = end
        del buffer[:offset]
        return frames


def frame(datagram: bytes | memoryview) -> bytes:
    """A datagram behind its length."""
    return b"".join((len(datagram).to_bytes(2, "big"), datagram))


def frame_segments(data: bytes | memoryview, size: int) -> bytes:
    """``data`` as datagrams of ``size`` bytes each, the last one perhaps shorter, all framed."""
    view = memoryview(data)
    length = size.to_bytes(2, "big")
    pieces: list[bytes | memoryview] = []
    for offset in range(0, len(view) - size + 1, size):
        pieces += (length, view[offset : offset + size])
    rest = len(view) % size
    if rest:
        pieces += (rest.to_bytes(2, "big"), view[-rest:])
    return b"".join(pieces)
