"""Bounded reading of peer bytes, shared by the AMF0 and AMF3 decoders."""

from __future__ import annotations

import struct

from gamecast.amf.values import MAX_DEPTH, MAX_TEXT, AmfError, Value

_F64 = struct.Struct(">d")


class Cursor:
    """A position in one message and what the message may still cost.

    ``values`` and ``text`` count down over the whole message, across a switch from AMF0 to AMF3,
    so that neither nesting nor references can make little data into much.
    """

    __slots__ = ("data", "position", "text", "values")

    def __init__(self, data: bytes, limit: int) -> None:
        self.data = data
        self.position = 0
        self.values = limit
        self.text = MAX_TEXT

    @property
    def at_end(self) -> bool:
        """Whether every byte has been read."""
        return self.position >= len(self.data)

    def take(self, size: int) -> bytes:
        """The next ``size`` bytes; raises :class:`AmfError` where there are fewer."""
        start = self.position
        end = start + size
        if end > len(self.data):
            raise AmfError(
                f"AMF data ends early: {size} bytes wanted, {len(self.data) - start} left"
            )
        self.position = end
        return self.data[start:end]

    def u8(self) -> int:
        """One byte."""
        return self.take(1)[0]

    def unsigned(self, size: int) -> int:
        """A big-endian unsigned integer of ``size`` bytes."""
        return int.from_bytes(self.take(size), "big")

    def double(self) -> float:
        """An IEEE 754 double."""
        value: float = _F64.unpack(self.take(8))[0]
        return value

    def string(self, size: int) -> str:
        """``size`` bytes as text; what is not UTF-8 is replaced."""
        self.spend_text(size)
        return self.take(size).decode("utf-8", "replace")

    def spend(self, count: int = 1) -> None:
        """Account for ``count`` values."""
        self.values -= count
        if self.values < 0:
            raise AmfError("too many AMF values")

    def spend_text(self, size: int) -> None:
        """Account for ``size`` bytes of text."""
        self.text -= size
        if self.text < 0:
            raise AmfError("too much AMF text")


def check_depth(depth: int) -> None:
    """Raise :class:`AmfError` below ``MAX_DEPTH`` levels of nesting."""
    if depth > MAX_DEPTH:
        raise AmfError("AMF data is nested too deeply")


class References:
    """The table of complex values seen so far, in the order in which they began.

    A reference to a value that is still being read would make a loop, which no consumer of these
    messages can use; it is refused. Any other reference costs as much as the value it refers to.
    """

    __slots__ = ("_entries",)

    def __init__(self) -> None:
        self._entries: list[tuple[Value, int, int] | None] = []

    def begin(self, cursor: Cursor) -> tuple[int, int, int]:
        """Reserve the next index; pass the result to :meth:`finish` when the value is complete."""
        self._entries.append(None)
        return len(self._entries) - 1, cursor.values, cursor.text

    def finish(self, mark: tuple[int, int, int], cursor: Cursor, value: Value) -> Value:
        """Store a complete value with what it cost, and return it."""
        index, values, text = mark
        self._entries[index] = (value, values - cursor.values, text - cursor.text)
        return value

    def resolve(self, cursor: Cursor, index: int) -> Value:
        """The value at ``index``."""
        entry = self._entries[index] if index < len(self._entries) else None
        if entry is None:
            raise AmfError(f"bad AMF reference {index}")
        value, values, text = entry
        cursor.spend(values)
        cursor.spend_text(text)
        return value
