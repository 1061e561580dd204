from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gamecast.amf import amf0
from gamecast.media.codecs.nal import join_nal_units
from gamecast.media.containers.flv import MAX_TAG_BODY, TagReader, TagType, TagWriter
from gamecast.media.errors import MediaError
from gamecast.media.packet import Packet
from gamecast.media.track import Track
from tests.media.containers.samples import (
    AAC,
    AV1,
    AV1_INTER,
    AV1_KEY,
    H264,
    H264_P,
    HEVC,
    OPUS,
)

TYPES = (TagType.AUDIO, TagType.VIDEO, TagType.SCRIPT)


def test_metadata_is_what_was_sent_last() -> None:
    reader = TagReader()
    reader.read(TagType.SCRIPT, 0, amf0.encode("@setDataFrame", "onMetaData", {"width": 640}))
    assert reader.metadata == {"width": 640.0}
    reader.read(TagType.SCRIPT, 0, b"\xff")
    assert reader.metadata == {"width": 640.0}
    reader.read(TagType.SCRIPT, 0, amf0.encode("onMetaData", {"encoder": "obs"}))
    assert reader.metadata == {"encoder": "obs"}


def test_a_message_over_eight_mebibytes_is_refused() -> None:
    for kind in TYPES:
        with pytest.raises(MediaError):
            TagReader().read(kind, 0, bytes(MAX_TAG_BODY + 1))


def test_other_message_types_are_ignored() -> None:
    assert TagReader().read(20, 0, b"anything") == []


@pytest.mark.parametrize("start", [0, 0xFFFFFF - 5000, (1 << 31) - 5000, (1 << 32) - 5000])
def test_time_goes_on_where_the_timestamp_wraps(start: int) -> None:
    reader, writer = TagReader(), TagWriter([H264, AAC])
    for kind, _, payload in writer.sequence_headers(0):
        reader.read(kind, start, payload)
    times: dict[int, list[Fraction]] = {0: [], 1: []}
    for frame in range(300):
        for track in (H264, AAC):
            dts = (start + frame * 40) * track.clock_rate // 1000
            data = H264_P if track is H264 else b"raw"
            for packet in reader.read(*writer.message(Packet(track, dts, dts, data))):
                times[track.id].append(Fraction(packet.dts, track.clock_rate))
    assert [time - times[0][0] for time in times[0]] == [Fraction(n, 25) for n in range(300)]
    assert abs(times[1][-1] - times[0][-1]) < Fraction(1, 10)
    assert reader.jumps == 0


frames = st.tuples(
    st.integers(90, 90_000), st.integers(0, 900_000), st.booleans(), st.binary(max_size=30)
)


