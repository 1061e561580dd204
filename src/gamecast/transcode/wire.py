"""Messages between the server and its transcode workers, over pipes.

Each is a header of 7 bytes (size of the body, kind, line) and a body. A *line* is one track on
its way through a worker; a worker that serves audio has many. Control bodies are JSON, packets
are a struct. Neither side believes the other: a worker may be taken over by the bytes it decodes.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import IntEnum
from fractions import Fraction
from struct import Struct
from typing import Any

from gamecast.media.packet import Packet
from gamecast.media.track import Codec, Kind, Track
from gamecast.transcode.recipes import AudioRecipe, Profile, Recipe, VideoRecipe

MAX_BODY = 32 * 1024 * 1024
"""Bytes in one message: more than any access unit that a session takes in."""
MAX_CONTROL_BODY = 256 * 1024
MAX_REASON = 300

_HEADER = Struct(">IBH")
_PACKET = Struct(">qqdB")
_KEYFRAME_FLAG = 1
_ENCODE_FLAG = 2


_TRACK_NUMBERS = ("id", "clock_rate", "width", "height", "sample_rate", "channels")


class WireError(ValueError):
    """The other side sent what is no message."""


class MessageKind(IntEnum):
    """What a message says. To the worker: OPEN to CLOSE. From the worker: READY and on."""

    OPEN = 1
    """A new line; body: its recipe."""
    TRACK = 2
    """Both ways: the packets behind it are of this track; body: the track."""
    PACKET = 3
    """Both ways: a packet."""
    KEYFRAME = 4
    """The next picture shall be an IDR picture; no body."""
    CLOSE = 5
    """The line ends; no body."""
    READY = 16
    """The worker has started; line 0, no body."""
    TAKEN = 17
    """The worker is done with one PACKET; no body. They come in the order of the packets."""
    FAILED = 18
    """The line is given up; body: why."""
    ENCODER = 19
    """The encoder that the line uses; body: FFmpeg's name of it."""


_SMALL_KINDS = frozenset(MessageKind) - {MessageKind.PACKET}
_KINDS = {int(kind): kind for kind in MessageKind}


@dataclass(slots=True)
class Message:
    """One message."""

    kind: MessageKind
    line: int
    body: bytes = b""


class MessageReader:
    """Cuts a byte stream into messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def receive_data(self, data: bytes) -> list[Message]:
        """Return the messages that are complete now; raises :class:`WireError`."""
        buffer = self._buffer
        buffer += data
        messages = []
        position = 0
        while len(buffer) - position >= _HEADER.size:
            size, number, line = _HEADER.unpack_from(buffer, position)
            kind = _checked(number, size)
            start = position + _HEADER.size
            if len(buffer) < start + size:
                break
            position = start + size
            messages.append(Message(kind, line, bytes(memoryview(buffer)[start:position])))
        if position:
            del buffer[:position]
        return messages


def _checked(number: int, size: int) -> MessageKind:
    kind = _KINDS.get(number)
    if kind is None:
        raise WireError(f"message of unknown kind {number}")
    if size > (MAX_CONTROL_BODY if kind in _SMALL_KINDS else MAX_BODY):
        raise WireError(f"{kind.name} message of {size} bytes")
    return kind


def build_message(kind: MessageKind, line: int, body: bytes = b"") -> bytes:
    """Return a message as bytes."""
    return _HEADER.pack(len(body), kind, line) + body


def build_packet(line: int, packet: Packet, *, encode: bool = True) -> bytes:
    """Return a PACKET message; without ``encode`` it is only decoded, for those that follow."""
    flags = packet.keyframe * _KEYFRAME_FLAG | encode * _ENCODE_FLAG
    size = _PACKET.size + len(packet.data)
    return b"".join(
        (
            _HEADER.pack(size, MessageKind.PACKET, line),
            _PACKET.pack(packet.dts, packet.pts, packet.wall, flags),
            packet.data,
        )
    )


def parse_packet(body: bytes, track: Track) -> tuple[Packet, bool]:
    """Return the packet of a PACKET message, and whether it is to be encoded."""
    if len(body) < _PACKET.size:
        raise WireError("PACKET message is cut short")
    dts, pts, wall, flags = _PACKET.unpack_from(body)
    keyframe = flags & _KEYFRAME_FLAG != 0
    packet = Packet(track, dts, pts, body[_PACKET.size :], keyframe, wall)
    return packet, flags & _ENCODE_FLAG != 0


def build_recipe(recipe: Recipe) -> bytes:
    """Return the body of an OPEN message."""
    kind = "audio" if isinstance(recipe, AudioRecipe) else "video"
    return _json({"kind": kind, **asdict(recipe)})


def parse_recipe(body: bytes) -> Recipe:
    """Return the recipe of an OPEN message."""
    fields = _parse_json(body)
    try:
        if fields.pop("kind") == "audio":
            return AudioRecipe(codec=Codec(fields.pop("codec")), **fields)
        codec, profile = Codec(fields.pop("codec")), Profile(fields.pop("profile"))
        return VideoRecipe(codec=codec, profile=profile, **fields)
    except (KeyError, ValueError, TypeError) as error:
        raise WireError(f"OPEN message: {error}") from None


def build_track(track: Track) -> bytes:
    """Return the body of a TRACK message."""
    fields = {
        "id": track.id,
        "kind": track.kind,
        "codec": track.codec,
        "clock_rate": track.clock_rate,
        "config": track.config.hex(),
        "width": track.width,
        "height": track.height,
        "fps": [track.fps.numerator, track.fps.denominator] if track.fps else None,
        "sample_rate": track.sample_rate,
        "channels": track.channels,
    }
    return _json(fields)


def parse_track(body: bytes) -> Track:
    """Return the track of a TRACK message, as far as a decoder needs it."""
    fields = _parse_json(body)
    try:
        fps = fields.pop("fps")
        if any(type(fields[name]) is not int for name in _TRACK_NUMBERS):
            raise TypeError("a field that is no number")
        return Track(
            kind=Kind(fields.pop("kind")),
            codec=Codec(fields.pop("codec")),
            config=bytes.fromhex(fields.pop("config")),
            fps=Fraction(*fps) if fps else None,
            **fields,
        )
    except (KeyError, ValueError, TypeError, ZeroDivisionError) as error:
        raise WireError(f"TRACK message: {error}") from None


def build_reason(reason: str) -> bytes:
    """Return the body of a FAILED or ENCODER message."""
    return reason[:MAX_REASON].encode("utf-8", "replace")


def parse_reason(body: bytes) -> str:
    """Return the text of a FAILED or ENCODER message, cut and fit for a log line."""
    text = body.decode("utf-8", "replace")[:MAX_REASON]
    return "".join([letter if letter.isprintable() else " " for letter in text])


def _json(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, separators=(",", ":")).encode()


def _parse_json(body: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise WireError(f"message is no JSON: {error}") from None
    if not isinstance(fields, dict):
        raise WireError("message is no JSON object")
    return fields
