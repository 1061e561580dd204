from __future__ import annotations

from dataclasses import replace

import pytest

from gamecast.amf import amf0
from gamecast.media.codecs.tracks import audio_track, video_track
from gamecast.media.containers.flv import Tag, TagWriter, read_file_tags
from gamecast.media.packet import Packet
from gamecast.media.track import Codec
from tests.media.containers.samples import (
    AAC,
    ASC,
    AV1,
    AV1_KEY,
    AVCC,
    H264,
    H264_IDR,
    H264_P,
    HEVC,
    HEVC_P,
    HVCC,
    MP3_44K,
    OPUS,
    OPUS_20MS,
    OPUS_HEAD,
    VP9,
)


def test_avc_and_aac_take_the_legacy_form() -> None:
    writer = TagWriter([H264, AAC])
    script, video, audio = writer.sequence_headers(5)
    assert script[:2] == (18, 5)
    assert amf0.decode(script[2])[0] == "onMetaData"
    assert video == (9, 5, b"\x17\x00\x00\x00\x00" + AVCC)
    assert audio == (8, 5, b"\xaf\x00" + ASC)
    key = Packet(H264, 9000, 9000, H264_IDR, keyframe=True)
    assert writer.message(key) == (9, 100, b"\x17\x01\x00\x00\x00" + H264_IDR)
    inter = Packet(H264, 9000, 12600, H264_P, keyframe=False)
    assert writer.message(inter) == (9, 100, b"\x27\x01\x00\x00\x28" + H264_P)
    assert writer.message(Packet(AAC, 48000, 48000, b"raw")) == (8, 1000, b"\xaf\x01raw")


def test_hevc_is_enhanced_and_says_no_composition_time_where_it_is_zero() -> None:
    writer = TagWriter([HEVC])
    assert writer.sequence_headers(0)[1] == (9, 0, b"\x90hvc1" + HVCC)
    same = Packet(HEVC, 90, 90, HEVC_P, keyframe=False)
    assert writer.message(same) == (9, 1, b"\xa3hvc1" + HEVC_P)
    later = Packet(HEVC, 90, 180, HEVC_P, keyframe=False)
    assert writer.message(later) == (9, 1, b"\xa1hvc1\x00\x00\x01" + HEVC_P)


def test_other_codecs_are_enhanced() -> None:
    writer = TagWriter([AV1, OPUS])
    assert [payload[:5] for _, _, payload in writer.sequence_headers(0)[1:]] == [
        b"\x90av01",
        b"\x90Opus",
    ]
    assert writer.sequence_headers(0)[2][2][5:] == OPUS_HEAD
    assert writer.message(Packet(AV1, 0, 0, AV1_KEY))[2] == b"\x91av01" + AV1_KEY
    assert writer.message(Packet(OPUS, 0, 0, OPUS_20MS))[2] == b"\x91Opus" + OPUS_20MS
    vp9 = TagWriter([VP9])
    assert vp9.message(Packet(VP9, 0, 0, b"frame", keyframe=False))[2] == b"\xa1vp09frame"


def test_codecs_without_a_configuration_have_no_sequence_header() -> None:
    mp3 = audio_track(Codec.MP3, b"", sample_rate=44_100, channels=2)
    writer = TagWriter([video_track(Codec.VP8, b"", width=320, height=180), mp3])
    assert [kind for kind, _, _ in writer.sequence_headers(0)] == [18]
    assert writer.message(Packet(mp3, 0, 0, MP3_44K))[2] == b"\x2f" + MP3_44K


def test_mp3_at_a_rate_that_flv_has_no_code_for_is_enhanced() -> None:
    mp3 = audio_track(Codec.MP3, b"", sample_rate=48_000, channels=1)
    assert TagWriter([mp3]).message(Packet(mp3, 0, 0, b"frame"))[2] == b"\x91.mp3frame"


def test_flac_has_its_signature_and_block_header_in_front() -> None:
    info = bytes.fromhex("04000400000000000000") + bytes.fromhex("0bb802f000000000") + bytes(16)
    flac = audio_track(Codec.FLAC, info)
    payload = TagWriter([flac]).sequence_headers(0)[1][2]
    assert payload == b"\x90fLaC" + b"fLaC\x80\x00\x00\x22" + info


def test_more_tracks_become_multitrack_messages() -> None:
    second, third = replace(H264, id=2), replace(AAC, id=3)
    writer = TagWriter([H264, AAC, second, third])
    headers = [payload for _, _, payload in writer.sequence_headers(0)]
    assert headers[3] == b"\x96\x00avc1\x01" + AVCC
    assert headers[4] == b"\x95\x00mp4a\x02" + ASC
    packet = Packet(second, 0, 90, H264_P, keyframe=False)
    assert writer.message(packet)[2] == b"\xa6\x01avc1\x01\x00\x00\x01" + H264_P
    assert writer.message(Packet(third, 0, 0, b"raw"))[2] == b"\x95\x01mp4a\x02raw"


@pytest.mark.parametrize(
    ("dts", "pts", "stamp", "composition"),
    [
        (44, 44, 0, 0),
        (45, 45, 1, 0),
        (1500, 4500, 17, 33),  # 16.67 -> 17 and 50: the difference of the rounded, not 33.3
        (3045, 6044, 34, 33),
        (90 * 0x100000005, 90 * 0x100000005, 5, 0),
        (-90, 0, 0xFFFFFFFF, 1),
        (9000, 8910, 100, 0xFFFFFF),  # before its dts: -1 in 24 bits
        (0, 90 << 24, 0, 0x7FFFFF),  # more than the field holds
    ],
)
def test_times_are_rounded_so_that_pts_is_right(
    dts: int, pts: int, stamp: int, composition: int
) -> None:
    _, timestamp, payload = TagWriter([H264]).message(Packet(H264, dts, pts, H264_P))
    assert timestamp == stamp
    assert int.from_bytes(payload[2:5], "big") == composition


def test_the_file_header_names_the_kinds_that_there_are() -> None:
    assert TagWriter([H264]).header()[4] == 1
    assert TagWriter([AAC]).header()[4] == 4
    assert TagWriter([AAC]).header(has_video=True)[4] == 5


def test_script_tags() -> None:
    data = TagWriter([]).header() + TagWriter.script_tag("onClock", {"wall": 1.5}, 1 << 32 | 7)
    (tag,) = read_file_tags(data)
    assert tag == Tag(18, 7, amf0.encode("onClock", {"wall": 1.5}))


def test_a_packet_of_a_foreign_track_is_our_own_mistake() -> None:
    with pytest.raises(KeyError):
        TagWriter([AAC]).message(Packet(H264, 0, 0, H264_P))
