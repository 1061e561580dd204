"""Stamps: the sender's clock and a frame's number, carried inside the picture's bitstream.

A ``user_data_unregistered`` SEI message (ITU-T H.264, D.1.7) survives every container and every
server that does not re-encode, and is found by its UUID wherever it stands in a byte stream, so
that a viewer needs no demuxer to prove what arrived. All bytes behind the UUID have their top bit
set: no emulation prevention (7.4.1) can change them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

UUID = bytes.fromhex("b7a1c3d94e5f4867a9d2e1f0c8937ad5")
_TIME, _NUMBER, _GROUP, _STEP = 10, 5, 4, 1
_BODY = _TIME + _NUMBER + _GROUP + _STEP
SIZE = len(UUID) + _BODY
"""Bytes from the first of the UUID to what the stamp says of other frames."""
MAX_STEP = 1 + (254 - SIZE) // _TIME
"""So that the size of the message is one byte."""
_TRAILING = b"\x80"


@dataclass(slots=True)
class Stamp:
    """What a frame says of itself."""

    time_ns: int
    """Unix time at which it was sent, in nanoseconds."""
    number: int
    """Frames count from 0 in decoding order."""
    group: int
    """Groups count from 0."""
    keyframe: bool = False
    step: int = 1
    """Every so many frames one is stamped."""
    earlier: tuple[int, ...] = ()
    """When the frames since the last stamp were sent, in order; 0 where it is not known. Empty if
    the bytes end before it."""


def stamp_nal(
    time_ns: int,
    number: int,
    group: int,
    *,
    keyframe: bool = False,
    step: int = 1,
    earlier: Sequence[int] = (),
) -> bytes:
    """The SEI NAL unit behind its 4-byte length (ISO/IEC 14496-15), to put before the slices."""
    body = _septets(time_ns, _TIME) + _septets(number, _NUMBER)
    body += _septets(group << 1 | keyframe, _GROUP) + _septets(step, _STEP)
    unknown = [0] * (step - 1 - len(earlier))
    body += b"".join(_septets(each, _TIME) for each in (*unknown, *earlier))
    nal = bytes([0x06, 0x05, len(UUID) + len(body)]) + UUID + body + _TRAILING
    return len(nal).to_bytes(4, "big") + nal


def stamp_again(data: bytearray, time_ns: int) -> None:
    """Give the first stamp in ``data``, if there is one, another time.

    For what is about to leave: wrapping a frame for its protocol takes time that is not the
    server's.
    """
    position = data.find(UUID)
    if 0 <= position <= len(data) - SIZE:
        start = position + len(UUID)
        data[start : start + _TIME] = _septets(time_ns, _TIME)


def find_stamps(data: bytes | bytearray, end: int) -> Iterator[Stamp]:
    """All whole stamps in ``data[:end]``."""
    position = data.find(UUID, 0, end)
    while 0 <= position <= end - SIZE:
        start = position + len(UUID)
        group = _value(data[start + _TIME + _NUMBER : start + _BODY - _STEP])
        step = _value(data[start + _BODY - _STEP : start + _BODY])
        yield Stamp(
            _value(data[start : start + _TIME]),
            _value(data[start + _TIME : start + _TIME + _NUMBER]),
            group >> 1,
            bool(group & 1),
            step,
            _times(data, start + _BODY, step - 1, end),
        )
        position = data.find(UUID, start + _BODY, end)


def _times(data: bytes | bytearray, begin: int, count: int, end: int) -> tuple[int, ...]:
    behind = begin + count * _TIME
    if behind > end:
        return ()
    return tuple(_value(data[at : at + _TIME]) for at in range(begin, behind, _TIME))


def _septets(value: int, count: int) -> bytes:
    return bytes(0x80 | value >> 7 * place & 0x7F for place in reversed(range(count)))


def _value(septets: bytes | bytearray) -> int:
    value = 0
    for septet in septets:
        value = value << 7 | septet & 0x7F
    return value
