"""BitReader and BitWriter: the bit syntax of parameter sets, with every read bounded.

Descriptors ``u(n)``, ``ue(v)`` and ``se(v)`` are those of ITU-T H.264 section 7.2 and 9.1.
"""

from __future__ import annotations

from gamecast.media.errors import MediaError

_MAX_GOLOMB_ZEROS = 31
"""ue(v) values reach 2**32 - 2 at the most (H.264 section 7.2), so 31 leading zeros."""


class BitReader:
    """Reads big-endian bit fields from bytes; raises ``MediaError`` past the end."""

    __slots__ = ("_data", "_position", "_size")

    def __init__(self, data: bytes | memoryview) -> None:
        self._data = bytes(data)
        self._size = len(data) * 8
        self._position = 0

    @property
    def position(self) -> int:
        """Bits read so far."""
        return self._position

    @property
    def remaining(self) -> int:
        """Bits not yet read."""
        return self._size - self._position

    def read(self, count: int) -> int:
        """Return ``count`` bits as an unsigned integer: ``u(n)``."""
        start = self._position
        end = start + count
        if end > self._size:
            raise MediaError("bit field reaches past the end of the data")
        self._position = end
        last = (end + 7) >> 3
        value = int.from_bytes(self._data[start >> 3 : last], "big")
        return (value >> (last * 8 - end)) & ((1 << count) - 1)

    def flag(self) -> bool:
        """Return one bit."""
        return self.read(1) == 1

    def read_bytes(self, count: int) -> bytes:
        """Return ``count`` whole bytes from a byte boundary (``ValueError`` elsewhere)."""
        if self._position & 7:
            raise ValueError("read_bytes needs a byte boundary")
        start = self._position >> 3
        self.skip(count * 8)
        return self._data[start : start + count]

    def skip(self, count: int) -> None:
        """Pass over ``count`` bits."""
        if count > self._size - self._position:
            raise MediaError("bit field reaches past the end of the data")
        self._position += count

    def align(self) -> None:
        """Move to the next byte boundary, if not on one."""
        self._position = (self._position + 7) & ~7

    def ue(self, limit: int = 0xFFFF_FFFE) -> int:
        """Return an unsigned Exp-Golomb number of at most ``limit``: ``ue(v)``."""
        zeros = 0
        while not self.read(1):
            zeros += 1
            if zeros > _MAX_GOLOMB_ZEROS:
                raise MediaError("Exp-Golomb number is longer than 32 bits")
        value = (1 << zeros) - 1 + self.read(zeros)
        if value > limit:
            raise MediaError(f"value {value} is above its limit of {limit}")
        return value

    def se(self) -> int:
        """Return a signed Exp-Golomb number: ``se(v)``."""
        code = self.ue()
        return (code + 1) >> 1 if code & 1 else -(code >> 1)


class BitWriter:
    """Builds big-endian bit fields; ``to_bytes`` pads the last byte with zero bits."""

    __slots__ = ("_size", "_value")

    def __init__(self) -> None:
        self._value = 0
        self._size = 0

    def write(self, value: int, count: int) -> None:
        """Append ``value`` as ``count`` bits; ``ValueError`` when it does not fit."""
        if value < 0 or value >> count:
            raise ValueError(f"{value} does not fit in {count} bits")
        self._value = self._value << count | value
        self._size += count

    def to_bytes(self) -> bytes:
        """Return what was written, padded to whole bytes."""
        padding = -self._size % 8
        return (self._value << padding).to_bytes((self._size + padding) // 8, "big")


def unescape(unit: bytes) -> bytes:
    """Return the RBSP of a NAL unit: emulation prevention bytes removed (H.264 section 7.3.1)."""
    return unit.replace(b"\x00\x00\x03", b"\x00\x00")
