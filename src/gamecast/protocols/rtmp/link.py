"""MessageLink: handshake, chunks and protocol control, which both ends share."""

from __future__ import annotations

from typing import Protocol

from gamecast.protocols.rtmp import messages
from gamecast.protocols.rtmp.chunks import DEFAULT_CHUNK_SIZE, ChunkReader, write_message
from gamecast.protocols.rtmp.events import MessageReceived
from gamecast.protocols.rtmp.limits import RtmpLimits
from gamecast.protocols.rtmp.messages import MessageType, UserControl

WINDOW_SIZE = 2_500_000
"""What we tell the peer to acknowledge, and acknowledge ourselves until it says otherwise."""
_MIN_WINDOW = 4096


class Handshake(Protocol):
    """What ``ServerHandshake`` and ``ClientHandshake`` have in common."""

    complete: bool
    rest: bytes

    def receive_data(self, data: bytes) -> bytes:
        """Take bytes and return those to send."""


class MessageLink:
    """Everything below the commands: bytes in, messages out; messages in, bytes out.

    It acknowledges what it receives, answers pings and follows the peer's window and chunk sizes.
    """

    __slots__ = (
        "_acknowledged",
        "_handshake",
        "_limits",
        "_out",
        "_reader",
        "_window",
        "chunk_size",
        "handshake_complete",
        "peer_acknowledged",
        "peer_buffer_ms",
        "received",
        "stream_ended",
    )

    def __init__(self, handshake: Handshake, limits: RtmpLimits) -> None:
        self._handshake = handshake
        self._limits = limits
        self._reader = ChunkReader(limits)
        self._out = bytearray()
        self._acknowledged = 0
        self._window = WINDOW_SIZE
        self.handshake_complete = False
        self.chunk_size = DEFAULT_CHUNK_SIZE
        """Of the chunks that we send."""
        self.received = 0
        """Bytes since the beginning, the handshake included."""
        self.peer_acknowledged = 0
        """The last sequence number that the peer acknowledged, modulo 2^32."""
        self.peer_buffer_ms: int | None = None
        """What a player said by Set Buffer Length."""
        self.stream_ended = False
        """Whether the peer has said that a stream is at its end; for the owner to reset."""

    def receive_data(self, data: bytes, now: float) -> list[MessageReceived]:
        """The messages above protocol control that ``data`` completes.

        Raises ``RtmpProtocolError``.
        """
        self.received += len(data)
        if not self.handshake_complete:
            self._out += self._handshake.receive_data(data)
            if not self._handshake.complete:
                return []
            self.handshake_complete = True
            data = self._handshake.rest
        received = self._reader.receive_data(data, now)
        if self.received - self._acknowledged >= self._window:
            self._acknowledged = self.received
            self.send_control(MessageType.ACKNOWLEDGEMENT, messages.u32(self.received))
        for message in received:
            if message.type_id < MessageType.AUDIO or message.type_id > MessageType.VIDEO:
                return self._sort(received)
        return received

    def _sort(self, received: list[MessageReceived]) -> list[MessageReceived]:
        """Handle control messages here, open aggregates, and make AMF3 data AMF0."""
        kept: list[MessageReceived] = []
        for message in received:
            if message.type_id < MessageType.AUDIO:
                self._receive_control(message.type_id, message.payload)
            elif message.type_id == MessageType.AGGREGATE:
                kept += messages.split_aggregate(message)
            elif message.type_id in (MessageType.DATA_AMF0, MessageType.DATA_AMF3):
                kept.append(messages.as_script_data(message))
            else:
                kept.append(message)
        return kept

    def _receive_control(self, type_id: int, payload: bytes) -> None:
        if type_id == MessageType.ACKNOWLEDGEMENT:
            self.peer_acknowledged = messages.parse_u32(payload)
        elif type_id == MessageType.WINDOW_ACKNOWLEDGEMENT_SIZE:
            # Zero would mean an acknowledgement for nothing, and tiny windows one per read.
            window = messages.parse_u32(payload)
            self._window = max(window, _MIN_WINDOW) if window else WINDOW_SIZE
        elif type_id == MessageType.USER_CONTROL:
            self._receive_user_control(payload)

    def _receive_user_control(self, payload: bytes) -> None:
        event, data = messages.parse_user_control(payload)
        if event == UserControl.PING_REQUEST:
            self.send_user_control(UserControl.PING_RESPONSE, messages.parse_u32(data))
        elif event == UserControl.STREAM_EOF:
            self.stream_ended = True
        elif event == UserControl.SET_BUFFER_LENGTH and len(data) >= 8:
            self.peer_buffer_ms = messages.parse_u32(data[4:])

    def send_message(
        self, type_id: int, stream_id: int, timestamp: int, payload: bytes, csid: int
    ) -> None:
        """Queue one message."""
        self._out += write_message(
            type_id, stream_id, timestamp, payload, csid=csid, chunk_size=self.chunk_size
        )

    def send_control(self, type_id: MessageType, payload: bytes) -> None:
        """Queue a protocol control message."""
        self.send_message(type_id, 0, 0, payload, messages.CONTROL_CSID)

    def send_user_control(self, event: UserControl, *values: int) -> None:
        """Queue a user control message."""
        self.send_control(MessageType.USER_CONTROL, messages.user_control(event, *values))

    def send_chunk_size(self, size: int) -> None:
        """Announce that our chunks are of ``size`` from now on."""
        self.send_control(MessageType.SET_CHUNK_SIZE, messages.u32(size))
        self.chunk_size = size

    def send_bytes(self, data: bytes) -> None:
        """Queue bytes as they are (a handshake, or chunks already made)."""
        self._out += data

    def data_to_send(self) -> bytes:
        """What is queued; the queue is empty afterwards."""
        if not self._out:
            return b""
        data = bytes(self._out)
        self._out.clear()
        return data
