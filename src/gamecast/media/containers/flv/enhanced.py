"""The headers of Enhanced RTMP, versions 1 and 2, taken apart and put together.

Source: Veovera, "Enhanced RTMP" version 2, tables "ExAudioTagHeader" and "ExVideoTagHeader".
"""

from __future__ import annotations

from dataclasses import dataclass

from gamecast.media.containers.flv.fourcc import (
    AudioPacketType,
    FrameType,
    MultitrackType,
    SoundFormat,
    VideoPacketType,
)
from gamecast.media.errors import MediaError

MAX_PARTS = 16
"""Tracks in one multitrack message."""
_MAX_MODIFIERS = 16
_MOD_EX = 7
_TIMESTAMP_OFFSET_NANO = 0


@dataclass(slots=True)
class Part:
    """One track's share of an enhanced message: ``payload[start:end]`` of the message."""

    fourcc: bytes
    track_id: int
    start: int
    end: int


@dataclass(slots=True)
class Message:
    """What the extended header of a message says; ``parts`` in the order of their track ids."""

    packet_type: int
    nanoseconds: int
    """Added to the message's milliseconds (ModEx TimestampOffsetNano); 0 to 999 999."""
    parts: list[Part]


def parse_video(payload: bytes) -> Message:
    """Read the header of a video message whose first bit is set; raises :class:`MediaError`.

    A command frame (client-side seeking) has no parts.
    """
    packet_type, position, nanoseconds = _modifiers(payload)
    is_command = payload[0] >> 4 & 7 == FrameType.COMMAND
    if is_command and packet_type != VideoPacketType.METADATA:
        return Message(packet_type, nanoseconds, [])
    return _parts(payload, position, packet_type, nanoseconds, VideoPacketType.MULTITRACK)


def parse_audio(payload: bytes) -> Message:
    """Read the header of an audio message of sound format 9; raises :class:`MediaError`."""
    packet_type, position, nanoseconds = _modifiers(payload)
    return _parts(payload, position, packet_type, nanoseconds, AudioPacketType.MULTITRACK)


def _modifiers(payload: bytes) -> tuple[int, int, int]:
    """Read ModEx blocks; return the packet type behind them, its position and nanoseconds."""
    packet_type = payload[0] & 0x0F
    position, nanoseconds = 1, 0
    for _ in range(_MAX_MODIFIERS):
        if packet_type != _MOD_EX:
            return packet_type, position, nanoseconds
        size = _unsigned(payload, position, 1) + 1
        position += 1
        if size == 256:
            size = _unsigned(payload, position, 2) + 1
            position += 2
        kind = _unsigned(payload, position + size, 1)
        if kind >> 4 == _TIMESTAMP_OFFSET_NANO and size >= 3:
            nanoseconds = min(int.from_bytes(payload[position : position + 3], "big"), 999_999)
        packet_type = kind & 0x0F
        position += size + 1
    raise MediaError("too many modifiers in an enhanced message")


def _parts(
    payload: bytes, position: int, packet_type: int, nanoseconds: int, multitrack: int
) -> Message:
    if packet_type != multitrack:
        part = Part(_fourcc(payload, position), 0, position + 4, len(payload))
        return Message(packet_type, nanoseconds, [part])
    kinds = _unsigned(payload, position, 1)
    kind, packet_type = kinds >> 4, kinds & 0x0F
    if packet_type in (multitrack, _MOD_EX) or kind > MultitrackType.MANY_TRACKS_MANY_CODECS:
        raise MediaError("bad multitrack message")
    parts = _tracks(payload, position + 1, kind)
    parts.sort(key=lambda part: part.track_id)
    return Message(packet_type, nanoseconds, parts)


def _tracks(payload: bytes, position: int, kind: int) -> list[Part]:
    fourcc = b""
    if kind != MultitrackType.MANY_TRACKS_MANY_CODECS:
        fourcc = _fourcc(payload, position)
        position += 4
    if kind == MultitrackType.ONE_TRACK:
        track_id = _unsigned(payload, position, 1)
        return [Part(fourcc, track_id, position + 1, len(payload))]
    parts: list[Part] = []
    while position < len(payload):
        if kind == MultitrackType.MANY_TRACKS_MANY_CODECS:
            fourcc = _fourcc(payload, position)
            position += 4
        track_id = _unsigned(payload, position, 1)
        start = position + 4
        position = start + _unsigned(payload, position + 1, 3)
        if position > len(payload) or len(parts) == MAX_PARTS:
            raise MediaError("multitrack message with too large or too many tracks")
        parts.append(Part(fourcc, track_id, start, position))
    return parts


def _unsigned(payload: bytes, position: int, size: int) -> int:
    if position + size > len(payload):
        raise MediaError("enhanced message ends inside its header")
    return int.from_bytes(payload[position : position + size], "big")


def _fourcc(payload: bytes, position: int) -> bytes:
    if position + 4 > len(payload):
        raise MediaError("enhanced message ends inside its header")
    return payload[position : position + 4]


def video_header(frame_type: int, packet_type: int, fourcc: bytes, track_id: int = 0) -> bytes:
    """The bytes before the body of a video message; tracks but the first as multitrack."""
    first = 0x80 | frame_type << 4
    if track_id == 0:
        return bytes([first | packet_type]) + fourcc
    kinds = MultitrackType.ONE_TRACK << 4 | packet_type
    return bytes([first | VideoPacketType.MULTITRACK, kinds]) + fourcc + bytes([track_id])


def audio_header(packet_type: int, fourcc: bytes, track_id: int = 0) -> bytes:
    """The bytes before the body of an audio message; tracks but the first as multitrack."""
    first = SoundFormat.EX_HEADER << 4
    if track_id == 0:
        return bytes([first | packet_type]) + fourcc
    kinds = MultitrackType.ONE_TRACK << 4 | packet_type
    return bytes([first | AudioPacketType.MULTITRACK, kinds]) + fourcc + bytes([track_id])
