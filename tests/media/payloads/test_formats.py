"""Every payload format against FFmpeg's encoders and RTP packetizers, loss and lies."""

from __future__ import annotations

import io
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from itertools import pairwise
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gamecast.media.codecs import av1 as av1_codec
from gamecast.media.codecs import nal
from gamecast.media.errors import MediaError
from gamecast.media.payloads.base import Depacketizer, Packetizer, equal_parts
from gamecast.media.payloads.formats import make_depacketizer, make_packetizer
from gamecast.media.track import Codec, Kind, Track

VIDEO = [Codec.H264, Codec.HEVC, Codec.AV1, Codec.VP8, Codec.VP9]
ENCODERS = {
    Codec.H264: (
        "libx264",
        {"preset": "ultrafast", "tune": "zerolatency", "x264-params": "slices=2"},
    ),
    Codec.HEVC: (
        "libx265",
        {"preset": "ultrafast", "x265-params": "log-level=none:repeat-headers=1:bframes=0"},
    ),
    Codec.AV1: ("libsvtav1", {"preset": "12", "svtav1-params": "lookahead=0:pred-struct=1:rc=2"}),
    Codec.VP8: ("libvpx", {"deadline": "realtime", "lag-in-frames": "0"}),
    Codec.VP9: ("libvpx-vp9", {"deadline": "realtime", "lag-in-frames": "0", "cpu-used": "8"}),
}
MTU = 600


def _normal(codec: Codec, data: bytes) -> bytes:
    """FFmpeg's bytes in the form of ``Packet``."""
    if codec in (Codec.H264, Codec.HEVC):
        return nal.from_annexb(data)
    return av1_codec.normalise(data) if codec is Codec.AV1 else data


@cache
def _encoded(codec: Codec) -> list[bytes]:
    """Twelve frames of moving noise."""
    name, options = ENCODERS[codec]
    context = av.CodecContext.create(name, "w")
    assert isinstance(context, av.VideoCodecContext)
    context.width, context.height, context.pix_fmt = 320, 240, "yuv420p"
    context.time_base, context.framerate = Fraction(1, 90_000), Fraction(30)
    context.bit_rate, context.gop_size = 2_000_000, 6
    context.options = options
    random = np.random.default_rng(1)
    packets: list[bytes] = []
    for index in range(12):
        picture = random.integers(0, 255, (240, 320, 3), dtype=np.uint8)
        picture[: 20 * index] = index * 20
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts, frame.time_base = index * 3000, Fraction(1, 90_000)
        packets += map(bytes, context.encode(frame))
    return packets + [bytes(packet) for packet in context.encode(None)]


def _track(codec: Codec) -> Track:
    return Track(id=0, kind=Kind.VIDEO, codec=codec, clock_rate=90_000)


class _Datagrams(io.RawIOBase):
    """A file that keeps every write by itself, as a socket would."""

    def __init__(self) -> None:
        super().__init__()
        self.packets: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        packet = bytes(data)  # type: ignore[call-overload]
        self.packets.append(packet)
        return len(packet)


def _write_all(
    depacketizer: Depacketizer, packets: list[bytes], timestamp: int = 7
) -> Iterator[bytes]:
    for index, payload in enumerate(packets):
        marker = index == len(packets) - 1
        for unit in depacketizer.write(payload, timestamp=timestamp, marker=marker):
            assert unit.timestamp == timestamp
            yield unit.data


@pytest.mark.parametrize("codec", VIDEO)
def test_real_pictures_come_back_as_they_went(codec: Codec) -> None:
    packetizer = make_packetizer(_track(codec), mtu=MTU)
    depacketizer = make_depacketizer(codec)
    for number, packet in enumerate(_encoded(codec)):
        data = _normal(codec, packet)
        payloads = packetizer.packetize(data)
        assert all(0 < len(payload) <= MTU for payload in payloads)
        assert len(payloads) <= len(data) // (MTU - 40) + 8
        assert list(_write_all(depacketizer, payloads, number)) == [data]
    assert depacketizer.dropped == 0


@pytest.mark.parametrize("codec", [*VIDEO, Codec.OPUS])
def test_ffmpegs_rtp_is_understood(codec: Codec) -> None:
    sink = _Datagrams()
    expected = _mux_rtp(codec, sink)
    depacketizer = make_depacketizer(codec)
    units = []
    for packet in sink.packets:
        if 192 <= packet[1] <= 223:
            continue  # RTCP
        timestamp = int.from_bytes(packet[4:8], "big")
        marker = packet[1] > 127
        units += depacketizer.write(packet[12:], timestamp=timestamp, marker=marker)
    assert [unit.data for unit in units] == expected
    ticks = {b.timestamp - a.timestamp & 0xFFFFFFFF for a, b in pairwise(units)}
    assert ticks == ({960} if codec is Codec.OPUS else {3000})


def _mux_rtp(codec: Codec, sink: _Datagrams) -> list[bytes]:
    """Let FFmpeg packetize what its encoder made; returns what went in."""
    expected = []
    with av.open(
        sink,
        "w",
        format="rtp",
        options={"packetsize": "600", "strict": "experimental"},
        buffer_size=600,
    ) as out:
        encode = _opus_encoder(out) if codec is Codec.OPUS else _video_encoder(out, codec)
        for packet in encode:
            expected.append(_normal(codec, bytes(packet)))
            out.mux(packet)
    return expected


