from __future__ import annotations

import struct
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gamecast.protocols.rtmp import RtmpLimits, RtmpProtocolError
from gamecast.protocols.rtmp.chunks import ChunkReader, write_message
from gamecast.protocols.rtmp.events import MessageReceived
from tests.support.clock import SeededBytes

BODY = SeededBytes(5)(1000)
SET_CHUNK_SIZE, ABORT = 1, 2

Expected = dict[int, list[MessageReceived]]


def basic(fmt: int, csid: int) -> bytes:
    """The basic header, in the shortest form that fits."""
    if csid < 64:
        return bytes([fmt << 6 | csid])
    if csid < 320:
        return bytes([fmt << 6, csid - 64])
    return bytes([fmt << 6 | 1]) + (csid - 64).to_bytes(2, "little")


def header(
    fmt: int, csid: int = 5, *, ts: int = 0, size: int = 0, type_id: int = 9, sid: int = 1
) -> bytes:
    """A chunk header, with an extended timestamp where ``ts`` needs one."""
    field = min(ts, 0xFFFFFF).to_bytes(3, "big")
    message = size.to_bytes(3, "big") + bytes([type_id])
    parts = [field, message, struct.pack("<I", sid)][: 3 - fmt]
    extended = ts.to_bytes(4, "big") if ts >= 0xFFFFFF and fmt < 3 else b""
    return basic(fmt, csid) + b"".join(parts) + extended


def chunked(body: bytes, continuation: bytes, size: int = 128) -> bytes:
    return continuation.join(body[at : at + size] for at in range(0, len(body), size))


def read(data: bytes, limits: RtmpLimits | None = None) -> list[MessageReceived]:
    return ChunkReader(limits or RtmpLimits()).receive_data(data)


def one(data: bytes) -> MessageReceived:
    (message,) = read(data)
    return message


@pytest.mark.parametrize("csid", [2, 3, 63, 64, 319, 320, 65599])
@pytest.mark.parametrize("size", [1, 127, 128, 129, 256, 1000])
def test_chunk_stream_ids_of_one_two_and_three_bytes(csid: int, size: int) -> None:
    body = BODY[:size]
    data = header(0, csid, ts=7, size=size, sid=3) + chunked(body, basic(3, csid))
    assert one(data) == MessageReceived(9, 3, 7, body)


def test_small_ids_may_come_in_long_forms() -> None:
    """Section 5.3.1.1: ids 64 to 319 may be in either form."""
    long_form = bytes([0x01, 10, 0])
    full = header(0, 5, size=200)[1:]
    data = long_form + full + BODY[:128] + bytes([0xC0, 10]) + BODY[128:200]
    assert one(data).payload == BODY[:200]


def test_headers_lean_on_those_before() -> None:
    data = header(0, ts=1000, size=3, type_id=8, sid=1) + b"abc"
    data += header(1, ts=20, size=4, type_id=9) + b"defg"
    data += header(2, ts=5) + b"hijk"
    data += header(3) + b"lmno"
    assert read(data) == [
        MessageReceived(8, 1, 1000, b"abc"),
        MessageReceived(9, 1, 1020, b"defg"),
        MessageReceived(9, 1, 1025, b"hijk"),
        MessageReceived(9, 1, 1030, b"lmno"),
    ]


def test_a_repeated_header_after_a_full_one_repeats_its_timestamp() -> None:
    """Section 5.3.1.2.4, and what ffmpeg writes for 23 ms frames of one size: 23, then 46."""
    data = header(0, ts=23, size=3) + b"abc" + header(3) + b"def"
    assert [message.timestamp for message in read(data)] == [23, 46]


def test_timestamps_wrap() -> None:
    data = header(0, ts=0xFFFFFFF0, size=1) + b"a" + header(1, ts=0x20, size=1) + b"b"
    assert [message.timestamp for message in read(data)] == [0xFFFFFFF0, 0x10]


