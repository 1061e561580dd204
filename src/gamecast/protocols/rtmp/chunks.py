"""Chunks: how RTMP cuts messages up (RTMP 1.0 section 5.3).

This is the program's per-core limit on ingest, so the reader works on runs of chunks rather than
on chunks: where a message goes on in equal chunks of one chunk stream, their headers stand at
equal distances, and a strided slice checks and removes all of them at once.
"""

from __future__ import annotations

import struct

from gamecast.protocols.rtmp.errors import RtmpProtocolError
from gamecast.protocols.rtmp.events import MessageReceived
from gamecast.protocols.rtmp.limits import RtmpLimits
from gamecast.protocols.rtmp.messages import MessageType

DEFAULT_CHUNK_SIZE = 128
MAX_CHUNK_SIZE = 0xFFFFFF
"""Larger ones mean the same (section 5.4.1): no message is longer."""
EXTENDED = 0xFFFFFF
"""In a timestamp field: the real one follows in four bytes of its own (section 5.3.1.3)."""

_FULL_HEADER = struct.Struct(">BHBHB")
_STREAM_ID = struct.Struct("<I")
_DELTA_HEADER = struct.Struct(">BH")
_U32 = struct.Struct(">I")
_HEADER_SIZES = (11, 7, 3)


class _ChunkStream:
    """What one chunk stream id remembers between chunks."""

    __slots__ = (
        "continuation",
        "delta",
        "extended",
        "header",
        "length",
        "payload",
        "remaining",
        "stream_id",
        "timestamp",
        "type_id",
    )

    def __init__(self) -> None:
        self.type_id = 0
        self.stream_id = 0
        self.length = 0
        self.timestamp = 0
        self.delta = 0
        self.extended = b""
        self.header = b""
        self.continuation: tuple[bytes, ...] = ()
        self.payload = bytearray()
        self.remaining = 0


