from __future__ import annotations

import pytest

from gamecast.amf import amf0
from gamecast.media.containers.flv import TagReader, TagType
from gamecast.media.errors import MediaError
from gamecast.media.packet import Packet
from gamecast.media.track import Codec, Color
from tests.media.containers.samples import (
    AV1_INTER,
    AV1_KEY,
    AV1C,
    AVCC,
    H264_IDR,
    H264_P,
    H264_RECOVERY,
    HEVC_CRA,
    HEVC_P,
    HVCC,
    VP8_INTER,
    VP8_KEY,
    VP9_INTER,
    VP9_KEY,
    VPCC,
)

AVC_HEADER = b"\x17\x00\x00\x00\x00" + AVCC


def read(reader: TagReader, *payloads: bytes, stamp: int = 0) -> list[Packet]:
    return [
        packet
        for index, payload in enumerate(payloads)
        for packet in reader.read(TagType.VIDEO, stamp + 40 * index, payload)
    ]


def test_legacy_avc() -> None:
    reader = TagReader()
    key, inter = read(
        reader, AVC_HEADER, b"\x17\x01\x00\x00\x50" + H264_IDR, b"\x27\x01\x00\x00\x00" + H264_P
    )
    track = reader.tracks[0]
    assert (track.codec, track.width, track.height) == (Codec.H264, 320, 180)
    assert key == Packet(track, 3600, 3600 + 80 * 90, H264_IDR, keyframe=True)
    assert inter == Packet(track, 7200, 7200, H264_P, keyframe=False)


@pytest.mark.parametrize("first", [b"\x1c", b"\x90"])
def test_hevc_legacy_and_enhanced(first: bytes) -> None:
    reader = TagReader()
    if first == b"\x90":
        payloads = (b"\x90hvc1" + HVCC, b"\x91hvc1\x00\x00\x28" + HEVC_CRA, b"\xa3hvc1" + HEVC_P)
    else:
        header, coded = b"\x1c\x00\x00\x00\x00", b"\x1c\x01\x00\x00\x28"
        payloads = (header + HVCC, coded + HEVC_CRA, b"\x2c\x01\x00\x00\x00" + HEVC_P)
    key, inter = read(reader, *payloads)
    assert reader.tracks[0].codec is Codec.HEVC
    assert (key.pts - key.dts, key.data, key.keyframe) == (3600, HEVC_CRA, True)
    assert (inter.pts - inter.dts, inter.data, inter.keyframe) == (0, HEVC_P, False)


def test_av1_without_temporal_delimiters() -> None:
    reader = TagReader()
    key, inter = read(
        reader,
        b"\x90av01" + AV1C,
        b"\x91av01\x12\x00" + AV1_KEY,
        b"\xa1av01\x12\x00" + AV1_INTER,
    )
    assert reader.tracks[0].config == AV1C
    assert (key.data, key.keyframe) == (AV1_KEY, True)
    assert (inter.data, inter.keyframe) == (AV1_INTER, False)


def test_av1_configuration_without_a_sequence_header_waits_for_the_keyframe() -> None:
    reader = TagReader()
    descriptor = b"\x80\x04" + AV1C[:3] + b"\xd0"
    packets = read(reader, b"\x95av01" + descriptor, b"\xa1av01" + AV1_INTER, b"\x91av01" + AV1_KEY)
    assert [packet.data for packet in packets] == [AV1_KEY]
    assert (reader.tracks[0].width, reader.tracks[0].height) == (320, 180)
    assert packets[0].track.config == AV1C


def test_vp9_takes_its_size_from_the_keyframe() -> None:
    reader = TagReader()
    header = b"\x90vp09" + VPCC
    packets = read(reader, header, b"\xa1vp09" + VP9_INTER, header, b"\x91vp09" + VP9_KEY)
    assert [(packet.data, packet.keyframe) for packet in packets] == [(VP9_KEY, True)]
    assert (reader.tracks[0].width, reader.tracks[0].height) == (320, 180)
    track = reader.tracks[0]
    inter, again = read(reader, b"\xa1vp09" + VP9_INTER, b"\x91vp09" + VP9_KEY, stamp=1000)
    assert inter.keyframe is False
    assert inter.track is again.track is track


def test_vp8_and_vp9_need_no_sequence_header() -> None:
    for fourcc, key, inter in ((b"vp08", VP8_KEY, VP8_INTER), (b"vp09", VP9_KEY, VP9_INTER)):
        reader = TagReader()
        packets = read(reader, b"\xa1" + fourcc + inter, b"\x91" + fourcc + key)
        assert [(packet.data, packet.keyframe) for packet in packets] == [(key, True)]
        assert (reader.tracks[0].width, reader.tracks[0].height) == (320, 180)


def test_frames_before_their_sequence_header_are_dropped() -> None:
    reader = TagReader()
    assert (
        read(reader, b"\x17\x01\x00\x00\x00" + H264_IDR, b"\x91hvc1\x00\x00\x00" + HEVC_CRA) == []
    )
    assert reader.tracks == {}


def test_a_repeated_sequence_header_keeps_the_track_and_a_changed_one_does_not() -> None:
    reader = TagReader()
    frame = b"\x17\x01\x00\x00\x00" + H264_IDR
    first, second = read(reader, AVC_HEADER, frame, AVC_HEADER, frame)
    assert first.track is second.track
    changed = AVC_HEADER[:-4]  # the same sets without the optional bytes of the high profile
    (third,) = read(reader, changed, frame, stamp=1000)
    assert third.track is not first.track
    assert (third.track.id, third.track.config) == (0, AVCC[:-4])