@pytest.mark.parametrize("ts", [0xFFFFFE, 0xFFFFFF, 0x1000000, 0xFFFFFFFF])
@pytest.mark.parametrize("repeated", [True, False])
@pytest.mark.parametrize("size", [1, 128, 130, 1000])
def test_extended_timestamps_repeated_or_not(ts: int, repeated: bool, size: int) -> None:
    """Adobe's servers repeat it on continuations as the text says, some encoders do not."""
    extended = ts.to_bytes(4, "big") if repeated and ts >= 0xFFFFFF else b""
    body = BODY[:size]
    data = header(0, ts=ts, size=size) + chunked(body, basic(3, 5) + extended)
    for step in (1, 3, len(data)):
        reader = ChunkReader(RtmpLimits())
        messages = []
        for at in range(0, len(data), step):
            messages += reader.receive_data(data[at : at + step])
        assert messages == [MessageReceived(9, 1, ts, body)]


@pytest.mark.parametrize("fmt", [1, 2])
@pytest.mark.parametrize("repeated", [True, False])
def test_extended_deltas(fmt: int, repeated: bool) -> None:
    extended = (0x1000000).to_bytes(4, "big") if repeated else b""
    data = header(0, ts=10, size=200) + chunked(BODY[:200], basic(3, 5))
    data += header(fmt, ts=0x1000000, size=200) + chunked(BODY[:200], basic(3, 5) + extended)
    data += basic(3, 5) + extended + chunked(BODY[:200], basic(3, 5) + extended)
    times = [message.timestamp for message in read(data)]
    assert times == [10, 10 + 0x1000000, 10 + 0x2000000]


def test_a_short_timestamp_ends_the_extended_form() -> None:
    data = header(0, ts=0x1000000, size=1) + b"a" + header(1, ts=5, size=200)
    data += chunked(BODY[:200], basic(3, 5))
    assert read(data)[1] == MessageReceived(9, 1, 0x1000005, BODY[:200])


def test_a_message_whose_last_bytes_look_like_an_extended_timestamp_is_not_delayed() -> None:
    """Not repeated: two bytes are left, and they cannot be the stamp, so nothing is waited for."""
    body = BODY[:128] + b"\xff\xff"
    data = header(0, ts=0x1000000, size=130) + body[:128] + basic(3, 5) + body[128:]
    assert one(data).payload == body


def test_messages_of_two_chunk_streams_interleave() -> None:
    video, audio = BODY[:400], BODY[400:600]
    data = header(0, 6, size=400) + video[:128]
    data += header(0, 4, size=200, type_id=8) + audio[:128]
    data += basic(3, 6) + video[128:256] + basic(3, 4) + audio[128:]
    data += basic(3, 6) + video[256:384] + basic(3, 6) + video[384:]
    assert [(m.type_id, m.payload) for m in read(data)] == [(8, audio), (9, video)]


def test_a_header_of_another_stream_inside_what_looks_like_a_run() -> None:
    """The payload of the inner message imitates the outer stream's continuation headers."""
    imitation = bytes([0xC6]) * 300
    data = header(0, 6, size=600) + BODY[:128] + basic(3, 6) + BODY[128:256]
    data += header(0, 4, size=300, type_id=8) + chunked(imitation, basic(3, 4))
    data += chunked(b"" + basic(3, 6) + BODY[256:384], b"", 999)
    data += basic(3, 6) + BODY[384:512] + basic(3, 6) + BODY[512:600]
    assert [(m.type_id, m.payload) for m in read(data)] == [(8, imitation), (9, BODY[:600])]


def test_payloads_that_imitate_headers() -> None:
    body = bytes([0xC5]) * 1000
    assert one(header(0, size=1000) + chunked(body, basic(3, 5))).payload == body


def test_empty_messages() -> None:
    data = header(0, size=0) + header(3) + header(1, ts=1, size=1) + b"x"
    assert [m.payload for m in read(data)] == [b"", b"", b"x"]