def _video_encoder(out: av.container.OutputContainer, codec: Codec) -> Iterator[av.Packet[Any]]:
    stream = out.add_stream(ENCODERS[codec][0], rate=30)
    assert isinstance(stream, av.VideoStream)
    stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
    stream.codec_context.options = ENCODERS[codec][1]
    stream.codec_context.gop_size = 6
    for index in range(12):
        picture = np.full((240, 320, 3), index * 9, dtype=np.uint8)
        picture[:: index + 2] = 255 - index
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts, frame.time_base = index, Fraction(1, 30)
        yield from stream.encode(frame)
    yield from stream.encode(None)


def _opus_encoder(out: av.container.OutputContainer) -> Iterator[av.Packet[Any]]:
    stream = out.add_stream("libopus", rate=48_000)
    assert isinstance(stream, av.AudioStream)
    for index in range(10):
        samples = np.zeros((1, 960 * 2), dtype=np.int16)
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="stereo")
        frame.sample_rate, frame.pts = 48_000, index * 960
        yield from stream.encode(frame)


@pytest.mark.parametrize("codec", VIDEO)
def test_a_lost_packet_costs_its_picture_and_no_other(codec: Codec) -> None:
    packetizer = make_packetizer(_track(codec), mtu=MTU)
    frames = [_normal(codec, packet) for packet in _encoded(codec)]
    sent = [packetizer.packetize(data) for data in frames]
    victim = max(range(1, len(sent) - 1), key=lambda index: len(sent[index]))
    for missing in range(len(sent[victim])):
        depacketizer = make_depacketizer(codec)
        got = []
        for number, payloads in enumerate(sent):
            for index, payload in enumerate(payloads):
                if (number, index) == (victim, missing):
                    continue
                lost = (number, index - 1) == (victim, missing)
                if missing == len(sent[victim]) - 1 and (number, index) == (victim + 1, 0):
                    lost = True
                marker = index == len(payloads) - 1
                got += depacketizer.write(payload, timestamp=number, marker=marker, lost=lost)
        assert [unit.timestamp for unit in got] == [n for n in range(len(sent)) if n != victim]
        assert depacketizer.dropped == 1


@pytest.mark.parametrize("codec", VIDEO)
def test_a_missing_marker_ends_with_the_next_timestamp(codec: Codec) -> None:
    packetizer = make_packetizer(_track(codec), mtu=MTU)
    depacketizer = make_depacketizer(codec)
    frames = [_normal(codec, packet) for packet in _encoded(codec)[:3]]
    got = []
    for number, data in enumerate(frames):
        for payload in packetizer.packetize(data):
            got += depacketizer.write(payload, timestamp=number, marker=False)
    assert [unit.data for unit in got] == frames[:2]


@pytest.mark.parametrize("codec", VIDEO)
def test_an_access_unit_without_end_is_cut_off(codec: Codec) -> None:
    packetizer = make_packetizer(_track(codec), mtu=1200)
    big = max((_normal(codec, packet) for packet in _encoded(codec)), key=len)
    depacketizer = make_depacketizer(codec)
    payloads = packetizer.packetize(big)

    def write_without_end() -> None:
        for _ in range(4000):
            for payload in payloads:
                depacketizer.write(payload, timestamp=1, marker=False)

    with pytest.raises(MediaError):
        write_without_end()


@pytest.mark.parametrize("codec", [*VIDEO, Codec.OPUS])
def test_only_the_documented_error_escapes(codec: Codec) -> None:
    @given(
        st.lists(
            st.tuples(st.binary(max_size=40), st.integers(0, 2), st.booleans(), st.booleans()),
            max_size=12,
        )
    )
    @settings(max_examples=150)
    def check(packets: list[tuple[bytes, int, bool, bool]]) -> None:
        depacketizer = make_depacketizer(codec)
        for payload, timestamp, marker, lost in packets:
            try:
                units = depacketizer.write(payload, timestamp=timestamp, marker=marker, lost=lost)
            except MediaError:
                continue
            assert len(units) <= 2
            assert all(unit.data for unit in units)

    check()


@pytest.mark.parametrize("codec", VIDEO)
def test_any_bytes_as_access_unit_only_raise_the_documented_error(codec: Codec) -> None:
    @given(st.binary(max_size=200))
    @settings(max_examples=100)
    def check(data: bytes) -> None:
        packetizer: Packetizer = make_packetizer(_track(codec), mtu=64)
        try:
            payloads = packetizer.packetize(data)
        except MediaError:
            return
        assert all(len(payload) <= 64 for payload in payloads)

    check()


@given(st.binary(max_size=5000), st.integers(1, 1300))
@settings(max_examples=60)
def test_equal_parts(data: bytes, limit: int) -> None:
    parts = equal_parts(data, limit)
    assert b"".join(parts) == data
    assert all(len(part) <= limit for part in parts)
    assert len({len(part) for part in parts[:-1]}) <= 1
    assert len(parts[-1]) <= len(parts[0])


def test_codecs_without_a_payload_format() -> None:
    with pytest.raises(MediaError):
        make_packetizer(Track(id=1, kind=Kind.AUDIO, codec=Codec.AAC, clock_rate=48_000))
    with pytest.raises(MediaError):
        make_depacketizer(Codec.MP3)
    with pytest.raises(ValueError):
        make_packetizer(_track(Codec.H264), mtu=10)
