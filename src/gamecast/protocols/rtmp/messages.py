"""Message types, and the small binary messages below the commands (RTMP 1.0 sections 5.4, 7.1)."""

from __future__ import annotations

import struct
from enum import IntEnum

from gamecast.protocols.rtmp.errors import RtmpProtocolError
from gamecast.protocols.rtmp.events import MessageReceived

_U32 = struct.Struct(">I")
_U16 = struct.Struct(">H")


class MessageType(IntEnum):
    """Message type ids (sections 5.4 and 7.1)."""

    SET_CHUNK_SIZE = 1
    ABORT = 2
    ACKNOWLEDGEMENT = 3
    USER_CONTROL = 4
    WINDOW_ACKNOWLEDGEMENT_SIZE = 5
    SET_PEER_BANDWIDTH = 6
    AUDIO = 8
    VIDEO = 9
    DATA_AMF3 = 15
    COMMAND_AMF3 = 17
    DATA_AMF0 = 18
    COMMAND_AMF0 = 20
    AGGREGATE = 22


class UserControl(IntEnum):
    """User control event types (section 7.1.7)."""

    STREAM_BEGIN = 0
    STREAM_EOF = 1
    STREAM_DRY = 2
    SET_BUFFER_LENGTH = 3
    STREAM_IS_RECORDED = 4
    PING_REQUEST = 6
    PING_RESPONSE = 7


CONTROL_CSID = 2
COMMAND_CSID = 3
AUDIO_CSID = 4
STATUS_CSID = 5
VIDEO_CSID = 6
DATA_CSID = 7
"""Chunk stream ids as we use them; only 2 is fixed by the specification (section 5.4)."""

MEDIA_CSIDS = {
    MessageType.AUDIO: AUDIO_CSID,
    MessageType.VIDEO: VIDEO_CSID,
    MessageType.DATA_AMF0: DATA_CSID,
}

LIMIT_DYNAMIC = 2
"""The limit type of Set Peer Bandwidth that all servers send (section 5.4.5)."""

MAX_AGGREGATED = 4096
"""Messages in one aggregate."""

SET_DATA_FRAME = b"\x02\x00\x0d@setDataFrame"
"""What encoders put before the metadata that a server shall keep; an AMF0 string."""


def u32(value: int) -> bytes:
    """The body of Set Chunk Size, Acknowledgement and Window Acknowledgement Size."""
    return _U32.pack(value & 0xFFFFFFFF)


def peer_bandwidth(window: int) -> bytes:
    """The body of Set Peer Bandwidth (section 5.4.5)."""
    return _U32.pack(window) + bytes([LIMIT_DYNAMIC])


def user_control(event: UserControl, *values: int) -> bytes:
    """The body of a user control message (section 6.2)."""
    return _U16.pack(event) + b"".join(_U32.pack(value & 0xFFFFFFFF) for value in values)


def parse_u32(payload: bytes) -> int:
    """The number in such a body; raises :class:`RtmpProtocolError` where it is cut short."""
    if len(payload) < 4:
        raise RtmpProtocolError("a protocol control message is too short")
    value: int = _U32.unpack_from(payload)[0]
    return value


def parse_user_control(payload: bytes) -> tuple[int, bytes]:
    """Event type and event data; raises :class:`RtmpProtocolError`."""
    if len(payload) < 2:
        raise RtmpProtocolError("a user control message is too short")
    return _U16.unpack_from(payload)[0], payload[2:]


def split_aggregate(message: MessageReceived) -> list[MessageReceived]:
    """The media messages inside an aggregate (section 7.1.6), re-timed to its timestamp.

    Their form is that of FLV tags, each with a "back pointer" behind it. Raises
    :class:`RtmpProtocolError` where a length points past the end.
    """
    body = message.payload
    messages: list[MessageReceived] = []
    position, base = 0, None
    while position + 11 <= len(body):
        if len(messages) >= MAX_AGGREGATED:
            raise RtmpProtocolError("too many messages in an aggregate")
        type_id = body[position]
        size = int.from_bytes(body[position + 1 : position + 4], "big")
        low = int.from_bytes(body[position + 4 : position + 7], "big")
        timestamp = body[position + 7] << 24 | low
        base = timestamp if base is None else base
        start = position + 11
        if start + size > len(body):
            raise RtmpProtocolError("a message inside an aggregate is cut short")
        stamp = message.timestamp + timestamp - base & 0xFFFFFFFF
        inner = MessageReceived(type_id, message.stream_id, stamp, body[start : start + size])
        if type_id in (MessageType.AUDIO, MessageType.VIDEO):
            messages.append(inner)
        elif type_id in (MessageType.DATA_AMF0, MessageType.DATA_AMF3):
            messages.append(as_script_data(inner))
        position = start + size + 4
    return messages


def as_script_data(message: MessageReceived) -> MessageReceived:
    """A data message (15 or 18) as the body of an FLV script tag, see ``MessageReceived``."""
    payload = message.payload
    if message.type_id == MessageType.DATA_AMF3 and payload[:1] == b"\x00":
        payload = payload[1:]
    payload = payload.removeprefix(SET_DATA_FRAME)
    return MessageReceived(MessageType.DATA_AMF0, message.stream_id, message.timestamp, payload)