def set_chunk_size(size: int) -> bytes:
    return header(0, 2, size=4, type_id=SET_CHUNK_SIZE, sid=0) + struct.pack(">I", size)


@pytest.mark.parametrize("size", [1, 2, 127, 4096, 65536, 0xFFFFFF, 0x7FFFFFFF])
def test_set_chunk_size(size: int) -> None:
    data = set_chunk_size(size) + header(0, size=1000) + chunked(BODY, basic(3, 5), size)
    assert one(data).payload == BODY


@pytest.mark.parametrize("before", [128, 200, 300])
@pytest.mark.parametrize("after", [1, 50, 128, 4096])
def test_set_chunk_size_inside_a_message(before: int, after: int) -> None:
    data = set_chunk_size(before) + header(0, size=1000) + BODY[:before]
    data += set_chunk_size(after)
    data += basic(3, 5) + chunked(BODY[before:], basic(3, 5), after)
    for step in (1, 7, len(data)):
        reader = ChunkReader(RtmpLimits())
        messages = []
        for at in range(0, len(data), step):
            messages += reader.receive_data(data[at : at + step])
        assert [m.payload for m in messages] == [BODY]


@pytest.mark.parametrize("size", [0, 0x80000000, 0x80000080, 0xFFFFFFFF])
def test_impossible_chunk_sizes(size: int) -> None:
    with pytest.raises(RtmpProtocolError, match="chunk size"):
        read(set_chunk_size(size))


def abort(csid: int) -> bytes:
    return header(0, 2, size=4, type_id=ABORT, sid=0) + struct.pack(">I", csid)


def test_abort_discards_what_is_there() -> None:
    data = header(0, size=300) + BODY[:128] + abort(5) + abort(77)
    data += header(1, ts=1, size=2) + b"ok"
    assert read(data) == [MessageReceived(9, 1, 1, b"ok")]


@pytest.mark.parametrize("type_id", [SET_CHUNK_SIZE, ABORT])
def test_short_control_messages(type_id: int) -> None:
    with pytest.raises(RtmpProtocolError, match="short"):
        read(header(0, 2, size=3, type_id=type_id) + b"\0\0\1")


def test_a_new_header_inside_a_message_gives_it_up() -> None:
    data = header(0, size=300) + BODY[:128] + header(0, size=2) + b"ok"
    assert [m.payload for m in read(data)] == [b"ok"]


@pytest.mark.parametrize("fmt", [2, 3])
def test_a_chunk_stream_must_begin_with_a_length(fmt: int) -> None:
    with pytest.raises(RtmpProtocolError, match="full header"):
        read(header(fmt, 9, ts=1, size=1) + b"abcdef")


def test_a_first_header_without_a_stream_id_is_taken() -> None:
    """Old librtmp sends its ping that way; the stream id is then 0."""
    assert one(header(1, 2, size=2, type_id=4) + b"\0\7") == MessageReceived(4, 0, 0, b"\0\7")


def test_chunk_streams_are_counted() -> None:
    limits = RtmpLimits()
    partial = [header(0, csid, size=10) + b"x" for csid in range(2, 65600)]
    opened = b"".join(one[:-1] + b"y" * 10 for one in partial[: limits.max_chunk_streams])
    assert len(read(opened)) == limits.max_chunk_streams
    with pytest.raises(RtmpProtocolError, match="too many chunk streams"):
        read(opened + partial[limits.max_chunk_streams])


@pytest.mark.parametrize(
    ("type_id", "limit"),
    [(9, 8 << 20), (8, 8 << 20), (22, 8 << 20), (18, 1 << 20), (20, 64 << 10), (17, 64 << 10)],
)
def test_message_sizes_are_refused_by_their_header(type_id: int, limit: int) -> None:
    assert read(header(0, size=limit, type_id=type_id)) == []
    with pytest.raises(RtmpProtocolError, match=f"type {type_id}"):
        read(header(0, size=limit + 1, type_id=type_id))


