"""Commands: remote calls and their answers in AMF (RTMP 1.0 sections 7.1.1 and 7.2)."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from gamecast.amf import AmfError, Value, amf0
from gamecast.protocols.rtmp.errors import RtmpProtocolError
from gamecast.protocols.rtmp.messages import MessageType

_MAX_NAME = 64


@dataclass(slots=True)
class Command:
    """A call, an answer (``_result``, ``_error``) or a notice (``onStatus``)."""

    name: str
    transaction_id: float
    """Non-zero where an answer is wanted; the answer carries the same."""
    object: dict[str, Value] = field(default_factory=dict, repr=False)
    """The command object; empty where it is null."""
    arguments: list[Value] = field(default_factory=list, repr=False)

    def string(self, index: int) -> str:
        """The argument at ``index``, or "" where it is missing or no string."""
        value = self._argument(index)
        return value if isinstance(value, str) else ""

    def number(self, index: int, default: float) -> float:
        """The argument at ``index`` if it is a finite number, otherwise ``default``."""
        return finite(self._argument(index), default)

    def boolean(self, index: int, default: bool) -> bool:
        """The argument at ``index`` if it is a boolean, otherwise ``default``."""
        value = self._argument(index)
        return value if isinstance(value, bool) else default

    def mapping(self, index: int) -> dict[str, Value]:
        """The argument at ``index`` if it is an object, otherwise an empty one."""
        value = self._argument(index)
        return value if isinstance(value, dict) else {}

    def _argument(self, index: int) -> Value:
        return self.arguments[index] if index < len(self.arguments) else None


def parse_command(type_id: int, payload: bytes) -> Command:
    """Read a command message of type 20 (AMF0) or 17 (AMF3).

    A message of type 17 begins with a format byte; what follows is AMF0 that switches to AMF3 for
    single values. Raises :class:`RtmpProtocolError`.
    """
    if type_id == MessageType.COMMAND_AMF3 and payload[:1] == b"\x00":
        payload = payload[1:]
    try:
        values = amf0.decode(payload)
    except AmfError as error:
        raise RtmpProtocolError(f"a command is malformed: {error}") from None
    if not values or not isinstance(values[0], str) or not values[0]:
        raise RtmpProtocolError("a command does not begin with its name")
    if len(values[0]) > _MAX_NAME:
        raise RtmpProtocolError("the name of a command is too long")
    transaction_id = finite(values[1] if len(values) > 1 else None, 0.0)
    command_object = values[2] if len(values) > 2 else None
    if not isinstance(command_object, dict):
        command_object = {}
    return Command(values[0], transaction_id, command_object, values[3:])


def encode_command(
    name: str, transaction_id: float, command_object: object = None, *arguments: object
) -> bytes:
    """The body of a command message of type 20."""
    return amf0.encode(name, float(transaction_id), command_object, *arguments)


def status(level: str, code: str, description: str, **more: object) -> dict[str, object]:
    """The information object of ``onStatus``, ``_result`` and ``_error`` (section 7.2.2)."""
    return {"level": level, "code": code, "description": description, **more}


def finite(value: object, default: float) -> float:
    """``value`` if it is a number that is neither infinite nor NaN, otherwise ``default``."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    return default


def text(value: object, limit: int) -> str:
    """``value`` if it is a string, cut to ``limit`` characters, otherwise ""."""
    return value[:limit] if isinstance(value, str) else ""
