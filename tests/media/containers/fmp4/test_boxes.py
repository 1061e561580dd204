from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gamecast.media.containers.fmp4.boxes import box, find_boxes, full_box, iter_boxes
from gamecast.media.errors import MediaError


def test_boxes_are_walked_as_they_were_built() -> None:
    data = box(b"aaaa", b"12", b"3") + full_box(b"bbbb", 1, 0x020001, b"x")
    assert data == b"\x00\x00\x00\x0baaaa123" + b"\x00\x00\x00\x0dbbbb\x01\x02\x00\x01x"
    first, second = iter_boxes(data)
    assert (first.kind, data[first.content : first.end]) == (b"aaaa", b"123")
    assert (second.kind, second.start) == (b"bbbb", 11)


def test_long_and_open_ended_boxes() -> None:
    long = b"\x00\x00\x00\x01long" + (18).to_bytes(8, "big") + b"xy"
    open_ended = b"\x00\x00\x00\x00last" + b"zzz"
    first, second = iter_boxes(long + open_ended)
    assert (first.content, first.end) == (16, 18)
    assert (second.content, second.end) == (26, 29)


def test_boxes_are_found_by_path() -> None:
    data = box(b"moov", box(b"trak", b"1"), box(b"mvex"), box(b"trak", b"2"))
    found = find_boxes(data, b"moov", b"trak")
    assert [data[inner.content : inner.end] for inner in found] == [b"1", b"2"]
    assert find_boxes(data, b"moof") == []


@pytest.mark.parametrize(
    "data",
    [
        b"\x00",
        b"\x00\x00\x00\x07size",
        b"\x00\x00\x00\x09long",
        b"\x00\x00\x00\x01long\x00\x00",
        b"\x00\x00\x00\x08none" * 10_001,
    ],
)
def test_what_is_refused(data: bytes) -> None:
    with pytest.raises(MediaError):
        list(iter_boxes(data))


@settings(max_examples=100)
@given(st.binary(max_size=100))
def test_only_media_error_escapes(data: bytes) -> None:
    try:
        boxes = list(iter_boxes(data))
    except MediaError:
        return
    assert all(inner.start < inner.end <= len(data) for inner in boxes)
