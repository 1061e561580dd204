from __future__ import annotations

import struct
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gamecast.media.containers.fmp4 import (
    Sample,
    TrackRun,
    fragment,
    producer_reference_time,
    segment_type,
)
from gamecast.media.containers.fmp4.boxes import Box, find_boxes, iter_boxes

SYNC, NON_SYNC = 0x02000000, 0x01010000


@dataclass
class Read:
    """A ``traf`` as ISO/IEC 14496-12 section 8.8 says to read it."""

    track_id: int
    base: int
    rows: list[tuple[int, bytes, int, int]]
    """Duration, data, flags, composition offset."""
    trun_flags: int


def read_fragment(data: bytes) -> tuple[int, list[Read]]:
    moof, mdat = iter_boxes(data)
    assert (moof.kind, mdat.kind) == (b"moof", b"mdat")
    (mfhd,) = find_boxes(data, b"moof", b"mfhd")
    trafs = [box for box in iter_boxes(data, moof.content, moof.end) if box.kind == b"traf"]
    reads = [read_traf(data, traf, moof.start) for traf in trafs]
    payload = b"".join(row[1] for read in reads for row in read.rows)
    assert payload == data[mdat.content : mdat.end]
    return int.from_bytes(data[mfhd.content + 4 : mfhd.end], "big"), reads


def read_traf(data: bytes, traf: Box, moof: int) -> Read:
    boxes = {box.kind: box for box in iter_boxes(data, traf.content, traf.end)}
    tfhd = words(data, boxes[b"tfhd"])
    tfhd_flags = tfhd[0]
    assert tfhd_flags & 0x020000  # default-base-is-moof
    assert not tfhd_flags & ~0x020028
    defaults = iter(tfhd[2:])
    duration = next(defaults) if tfhd_flags & 0x08 else None
    flags = next(defaults) if tfhd_flags & 0x20 else None
    tfdt = boxes[b"tfdt"]
    assert data[tfdt.content : tfdt.content + 4] == b"\x01\x00\x00\x00"
    base = int.from_bytes(data[tfdt.content + 4 : tfdt.end], "big")
    trun = words(data, boxes[b"trun"])
    assert trun[0] >> 24 == 1
    trun_flags, count, offset = trun[0] & 0xFFFFFF, trun[1], moof + trun[2]
    values = iter(trun[3:])
    first = next(values) if trun_flags & 0x004 else None
    rows = []
    for index in range(count):
        row_duration = next(values) if trun_flags & 0x100 else duration
        size = next(values)
        row_flags = next(values) if trun_flags & 0x400 else flags
        if index == 0 and first is not None:
            row_flags = first
        raw = next(values) if trun_flags & 0x800 else 0
        cts = raw - (1 << 32) if raw >> 31 else raw
        assert row_duration is not None
        assert row_flags is not None
        rows.append((row_duration, data[offset : offset + size], row_flags, cts))
        offset += size
    assert next(values, None) is None
    return Read(tfhd[1], base, rows, trun_flags)


def words(data: bytes, box: Box) -> tuple[int, ...]:
    return struct.unpack(f">{(box.end - box.content) // 4}I", data[box.content : box.end])


samples = st.lists(
    st.builds(
        Sample,
        st.integers(0, 0xFFFFFFFF),
        st.binary(max_size=20),
        st.booleans(),
        st.integers(-(1 << 31), (1 << 31) - 1),
    ),
    min_size=1,
    max_size=6,
)
runs = st.lists(
    st.builds(TrackRun, st.integers(1, 9), st.integers(0, (1 << 64) - 1), samples), max_size=3
)


@settings(max_examples=100)
@given(st.integers(0, 0xFFFFFFFF), runs)
def test_what_is_written_is_what_the_standard_reads(sequence: int, written: list[TrackRun]) -> None:
    number, reads = read_fragment(fragment(sequence, written))
    assert number == sequence
    assert len(reads) == len(written)
    for read, run in zip(reads, written, strict=True):
        assert (read.track_id, read.base) == (run.track_id, run.base_decode_time)
        assert read.rows == [
            (s.duration, s.data, SYNC if s.keyframe else NON_SYNC, s.cts) for s in run.samples
        ]


def test_what_samples_share_is_written_once() -> None:
    group = [Sample(3000, b"k", True), *[Sample(3000, b"p", False)] * 59]
    _, (read,) = read_fragment(fragment(1, [TrackRun(1, 0, group)]))
    assert read.trun_flags == 0x205  # data offset, first sample's flags, sizes
    _, (read,) = read_fragment(fragment(1, [TrackRun(1, 0, [Sample(1024, b"a")] * 10)]))
    assert read.trun_flags == 0x201
    mixed = [Sample(1, b"", key) for key in (True, False, True)]
    _, (read,) = read_fragment(fragment(1, [TrackRun(1, 0, mixed)]))
    assert read.trun_flags == 0x601
    moved = [Sample(1, b"", True, -1), Sample(2, b"", True, 0)]
    _, (read,) = read_fragment(fragment(1, [TrackRun(1, 0, moved)]))
    assert read.trun_flags == 0xB01


def test_a_negative_decode_time_is_our_own_mistake() -> None:
    with pytest.raises(ValueError, match="negative"):
        fragment(1, [TrackRun(1, -1, [Sample(1, b"x")])])


def test_segment_type() -> None:
    assert segment_type() == b"\x00\x00\x00\x18stypmsdh\x00\x00\x00\x00msdhcmfs"
    assert segment_type(last=True).endswith(b"lmsg")


def test_producer_reference_time() -> None:
    data = producer_reference_time(2, 1_700_000_000.5, 1 << 40)
    (prft,) = iter_boxes(data)
    assert data[prft.content : prft.content + 4] == b"\x01\x00\x00\x18"
    track_id, seconds, fraction, media = struct.unpack(">IIIQ", data[prft.content + 4 : prft.end])
    assert (track_id, media) == (2, 1 << 40)
    assert (seconds, fraction) == (1_700_000_000 + 2_208_988_800, 1 << 31)
    assert producer_reference_time(1, 0.0, 0, flags=0)[8:12] == b"\x01\x00\x00\x00"
