"""Headers, loss lists and numbers that wrap."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gamecast.protocols.srt import SrtError
from gamecast.protocols.srt.packet import (
    CONTROL_FLAG,
    MAX_RANGES,
    SEQUENCE_MASK,
    ControlType,
    control,
    read_loss_list,
    unwrap,
    unwrap_timestamp,
    write_loss_list,
)


def test_a_control_packet_as_the_draft_draws_it() -> None:
    packet = control(ControlType.ACKACK, info=7, timestamp=0x01020304, peer=0x0A0B0C0D)
    assert packet == bytes.fromhex("80060000 00000007 01020304 0a0b0c0d 00000000")


def test_a_loss_list_as_in_appendix_a() -> None:
    data = write_loss_list([(3, 3), (5, 9)])
    assert data == bytes.fromhex("00000003 80000005 00000009")
    assert read_loss_list(data) == [(3, 3), (5, 9)]


@given(st.lists(st.tuples(st.integers(0, SEQUENCE_MASK), st.integers(1, 1000)), max_size=100))
def test_loss_lists_come_back(pairs: list[tuple[int, int]]) -> None:
    ranges = [(first, first + more & SEQUENCE_MASK) for first, more in pairs]
    assert read_loss_list(write_loss_list(ranges)) == ranges


@given(st.binary(max_size=3000))
def test_any_loss_list_is_read_or_refused(data: bytes) -> None:
    with suppress(SrtError):
        assert len(read_loss_list(data)) <= MAX_RANGES


def test_a_range_without_an_end_is_refused() -> None:
    with pytest.raises(SrtError):
        read_loss_list(CONTROL_FLAG.to_bytes(4, "big"))


@given(st.integers(0, 2**40), st.integers(-(2**29), 2**29))
def test_numbers_are_unwrapped_to_the_nearest(near: int, step: int) -> None:
    assert unwrap(near + step & SEQUENCE_MASK, near) == near + step
    assert unwrap_timestamp(near + step & 0xFFFF_FFFF, near) == near + step