@settings(max_examples=60)
@given(
    st.sampled_from([H264, HEVC, replace(H264, id=2)]),
    st.integers(0, 90 << 32),
    st.lists(frames, min_size=1, max_size=20),
)
def test_reordered_video_comes_back_to_the_millisecond(
    track: Track, start: int, sent: list[tuple[int, int, bool, bytes]]
) -> None:
    reader, writer = TagReader(), TagWriter([H264, track] if track.id else [track])
    key, inter = (b"\x65", b"\x41") if track.codec == "h264" else (b"\x26\x01", b"\x02\x01")
    for kind, stamp, payload in writer.sequence_headers(start // 90):
        reader.read(kind, stamp, payload)
    dts = start
    wrapped = None
    for delta, cts, keyframe, filler in sent:
        dts += delta
        data = join_nal_units([(key if keyframe else inter) + filler + b"\x80"])
        written = Packet(track, dts, dts + cts, data, keyframe)
        (read,) = reader.read(*writer.message(written))
        assert (read.track, read.data, read.keyframe) == (track, data, keyframe)
        if wrapped is None:  # the wire cannot say how often 32 bits have wrapped before
            wrapped = round((read.dts - dts) / (90 << 32)) * (90 << 32)
        assert abs(read.dts - wrapped - dts) <= 45
        assert abs(read.pts - wrapped - dts - cts) <= 45
        assert read.dts % 90 == read.pts % 90 == 0


@settings(max_examples=40)
@given(
    st.sampled_from([AAC, OPUS, replace(AAC, id=2)]),
    st.integers(0, 1 << 40),
    st.lists(st.binary(min_size=1, max_size=30), min_size=1, max_size=40),
)
def test_audio_comes_back_to_the_sample(track: Track, start: int, bodies: list[bytes]) -> None:
    reader, writer = TagReader(), TagWriter([AAC, track] if track.id == 2 else [track])
    for kind, stamp, payload in writer.sequence_headers(0):
        reader.read(kind, stamp, payload)
    samples = track.samples_per_frame or 960
    offsets = set()
    for index, body in enumerate(bodies):
        data = (b"\xfc" if track.codec == "opus" else b"\x21") + body
        dts = start + index * samples
        (read,) = reader.read(*writer.message(Packet(track, dts, dts, data)))
        assert (read.track, read.data) == (track, data)
        offsets.add((read.dts - dts) % (48 << 32))
    assert len(offsets) == 1  # counted in samples: rounding does not jitter
    assert min(offsets.pop(), 24) <= 24


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(90, 9000), st.booleans()), min_size=1, max_size=20))
def test_av1_comes_back_to_the_millisecond(sent: list[tuple[int, bool]]) -> None:
    reader, writer = TagReader(), TagWriter([AV1])
    for message in writer.sequence_headers(0):
        reader.read(*message)
    dts = 0
    for delta, keyframe in sent:
        dts += delta
        data = AV1_KEY if keyframe else AV1_INTER
        (read,) = reader.read(*writer.message(Packet(AV1, dts, dts, data, keyframe)))
        assert (read.data, read.keyframe, read.pts) == (data, keyframe, read.dts)
        assert abs(read.dts - dts) <= 45


HEADS = st.sampled_from(
    [
        b"\x17\x00\x00\x00\x00",
        b"\x17\x01\x00\x00\x00",
        b"\x1c\x00",
        b"\xaf\x00",
        b"\xaf\x01",
        b"\x2f",
    ]
    + [bytes([0x90 | kind]) for kind in range(8)]
    + [b"\x90" + name for name in (b"hvc1", b"av01", b"vp09", b"vp08", b"Opus", b"fLaC", b"mp4a")]
    + [b"\x91" + name for name in (b"hvc1", b"av01", b"vp09", b"vp08", b"Opus", b"fLaC", b"ac-3")]
    + [b"\x96\x11avc1", b"\x96\x20", b"\x95\x21", b"\x94hvc1", b""]
)
messages = st.tuples(
    st.sampled_from(TYPES), st.integers(0, 0xFFFFFFFF), HEADS, st.binary(max_size=60)
)


@settings(max_examples=200)
@given(st.lists(messages, max_size=10))
def test_only_media_error_escapes(sent: list[tuple[int, int, bytes, bytes]]) -> None:
    reader = TagReader()
    for track in (H264, AAC):
        for message in TagWriter([track]).sequence_headers(0):
            reader.read(*message)
    for kind, stamp, head, body in sent:
        try:
            packets = reader.read(kind, stamp, head + body)
        except MediaError:
            continue
        assert sum(len(packet.data) for packet in packets) <= len(head + body) * 4 + 64


@settings(max_examples=150)
@given(st.data())
def test_only_media_error_escapes_damaged_headers(data: st.DataObject) -> None:
    track = data.draw(st.sampled_from([H264, HEVC, AV1, OPUS, AAC]))
    kind, stamp, payload = TagWriter([track]).sequence_headers(0)[1]
    damaged = bytearray(payload)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(1, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(1, len(damaged)))
    reader = TagReader()
    for variant in (bytes(damaged), bytes(damaged[:cut]), payload):
        try:
            reader.read(kind, stamp, variant)
        except MediaError:
            continue
    assert len(reader.tracks) == 1