def test_control_messages_are_small() -> None:
    with pytest.raises(RtmpProtocolError):
        read(header(0, 2, size=65, type_id=4))


def test_the_largest_message_arrives() -> None:
    body = bytes(8 << 20)
    assert one(header(0, size=len(body)) + chunked(body, basic(3, 5))).payload == body


def test_unfinished_messages_are_bounded_together() -> None:
    limits = RtmpLimits(max_pending_size=2000)
    reader = ChunkReader(limits)
    opened = b"".join(header(0, csid, size=1000) + BODY[:128] for csid in range(3, 60))
    with pytest.raises(RtmpProtocolError, match="unfinished"):
        reader.receive_data(opened)
    reader = ChunkReader(limits)
    for _ in range(20):
        data = header(0, 5, size=1000) + chunked(BODY, basic(3, 5))
        assert len(reader.receive_data(data[:500]) + reader.receive_data(data[500:])) == 1
        reader.receive_data(header(0, 5, size=1000) + BODY[:128] + abort(5))


def test_tiny_chunks_are_paid_for() -> None:
    """Each of these bytes is a whole message; 256 KiB of them is one read of a socket."""
    flood = header(0, size=0) + basic(3, 5) * (256 << 10)
    with pytest.raises(RtmpProtocolError, match="tiny chunks"):
        read(flood)
    reader = ChunkReader(RtmpLimits(header_burst=100, headers_per_second=50))
    reader.receive_data(header(0, size=0) + basic(3, 5) * 98, 1000.0)
    for second in range(1, 20):
        assert len(reader.receive_data(basic(3, 5) * 50, 1000.0 + second)) == 50
    with pytest.raises(RtmpProtocolError, match="tiny chunks"):
        reader.receive_data(basic(3, 5) * 60, 1019.0)


def test_interleaved_chunks_are_free() -> None:
    """Servers that interleave audio and video chunk by chunk, as fast as the link goes."""
    reader = ChunkReader(RtmpLimits(header_burst=100))
    data = header(0, 6, size=1000) + BODY[:128] + header(0, 4, size=1000, type_id=8) + BODY[:128]
    for at in range(128, 1000, 128):
        data += basic(3, 6) + BODY[at : at + 128] + basic(3, 4) + BODY[at : at + 128]
    for _ in range(100):
        assert [m.payload for m in reader.receive_data(data)] == [BODY, BODY]


def test_memory_follows_what_was_received_not_what_was_declared() -> None:
    """1000 connections that each declare 8 MiB and send one byte."""
    data = set_chunk_size(0x7FFFFFFF) + header(0, size=8 << 20) + b"x"
    tracemalloc.start()
    try:
        readers = [ChunkReader(RtmpLimits()) for _ in range(1000)]
        for reader in readers:
            assert reader.receive_data(data) == []
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert used < 8 << 20


def draw_queue(draw: st.DrawFn, csid: int, chunk_size: int, expected: Expected) -> list[bytes]:
    """The chunks of a few messages on one chunk stream, with headers of random forms."""
    random = SeededBytes(draw(st.integers(0, 1000)))
    queue: list[bytes] = []
    time = size = ts = 0
    for number in range(draw(st.integers(1, 4))):
        fmt = draw(st.integers(0, 3)) if number else 0
        if fmt < 3:
            ts = draw(st.sampled_from([0, 1, 40, 0xFFFFFF, 0x2000000]))
        if fmt < 2:
            size = draw(st.integers(0, 700))
        time = ts if fmt == 0 else (time + ts) & 0xFFFFFFFF
        body = random(size)
        extended = ts.to_bytes(4, "big") if ts >= 0xFFFFFF else b""
        first = header(fmt, csid, ts=ts, size=size, sid=csid) + (extended if fmt == 3 else b"")
        pieces = [body[at : at + chunk_size] for at in range(0, size, chunk_size)] or [b""]
        queue.append(first + pieces[0])
        queue += [basic(3, csid) + extended + piece for piece in pieces[1:]]
        expected.setdefault(csid, []).append(MessageReceived(9, csid, time, body))
    return queue


