"""Batches for one system call."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from gamecast.media.payloads.base import equal_parts
from gamecast.protocols.webrtc.batch import (
    MAX_BATCH_BYTES,
    MAX_SEGMENTS,
    HeaderLine,
    PacketBatch,
    join,
    join_all,
    make_batches,
)
from gamecast.protocols.webrtc.rtp import build_extensions, parse_rtp
from gamecast.protocols.webrtc.srtp import SrtpReceiver, SrtpSender
from gamecast.protocols.webrtc.srtp_keys import SrtpKeys, SrtpProfile

LINE = HeaderLine(ssrc=9, payload_type=101, extension_block=build_extensions({1: b"x"}))
OVERHEAD = 16
PROFILE = SrtpProfile.AEAD_AES_128_GCM
KEYS = SrtpKeys.from_exporter(bytes(56), PROFILE, is_client=False)
PEER_KEYS = SrtpKeys.from_exporter(bytes(56), PROFILE, is_client=True)


@given(
    st.lists(st.one_of(st.integers(1000, 1200), st.integers(1, 1400)), min_size=1, max_size=200),
    st.integers(0, 1 << 20),
    st.booleans(),
)
@settings(max_examples=80)
def test_batches_hold_every_payload_in_equal_segments(
    sizes: list[int], first: int, marker: bool
) -> None:
    payloads = [bytes([index & 255]) * size for index, size in enumerate(sizes)]
    batches = make_batches(payloads, LINE, first_sequence=first, timestamp=first * 7, marker=marker)
    packets = []
    for batch in batches:
        lengths = [len(h) + len(p) for h, p in zip(batch.headers, batch.payloads, strict=True)]
        assert len(set(lengths[:-1])) <= 1
        assert lengths[-1] <= lengths[0]
        assert batch.segment_size(OVERHEAD) == lengths[0] + OVERHEAD
        assert len(lengths) <= MAX_SEGMENTS
        assert sum(lengths) + OVERHEAD * len(lengths) <= MAX_BATCH_BYTES
        for header, payload in zip(batch.headers, batch.payloads, strict=True):
            packets.append(parse_rtp(header + payload))
        assert packets[-len(lengths)].sequence == batch.first_sequence & 0xFFFF
    assert [packet.payload for packet in packets] == payloads
    assert [packet.sequence for packet in packets] == [
        first + index & 0xFFFF for index in range(len(payloads))
    ]
    assert {packet.timestamp for packet in packets} == {first * 7 & 0xFFFFFFFF}
    assert [packet.marker for packet in packets] == [False] * (len(payloads) - 1) + [marker]
    assert {packet.ssrc for packet in packets} == {9}


def test_a_frame_of_equal_parts_is_one_batch() -> None:
    payloads = [b"a" * 1180] * 10 + [b"a" * 300]
    (batch,) = make_batches(payloads, LINE, first_sequence=1, timestamp=1)
    assert batch.payloads == payloads, "and nothing is padded"


def test_slices_of_nearly_one_size_share_a_batch_by_padding() -> None:
    payloads = [b"a" * 1180] * 3 + [b"b" * 1100] * 3 + [b"c" * 1150] * 3
    (batch,) = make_batches(payloads, LINE, first_sequence=1, timestamp=1)
    assert sum(map(len, batch.payloads)) < 1.05 * sum(map(len, payloads))


def test_small_parameter_sets_go_alone() -> None:
    batches = make_batches(
        [b"s" * 40, b"i" * 1180, b"i" * 900], LINE, first_sequence=1, timestamp=1
    )
    assert [len(batch.payloads) for batch in batches] == [1, 2]


def test_nothing_makes_nothing() -> None:
    assert make_batches([], LINE, first_sequence=1, timestamp=1) == []


def _sound(size: int) -> PacketBatch:
    line = HeaderLine(ssrc=7, payload_type=111)
    (batch,) = make_batches([b"o" * size], line, first_sequence=65535, timestamp=960)
    return batch


@given(st.integers(1, 1200), st.integers(2, 40), st.integers(1, 1400))
@settings(max_examples=80)
def test_sound_rides_behind_a_picture(tail: int, count: int, sound: int) -> None:
    payloads = [b"a" * 1200] * (count - 1) + [b"z" * tail]
    (picture,) = make_batches(payloads, LINE, first_sequence=65530, timestamp=1)
    joined = join(picture, _sound(sound))
    fits = 1200 - tail <= 255 and 12 + sound <= len(picture.headers[0]) + 1200
    assert (joined is not None) == fits
    if joined is None:
        return
    size = joined.segment_size(OVERHEAD)
    assert joined.size(OVERHEAD) == size * count + 12 + sound + OVERHEAD
    sender = SrtpSender(KEYS)
    for before in make_batches([b"before"], LINE, first_sequence=65520, timestamp=0):
        sender.seal(before)
    sealed = sender.seal(joined)
    receiver = SrtpReceiver(PEER_KEYS)
    packets = []
    for offset in range(0, len(sealed), size):
        opened = receiver.unprotect(sealed[offset : offset + size])
        assert opened is not None
        packets.append(opened)
    assert [packet.payload for packet in packets] == [*payloads, b"o" * sound]
    assert [packet.ssrc for packet in packets] == [9] * count + [7]


def test_two_sounds_share_a_call_too() -> None:
    joined = join(_sound(80), _sound(120))
    assert joined is not None
    assert joined.size(OVERHEAD) == 2 * (12 + 120 + OVERHEAD)
    assert joined.plain_size == 12 + 120


def test_one_packet_rides_and_no_more() -> None:
    (picture,) = make_batches([b"a" * 1000] * 3, LINE, first_sequence=1, timestamp=1)
    joined = join(picture, _sound(80))
    assert joined is not None
    assert join(joined, _sound(10)) is None


@given(st.lists(st.integers(3000, 14_000), min_size=2, max_size=4))
@settings(max_examples=60)
def test_pictures_share_a_call_and_come_out_as_they_were(sizes: list[int]) -> None:
    first, batches, plain = 65_500, [], []
    for number, size in enumerate(sizes):
        parts = equal_parts(bytes([number]) * size, 1180)
        batches += make_batches(parts, LINE, first_sequence=first, timestamp=number)
        plain += [(first + i & 0xFFFF, number, part) for i, part in enumerate(parts)]
        first += len(parts)
    joined = join_all(batches)
    got = []
    for batch in joined:
        lengths = [len(h) + len(p) for h, p in zip(batch.headers, batch.payloads, strict=True)]
        assert len(set(lengths[:-1])) <= 1
        assert lengths[-1] <= lengths[0]
        assert len(lengths) <= MAX_SEGMENTS
        assert batch.size(OVERHEAD) <= MAX_BATCH_BYTES
        for header, payload in zip(batch.headers, batch.payloads, strict=True):
            packet = parse_rtp(header + payload)
            got.append((packet.sequence, packet.timestamp, packet.payload))
    assert got == plain
    if max(sizes) * len(sizes) < 50_000 and min(sizes) > 10_000:
        assert len(joined) == 1


def test_a_batch_in_parts_is_the_same_packets() -> None:
    payloads = [bytes([number]) * 1100 for number in range(5)]
    (batch,) = make_batches(payloads, LINE, first_sequence=0xFFFE, timestamp=1)
    parts = batch.split(2)
    assert [len(part.headers) for part in parts] == [2, 2, 1]
    assert [part.first_sequence for part in parts] == [0xFFFE, 0x10000, 0x10002]
    assert [header for part in parts for header in part.headers] == batch.headers
    assert [payload for part in parts for payload in part.payloads] == batch.payloads