class ChunkReader:
    """Bytes in, messages out; Set Chunk Size and Abort Message take effect inside.

    It holds no more than it was sent, and at most ``limits.max_pending_size`` of that.
    """

    __slots__ = (
        "_budget",
        "_chunk_left",
        "_current",
        "_lengths",
        "_limits",
        "_messages",
        "_pending",
        "_streams",
        "_tail",
        "_updated",
        "chunk_size",
    )

    def __init__(self, limits: RtmpLimits) -> None:
        self._limits = limits
        self._lengths = _length_limits(limits)
        self._streams: dict[int, _ChunkStream] = {}
        self._current = _ChunkStream()
        self._chunk_left = 0
        self._tail = b""
        self._pending = 0
        self._messages: list[MessageReceived] = []
        self._budget = float(limits.header_burst)
        self._updated = 0.0
        self.chunk_size = DEFAULT_CHUNK_SIZE
        """Of the chunks that the peer sends; it changes it by Set Chunk Size."""

    def receive_data(self, data: bytes, now: float = 0.0) -> list[MessageReceived]:
        """The messages that ``data`` completes, in order.

        Raises :class:`RtmpProtocolError` on malformed chunks and on anything over the limits; the
        reader is of no use after that.
        """
        self._earn(len(data), now)
        if self._tail:
            data = self._tail + data
            self._tail = b""
        messages: list[MessageReceived] = []
        self._messages = messages
        position, end = 0, len(data)
        while position < end:
            if not self._chunk_left:
                after = self._read_header(data, position, end)
                if after < 0:
                    self._tail = data[position:]
                    break
                position = after
            if self._chunk_left:
                position = self._read_payload(data, position, end)
        return messages

    def _earn(self, size: int, now: float) -> None:
        """Pay in for ``size`` bytes and the time gone by; each header read on its own costs one.

        A chunk of one byte takes as long to read as one of 60 000, so without this a peer could
        keep a core busy with few bytes.
        """
        limits = self._limits
        passed = max(0.0, now - self._updated)
        earned = passed * limits.headers_per_second + size / limits.bytes_per_header
        self._budget = min(self._budget + earned, float(limits.header_burst))
        self._updated = now

    def _read_header(self, data: bytes, position: int, end: int) -> int:
        """Read one chunk header; return where its payload starts, or -1 if it is not all here."""
        self._budget -= 1
        if self._budget < 0:
            raise RtmpProtocolError("too many tiny chunks")
        first = data[position]
        chunk_stream_id = first & 0x3F
        basic_end = position + 1
        if chunk_stream_id < 2:
            # Section 5.3.1.1: 0 means one more byte, 1 means two, least significant first.
            basic_end += chunk_stream_id + 1
            if basic_end > end:
                return -1
            chunk_stream_id = 64 + int.from_bytes(data[position + 1 : basic_end], "little")
        stream = self._streams.get(chunk_stream_id)
        if first >= 0xC0:
            return self._read_continuation(stream, data, basic_end, end)
        size = _HEADER_SIZES[first >> 6]
        if basic_end + size > end:
            return -1
        if stream is None:
            stream = self._open_stream(chunk_stream_id, first >> 6)
        basic = bytes([first | 0xC0]) + data[position + 1 : basic_end]
        return self._read_message_header(stream, data, basic_end, size, basic)

    def _open_stream(self, chunk_stream_id: int, form: int) -> _ChunkStream:
        # A first header without a message stream id is used by old librtmp for control messages.
        if form == 2:
            raise RtmpProtocolError("a chunk stream begins without a full header")
        if len(self._streams) >= self._limits.max_chunk_streams:
            raise RtmpProtocolError("too many chunk streams")
        stream = self._streams[chunk_stream_id] = _ChunkStream()
        return stream

    def _read_message_header(
        self, stream: _ChunkStream, data: bytes, at: int, size: int, basic: bytes
    ) -> int:
        """Sections 5.3.1.2.1 to 5.3.1.2.3: a header of 11, 7 or 3 bytes begins a message."""
        length, type_id = stream.length, stream.type_id
        if size == 3:
            high, low = _DELTA_HEADER.unpack_from(data, at)
        else:
            high, low, length_high, length_low, type_id = _FULL_HEADER.unpack_from(data, at)
            length = length_high << 16 | length_low
        delta = high << 16 | low
        after = at + size
        extended = b""
        if delta == EXTENDED:
            extended = data[after : after + 4]
            after += 4
            if len(extended) < 4:
                return -1
            delta = _U32.unpack(extended)[0]
        if size == 11:
            stream.stream_id = _STREAM_ID.unpack_from(data, at + 7)[0]
            stream.timestamp = 0
        stream.length = length
        stream.type_id = type_id
        if stream.header != basic + extended:
            stream.extended = extended
            stream.header = basic + extended
            stream.continuation = tuple(bytes([byte]) for byte in stream.header)
        self._begin_message(stream, delta)
        return after

    def _read_continuation(
        self, stream: _ChunkStream | None, data: bytes, at: int, end: int
    ) -> int:
        """Section 5.3.1.2.4: a chunk without a header goes on, or begins a message like the last.

        The extended timestamp is repeated by some peers and not by others, so four bytes that
        equal it are taken for it.
        """
        if stream is None:
            raise RtmpProtocolError("a chunk stream begins without a full header")
        if stream.extended:
            here = data[at : at + 4]
            if stream.extended.startswith(here):
                if len(here) < 4:
                    return -1
                at += 4
        if stream.remaining:
            self._current = stream
            self._chunk_left = min(stream.remaining, self.chunk_size)
        else:
            self._begin_message(stream, stream.delta)
        return at

    def _begin_message(self, stream: _ChunkStream, delta: int) -> None:
        length = stream.length
        if length > self._lengths.get(stream.type_id, self._limits.max_message_size):
            raise RtmpProtocolError(f"a message of type {stream.type_id} has {length} bytes")
        if stream.payload:
            # A new header in the middle of a message: the peer has given the message up.
            self._discard(stream)
        stream.delta = delta
        stream.timestamp = stream.timestamp + delta & 0xFFFFFFFF
        stream.remaining = length
        self._current = stream
        self._chunk_left = min(length, self.chunk_size)
        if not length:
            self._complete(stream, b"")

    def _read_payload(self, data: bytes, position: int, end: int) -> int:
        """Take what is here of the current chunk, and of those that follow it in a run."""
        stream = self._current
        size = self._chunk_left
        if size > end - position:
            size = end - position
        elif size == stream.remaining:
            after = position + size
            payload = data[position:after]
            if stream.payload:
                self._pending -= len(stream.payload)
                stream.payload += payload
                payload = bytes(stream.payload)
                stream.payload = bytearray()
            stream.remaining = 0
            self._chunk_left = 0
            self._complete(stream, payload)
            return after
        elif size == self.chunk_size:
            count = self._run_length(stream, data, position, end)
            if count:
                return self._read_run(stream, data, position, count)
        self._append(stream, data[position : position + size])
        self._chunk_left -= size
        return position + size

    def _run_length(self, stream: _ChunkStream, data: bytes, position: int, end: int) -> int:
        """How many full chunks from here are each followed by the header that goes on."""
        size = self.chunk_size
        stride = size + len(stream.continuation)
        count = min((stream.remaining - 1) // size, (end - position) // stride)
        for offset, byte in enumerate(stream.continuation):
            if not count:
                break
            start = position + size + offset
            column = data[start : position + count * stride : stride]
            count = len(column) - len(column.lstrip(byte))
        return count

    def _read_run(self, stream: _ChunkStream, data: bytes, position: int, count: int) -> int:
        size = self.chunk_size
        stride = size + len(stream.continuation)
        after = position + count * stride
        run = bytearray(memoryview(data)[position:after])
        for step in range(stride, size, -1):
            del run[size::step]
        self._append(stream, run)
        self._chunk_left = min(stream.remaining, size)
        return after

    def _append(self, stream: _ChunkStream, piece: bytes | bytearray) -> None:
        self._pending += len(piece)
        if self._pending > self._limits.max_pending_size:
            raise RtmpProtocolError("too much data in unfinished messages")
        stream.remaining -= len(piece)
        if not stream.payload and isinstance(piece, bytearray):
            stream.payload = piece
        else:
            stream.payload += piece

    def _discard(self, stream: _ChunkStream) -> None:
        self._pending -= len(stream.payload)
        stream.payload = bytearray()
        stream.remaining = 0

    def _complete(self, stream: _ChunkStream, payload: bytes) -> None:
        type_id = stream.type_id
        if type_id == MessageType.SET_CHUNK_SIZE:
            self._set_chunk_size(payload)
        elif type_id == MessageType.ABORT:
            self._abort(payload)
        else:
            self._messages.append(
                MessageReceived(type_id, stream.stream_id, stream.timestamp, payload)
            )

    def _set_chunk_size(self, payload: bytes) -> None:
        """Section 5.4.1. It holds from the next chunk on, also inside unfinished messages."""
        if len(payload) < 4:
            raise RtmpProtocolError("Set Chunk Size is too short")
        size = _U32.unpack_from(payload)[0]
        if not 1 <= size <= 0x7FFFFFFF:
            raise RtmpProtocolError(f"a chunk size of {size} is not allowed")
        self.chunk_size = min(size, MAX_CHUNK_SIZE)

    def _abort(self, payload: bytes) -> None:
        """Section 5.4.2. Unknown chunk streams have nothing to abort."""
        if len(payload) < 4:
            raise RtmpProtocolError("Abort Message is too short")
        stream = self._streams.get(_U32.unpack_from(payload)[0])
        if stream is not None:
            self._discard(stream)


def _length_limits(limits: RtmpLimits) -> dict[int, int]:
    """Bytes allowed by message type, where they differ from ``max_message_size``."""
    control = dict.fromkeys(range(1, 7), 64)
    data = dict.fromkeys((15, 18), limits.max_data_size)
    commands = dict.fromkeys((16, 17, 19, 20), limits.max_command_size)
    return control | data | commands


def write_message(
    type_id: int,
    stream_id: int,
    timestamp: int,
    payload: bytes,
    *,
    csid: int,
    chunk_size: int,
) -> bytes:
    """One whole message as chunks: a full header, then continuations.

    A pure function that refers to no message before it, so that the same bytes serve every viewer
    who was told ``chunk_size``. ``timestamp`` is in milliseconds and taken modulo 2^32; ``csid``
    is 2 to 63. Raises ``ValueError`` where an argument is out of range.
    """
    if not 2 <= csid <= 63 or not 1 <= chunk_size <= MAX_CHUNK_SIZE or len(payload) > 0xFFFFFF:
        raise ValueError("csid, chunk_size or the length of payload is out of range")
    timestamp &= 0xFFFFFFFF
    field = min(timestamp, EXTENDED)
    extended = _U32.pack(timestamp) if field == EXTENDED else b""
    header = b"%c%b%b%c%b%b" % (
        csid,
        field.to_bytes(3, "big"),
        len(payload).to_bytes(3, "big"),
        type_id,
        _STREAM_ID.pack(stream_id),
        extended,
    )
    if len(payload) <= chunk_size:
        return header + payload
    continuation = bytes([0xC0 | csid]) + extended
    pieces = [payload[at : at + chunk_size] for at in range(0, len(payload), chunk_size)]
    return header + continuation.join(pieces)