@st.composite
def sessions(draw: st.DrawFn) -> tuple[bytes, Expected]:
    """Messages on several chunk streams, interleaved; what is expected by message stream id."""
    chunk_size = draw(st.sampled_from([1, 5, 128, 300]))
    data = set_chunk_size(chunk_size)
    expected: Expected = {}
    csids = draw(st.lists(st.sampled_from([3, 4, 64, 400]), min_size=1, unique=True))
    queues = [draw_queue(draw, csid, chunk_size, expected) for csid in csids]
    while queues:
        queue = draw(st.sampled_from(queues))
        count = draw(st.integers(1, 8))
        data += b"".join(queue[:count])
        del queue[:count]
        if not queue:
            queues.remove(queue)
    return data, expected


@settings(max_examples=150)
@given(session=sessions(), steps=st.lists(st.integers(1, 400), min_size=1, max_size=4))
def test_any_session_in_any_split(session: tuple[bytes, Expected], steps: list[int]) -> None:
    data, expected = session
    reader = ChunkReader(RtmpLimits())
    messages: list[MessageReceived] = []
    at = turn = 0
    while at < len(data):
        step = steps[turn % len(steps)]
        messages += reader.receive_data(data[at : at + step])
        at, turn = at + step, turn + 1
    for csid, wanted in expected.items():
        assert [message for message in messages if message.stream_id == csid] == wanted
    assert len(messages) == sum(map(len, expected.values()))


@settings(max_examples=100)
@given(data=st.binary(max_size=3000))
def test_arbitrary_bytes(data: bytes) -> None:
    try:
        messages = read(data)
    except RtmpProtocolError:
        return
    assert sum(len(message.payload) for message in messages) <= len(data)


@pytest.mark.parametrize("size", [0, 1, 127, 128, 129, 256, 1000])
@pytest.mark.parametrize("timestamp", [0, 5, 0xFFFFFE, 0xFFFFFF, 0x1000000, 0xFFFFFFFF])
@pytest.mark.parametrize("csid", [2, 6, 63])
def test_written_messages_read_back(size: int, timestamp: int, csid: int) -> None:
    data = write_message(9, 1, timestamp, BODY[:size], csid=csid, chunk_size=128)
    assert one(data) == MessageReceived(9, 1, timestamp, BODY[:size])


def test_writing_byte_for_byte() -> None:
    assert write_message(8, 1, 0x010203, b"abcde", csid=4, chunk_size=2) == (
        b"\x04\x01\x02\x03\x00\x00\x05\x08\x01\x00\x00\x00ab\xc4cd\xc4e"
    )
    assert write_message(8, 1, 0x01000000, b"abc", csid=4, chunk_size=2) == (
        b"\x04\xff\xff\xff\x00\x00\x03\x08\x01\x00\x00\x00\x01\x00\x00\x00ab\xc4\x01\x00\x00\x00c"
    )


def test_timestamps_are_written_modulo_their_size() -> None:
    assert write_message(8, 1, 1 << 32, b"", csid=4, chunk_size=2) == write_message(
        8, 1, 0, b"", csid=4, chunk_size=2
    )


@pytest.mark.parametrize(
    ("csid", "chunk_size", "size"), [(1, 128, 1), (64, 128, 1), (3, 0, 1), (3, 128, 1 << 24)]
)
def test_writing_refuses_what_cannot_be_written(csid: int, chunk_size: int, size: int) -> None:
    with pytest.raises(ValueError, match="out of range"):
        write_message(9, 1, 0, bytes(size), csid=csid, chunk_size=chunk_size)