def test_the_codec_may_change() -> None:
    reader = TagReader()
    frame = b"\x17\x01\x00\x00\x00" + H264_IDR
    packets = read(
        reader, AVC_HEADER, frame, b"\x90hvc1" + HVCC, b"\x91hvc1\x00\x00\x00" + HEVC_CRA, frame
    )
    assert [packet.track.codec for packet in packets] == [Codec.H264, Codec.HEVC]
    assert reader.tracks[0].codec is Codec.HEVC
    assert {packet.track.id for packet in packets} == {0}


@pytest.mark.parametrize("length_size", [1, 2])
def test_short_nal_unit_lengths_become_four_bytes(length_size: int) -> None:
    reader = TagReader()
    config = AVCC[:4] + bytes([0xFC | length_size - 1]) + AVCC[5:]
    nal = H264_IDR[4:]
    (packet,) = read(
        reader,
        b"\x17\x00\x00\x00\x00" + config,
        b"\x17\x01\x00\x00\x00" + len(nal).to_bytes(length_size, "big") + nal,
    )
    assert packet.data == H264_IDR
    assert packet.track.config == AVCC


def test_keyframes_are_what_the_bitstream_says() -> None:
    reader = TagReader()
    recovery, idr = read(
        reader,
        AVC_HEADER,
        b"\x17\x01\x00\x00\x00" + H264_RECOVERY,
        b"\x27\x01\x00\x00\x00" + H264_IDR,
    )
    assert (recovery.keyframe, idr.keyframe) == (False, True)


def test_negative_composition_times_shift_the_pictures() -> None:
    reader = TagReader()
    (packet,) = read(reader, AVC_HEADER, b"\x27\x01\xff\xff\xf6" + H264_P)
    assert packet.pts >= packet.dts


def test_nanoseconds_are_added() -> None:
    reader = TagReader()
    (packet,) = read(
        reader, b"\x90av01" + AV1C, b"\x97\x02\x0a\x2c\x2a\x01av01" + AV1_KEY
    )  # 666 666 ns are 60 ticks
    assert (packet.dts, packet.pts) == (3660, 3660)


def test_multitrack_parts_become_tracks_of_their_own() -> None:
    reader = TagReader()
    size = len(AVCC).to_bytes(3, "big")
    frame = b"\x00\x00\x00" + H264_IDR
    frame_size = len(frame).to_bytes(3, "big")
    first, second = read(
        reader,
        b"\x96\x10avc1" + b"\x01" + size + AVCC + b"\x00" + size + AVCC,
        b"\x96\x11avc1" + b"\x01" + frame_size + frame + b"\x00" + frame_size + frame,
    )
    assert (first.track.id, second.track.id) == (0, 2)
    assert first.dts == second.dts
    assert sorted(reader.tracks) == [0, 2]


def test_tracks_beyond_sixteen_are_dropped() -> None:
    reader = TagReader()
    for number in range(256):
        read(reader, b"\x96\x00avc1" + bytes([number]) + AVCC)
    assert len(reader.tracks) == 16


def test_color_info_fills_in_what_the_bitstream_leaves_open() -> None:
    config = {"colorPrimaries": 9, "transferCharacteristics": 16, "matrixCoefficients": 9}
    info = b"\xd4hvc1" + amf0.encode("colorInfo", {"colorConfig": config})
    for order in ((b"\x90hvc1" + HVCC, info), (info, b"\x90hvc1" + HVCC)):
        reader = TagReader()
        read(reader, *order)
        assert reader.tracks[0].color == Color(9, 16, 9)
        read(reader, b"\xd4hvc1" + amf0.encode("colorInfo", {}))
        assert reader.tracks[0].color in (None, Color())


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\x52\x00",  # a command frame
        b"\x17\x02\x00\x00\x00",  # end of sequence
        b"\x92avc1",
        b"\x17\x01\x00\x00\x00",  # an empty access unit
        b"\x17\x01\x00\x00\x00\x00\x00\x00\x00",  # an empty NAL unit
    ],
)
def test_messages_without_a_frame(payload: bytes) -> None:
    reader = TagReader()
    assert read(reader, AVC_HEADER, payload) == []


@pytest.mark.parametrize(
    "payload",
    [
        b"\x17",
        b"\x17\x01\x00\x00",
        b"\x12\x00\x00\x00\x00",  # Sorenson
        b"\x17\x03\x00\x00\x00",
        b"\x17\x00\x00\x00\x00",  # no configuration
        b"\x17\x00\x00\x00\x00" + AVCC[:20],
        b"\x17\x00\x00\x00\x00" + AVCC[:4] + b"\xfe" + AVCC[5:],  # lengths of 3 bytes
        b"\x17\x01\x00\x00\x00\x00\x00\x00\xffx",  # a NAL unit past the end
        b"\x90vvc1config",
        b"\x90XXXX",
        b"\x91avc1\x00",
        b"\x98avc1",
        b"\x95avc1\x80\x04\x81\x00\x0c\x00",  # an AV1 descriptor for another codec
        b"\x95av01\x81",
        b"\x17\x01\x00\x00\x00" + bytes(8 << 20) + b"x" * 64,
    ],
)
def test_what_is_refused(payload: bytes) -> None:
    reader = TagReader()
    read(reader, AVC_HEADER)
    with pytest.raises(MediaError):
        read(reader, payload)
    assert reader.tracks[0].config == AVCC  # what was known is left as it was
