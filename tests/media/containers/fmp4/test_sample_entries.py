from __future__ import annotations

import struct
from dataclasses import replace

import pytest

from gamecast.media.codecs.tracks import audio_track, video_track
from gamecast.media.containers.fmp4.boxes import find_boxes, iter_boxes
from gamecast.media.containers.fmp4.sample_entries import sample_entry
from gamecast.media.track import Codec, Color, Track
from tests.media.containers.samples import (
    AAC,
    ASC,
    AV1,
    AV1C,
    AVCC,
    H264,
    HEVC,
    HVCC,
    OPUS,
    VP9,
    VPCC,
)

VISUAL, AUDIO = 8 + 78, 8 + 28
"""Where the boxes inside a sample entry begin."""


def inner(entry: bytes, start: int) -> dict[bytes, bytes]:
    return {box.kind: entry[box.content : box.end] for box in iter_boxes(entry, start)}


@pytest.mark.parametrize(
    ("track", "kind", "box", "config"),
    [
        (H264, b"avc1", b"avcC", AVCC),
        (HEVC, b"hvc1", b"hvcC", HVCC),
        (AV1, b"av01", b"av1C", AV1C),
        (VP9, b"vp09", b"vpcC", VPCC),
    ],
)
def test_visual_entries(track: Track, kind: bytes, box: bytes, config: bytes) -> None:
    entry = sample_entry(replace(track, color=None))
    (whole,) = iter_boxes(entry)
    assert whole.kind == kind
    assert inner(entry, VISUAL) == {box: config}
    assert struct.unpack_from(">HH", entry, 8 + 24) == (320, 180)
    assert entry[14:16] == b"\x00\x01"  # data_reference_index


def test_colour_is_written_where_it_is_known() -> None:
    entry = sample_entry(replace(H264, color=Color(9, 16, 9, full_range=True)))
    assert inner(entry, VISUAL)[b"colr"] == b"nclx\x00\x09\x00\x10\x00\x09\x80"
    assert b"colr" not in inner(sample_entry(replace(H264, color=Color())), VISUAL)


def test_vp8_has_a_configuration_box_of_its_own() -> None:
    entry = sample_entry(video_track(Codec.VP8, b"", width=320, height=180))
    assert inner(entry, VISUAL)[b"vpcC"][:4] == b"\x01\x00\x00\x00"


def test_audio_entries() -> None:
    entry = sample_entry(AAC)
    assert struct.unpack_from(">HHIHH", entry, 8 + 16) == (2, 16, 0, 48_000, 0)
    assert inner(entry, AUDIO)[b"esds"] == (
        b"\x00\x00\x00\x00"
        + b"\x03\x19\x00\x00\x00"
        + b"\x04\x11\x40\x15\x00\x00\x00"
        + bytes(8)
        + b"\x05\x02"
        + ASC
        + b"\x06\x01\x02"
    )


def test_long_descriptors_have_long_sizes() -> None:
    entry = sample_entry(replace(AAC, config=ASC + bytes(200)))
    assert b"\x05\x81\x4a" + ASC in entry


def test_a_rate_that_does_not_fit_is_zero() -> None:
    assert sample_entry(replace(AAC, sample_rate=96_000))[8 + 24 : 8 + 28] == bytes(4)


def test_opus_flac_and_mp3() -> None:
    assert inner(sample_entry(OPUS), AUDIO)[b"dOps"] == struct.pack(
        ">BBHIhB", 0, 2, 312, 48000, 0, 0
    )
    info = bytes.fromhex("04000400000000000000") + bytes.fromhex("0bb802f000000000") + bytes(16)
    flac = sample_entry(audio_track(Codec.FLAC, info))
    assert inner(flac, AUDIO)[b"dfLa"] == b"\x00\x00\x00\x00\x80\x00\x00\x22" + info
    mp3 = sample_entry(audio_track(Codec.MP3, b"", sample_rate=44_100, channels=2))
    assert b"\x04\x0d\x6b\x15" in inner(mp3, AUDIO)[b"esds"]


def test_ac3_and_eac3() -> None:
    ac3 = sample_entry(audio_track(Codec.AC3, b"", sample_rate=44_100, channels=6))
    bits = int.from_bytes(inner(ac3, AUDIO)[b"dac3"], "big")
    assert (bits >> 22, bits >> 17 & 31, bits >> 11 & 7, bits >> 10 & 1) == (1, 8, 7, 1)
    eac3 = sample_entry(audio_track(Codec.EAC3, b"", sample_rate=48_000, channels=2))
    bits = int.from_bytes(inner(eac3, AUDIO)[b"dec3"], "big")
    assert (bits >> 22 & 3, bits >> 17 & 31, bits >> 9 & 7, bits >> 8 & 1) == (0, 16, 2, 0)
    assert find_boxes(eac3, b"ec-3")


def test_every_codec_has_an_entry() -> None:
    tracks = [H264, HEVC, AV1, VP9, AAC, OPUS]
    assert len({sample_entry(track)[4:8] for track in tracks}) == len(tracks)
