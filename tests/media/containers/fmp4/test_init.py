from __future__ import annotations

import struct

from gamecast.media.containers.fmp4 import init_segment
from gamecast.media.containers.fmp4.boxes import Box, find_boxes, iter_boxes
from tests.media.containers.samples import AAC, AV1, H264


def body(data: bytes, box: Box) -> bytes:
    return data[box.content : box.end]


def brands(data: bytes) -> list[bytes]:
    (ftyp,) = find_boxes(data, b"ftyp")
    content = body(data, ftyp)
    return [content[:4], *[content[at : at + 4] for at in range(8, len(content), 4)]]


def test_brands() -> None:
    assert brands(init_segment([H264, AAC])) == [b"iso6", b"iso6", b"mp41"]
    assert b"cmfc" in brands(init_segment([H264]))
    assert b"av01" in brands(init_segment([AV1, AAC]))


def test_tracks_are_numbered_from_one_and_keep_their_clock() -> None:
    data = init_segment([H264, AAC])
    assert [box.kind for box in iter_boxes(data)] == [b"ftyp", b"moov"]
    ids = [body(data, box)[12:16] for box in find_boxes(data, b"moov", b"trak", b"tkhd")]
    assert ids == [b"\x00\x00\x00\x01", b"\x00\x00\x00\x02"]
    headers = find_boxes(data, b"moov", b"trak", b"mdia", b"mdhd")
    clocks = [struct.unpack_from(">I", body(data, box), 12)[0] for box in headers]
    assert clocks == [90_000, 48_000]
    handlers = find_boxes(data, b"moov", b"trak", b"mdia", b"hdlr")
    assert [body(data, box)[8:12] for box in handlers] == [b"vide", b"soun"]
    extends = find_boxes(data, b"moov", b"mvex", b"trex")
    assert [body(data, box)[4:12] for box in extends] == [
        b"\x00\x00\x00\x01\x00\x00\x00\x01",
        b"\x00\x00\x00\x02\x00\x00\x00\x01",
    ]
    (movie,) = find_boxes(data, b"moov", b"mvhd")
    assert body(data, movie)[-4:] == b"\x00\x00\x00\x03"


def test_there_are_no_samples_and_no_edit_lists() -> None:
    data = init_segment([H264, AAC])
    assert find_boxes(data, b"moov", b"trak", b"edts") == []
    for kind, size in ((b"stts", 8), (b"stsc", 8), (b"stsz", 12), (b"stco", 8)):
        tables = find_boxes(data, b"moov", b"trak", b"mdia", b"minf", b"stbl", kind)
        assert [body(data, box) for box in tables] == [bytes(size)] * 2


def test_the_same_tracks_give_the_same_bytes() -> None:
    assert init_segment([H264, AAC]) == init_segment([H264, AAC])
