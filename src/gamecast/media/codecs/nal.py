"""NAL unit framing: length prefixes (ISO/IEC 14496-15) and start codes (H.264 Annex B).

Inside the program every access unit is a run of NAL units behind 4-byte lengths.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from struct import Struct

from gamecast.media.errors import MediaError

MAX_NAL_UNITS = 2048
"""NAL units in one access unit; a picture has at most 600 slices (H.265 table A.8)."""
START_CODE = b"\x00\x00\x00\x01"

_LENGTH = {1: Struct(">B"), 2: Struct(">H"), 4: Struct(">I")}


def nal_ranges(data: bytes | memoryview, length_size: int = 4) -> Iterator[tuple[int, int]]:
    """Yield ``(start, end)`` of every NAL unit, without its length; empty units are passed over.

    ``length_size`` is 1, 2 or 4, as ``avcC`` and ``hvcC`` give it. Raises ``MediaError`` when a
    length points past the end, the data ends inside a length, or there are too many units.
    """
    unpack_from = _LENGTH[length_size].unpack_from
    size = len(data)
    position = 0
    for _ in range(MAX_NAL_UNITS):
        if position == size:
            return
        start = position + length_size
        if start > size:
            raise MediaError("access unit ends inside a NAL unit length")
        position = start + unpack_from(data, position)[0]
        if position > size:
            raise MediaError("NAL unit length reaches past the end of its access unit")
        if position > start:
            yield start, position
    if position != size:
        raise MediaError(f"access unit of more than {MAX_NAL_UNITS} NAL units")


def nal_units(data: bytes, length_size: int = 4) -> list[bytes]:
    """Return the NAL units of a length-prefixed access unit."""
    return [data[start:end] for start, end in nal_ranges(data, length_size)]


def join_nal_units(units: Iterable[bytes]) -> bytes:
    """Return ``units`` as an access unit with 4-byte lengths."""
    return b"".join([part for unit in units for part in (len(unit).to_bytes(4, "big"), unit)])


def normalise(data: bytes, length_size: int = 4) -> bytes:
    """Return ``data`` with 4-byte lengths and no empty units; the same object where it has both.

    This also checks the framing, so that everything behind it may rely on it.
    """
    units = list(nal_ranges(data, length_size))
    if length_size == 4 and sum([end - start + 4 for start, end in units]) == len(data):
        return data
    return join_nal_units([data[start:end] for start, end in units])


def split_annexb(data: bytes) -> list[bytes]:
    """Return the NAL units of a byte stream with start codes (H.264 Annex B, section B.1).

    Bytes before the first start code are dropped; so are the zero bytes that may stand between
    units, for no NAL unit ends in one (section 7.4.1).
    """
    units = data.split(b"\x00\x00\x01", MAX_NAL_UNITS + 1)[1:]
    if len(units) > MAX_NAL_UNITS:
        raise MediaError(f"access unit of more than {MAX_NAL_UNITS} NAL units")
    stripped = [unit.rstrip(b"\x00") for unit in units]
    return [unit for unit in stripped if unit]


def from_annexb(data: bytes) -> bytes:
    """Return a byte stream with start codes as an access unit with 4-byte lengths."""
    return join_nal_units(split_annexb(data))


def to_annexb(data: bytes, length_size: int = 4) -> bytes:
    """Return a length-prefixed access unit as a byte stream, every start code of four bytes."""
    pieces: list[bytes] = []
    for start, end in nal_ranges(data, length_size):
        pieces.append(START_CODE)
        pieces.append(data[start:end])
    return b"".join(pieces)
