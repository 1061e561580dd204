from __future__ import annotations

import pytest

from gamecast.media.codecs.aac import parse_audio_specific_config
from gamecast.media.codecs.adts import build_adts
from gamecast.media.containers.flv import TagReader, TagType
from gamecast.media.errors import MediaError
from gamecast.media.packet import Packet
from gamecast.media.track import Codec
from tests.media.containers.samples import ASC, MP3_44K, MP3_48K, OPUS_20MS, OPUS_HEAD

AAC_HEADER = b"\xaf\x00" + ASC
AC3 = bytes.fromhex("0b770000144043e1") + bytes(100)
EAC3 = bytes.fromhex("0b7703ff34840000") + bytes(100)
STREAM_INFO = bytes.fromhex("04000400000000000000") + bytes.fromhex("0bb802f000000000") + bytes(16)
FLAC_FRAME = b"\xff\xf8\xaa\x18\x00\x00" + bytes(20)


def read(reader: TagReader, *payloads: bytes, stamp: int = 0, step: int = 21) -> list[Packet]:
    return [
        packet
        for index, payload in enumerate(payloads)
        for packet in reader.read(TagType.AUDIO, stamp + step * index, payload)
    ]


def test_legacy_aac_is_timed_by_counting_samples() -> None:
    reader = TagReader()
    packets = read(reader, AAC_HEADER, *[b"\xaf\x01\x21raw"] * 10)
    track = reader.tracks[1]
    assert (track.codec, track.sample_rate, track.channels) == (Codec.AAC, 48000, 2)
    assert [packet.data for packet in packets] == [b"\x21raw"] * 10
    assert [p.dts - packets[0].dts for p in packets] == [1024 * n for n in range(10)]
    assert all(p.pts == p.dts and p.keyframe for p in packets)


def test_enhanced_aac_opus_and_flac() -> None:
    for fourcc, config, frame, codec in (
        (b"mp4a", ASC, b"\x21raw", Codec.AAC),
        (b"Opus", OPUS_HEAD, OPUS_20MS, Codec.OPUS),
        (b"fLaC", b"fLaC\x80\x00\x00\x22" + STREAM_INFO, FLAC_FRAME, Codec.FLAC),
        (b"fLaC", STREAM_INFO, FLAC_FRAME, Codec.FLAC),
    ):
        reader = TagReader()
        (packet,) = read(reader, b"\x90" + fourcc + config, b"\x91" + fourcc + frame)
        assert packet.data == frame
        assert packet.track is reader.tracks[1]
        assert (packet.track.codec, packet.track.channels) == (codec, 2)


def test_codecs_that_describe_themselves() -> None:
    for payload, codec, rate, channels in (
        (b"\x2f" + MP3_44K, Codec.MP3, 44_100, 2),
        (b"\x2f" + MP3_48K, Codec.MP3, 48_000, 2),
        (b"\x91.mp3" + MP3_48K, Codec.MP3, 48_000, 2),
        (b"\x91ac-3" + AC3, Codec.AC3, 48_000, 2),
        (b"\x91ec-3" + EAC3, Codec.EAC3, 48_000, 2),
    ):
        reader = TagReader()
        (packet,) = read(reader, payload)
        track = packet.track
        assert (track.codec, track.sample_rate, track.channels) == (codec, rate, channels)
        read(reader, payload, stamp=24)
        assert reader.tracks[1] is track


def test_a_changed_rate_is_a_new_track() -> None:
    reader = TagReader()
    first, second = read(reader, b"\x2f" + MP3_44K, b"\x2f" + MP3_48K)
    assert (first.track.clock_rate, second.track.clock_rate) == (44_100, 48_000)
    assert first.track.id == second.track.id == 1


def test_aac_before_its_configuration_is_dropped() -> None:
    reader = TagReader()
    assert read(reader, b"\xaf\x01\x21raw", b"\xaf\x00", b"\x91mp4a\x21raw") == []
    assert reader.tracks == {}


def test_opus_without_an_identification_header_is_taken_as_stereo() -> None:
    for payloads in ((b"\x91Opus" + OPUS_20MS,), (b"\x90Opus", b"\x91Opus" + OPUS_20MS)):
        reader = TagReader()
        (packet,) = read(reader, *payloads)
        assert packet.track.channels == 2
        assert packet.track.config[:8] == b"OpusHead"


def test_multichannel_config_says_how_many_channels_opus_has() -> None:
    reader = TagReader()
    read(reader, b"\x94Opus\x01\x01\x00\x00\x00\x04", b"\x90Opus")
    assert reader.tracks[1].channels == 1


def test_adts_headers_are_taken_off_and_stand_in_for_a_configuration() -> None:
    frame = build_adts(parse_audio_specific_config(ASC), 4) + b"\x21raw"
    reader = TagReader()
    packets = read(reader, b"\xaf\x01" + frame, b"\xaf\x01" + frame + frame)
    assert [packet.data for packet in packets] == [b"\x21raw"] * 3
    assert [packet.dts - packets[0].dts for packet in packets] == [0, 1024, 2048]
    assert packets[0].track.config[:2] == ASC


def test_a_repeated_configuration_keeps_the_track_and_a_changed_one_does_not() -> None:
    reader = TagReader()
    read(reader, AAC_HEADER)
    track = reader.tracks[1]
    read(reader, AAC_HEADER)
    assert reader.tracks[1] is track
    read(reader, b"\xaf\x00\x12\x10")
    assert (reader.tracks[1].id, reader.tracks[1].sample_rate) == (1, 44_100)


def test_multitrack_parts_become_tracks_of_their_own() -> None:
    reader = TagReader()
    config = b"\x00\x00\x00\x02" + ASC + b"\x01\x00\x00\x02" + ASC
    frames = b"\x00\x00\x00\x02ab" + b"\x01\x00\x00\x02cd"
    first, second = read(reader, b"\x95\x10mp4a" + config, b"\x95\x11mp4a" + frames)
    assert [(p.track.id, p.data) for p in (first, second)] == [(1, b"ab"), (2, b"cd")]


@pytest.mark.parametrize("payload", [b"", b"\xaf\x01", b"\xaf\x07x", b"\x92mp4a"])
def test_messages_without_a_frame(payload: bytes) -> None:
    reader = TagReader()
    assert read(reader, AAC_HEADER, payload) == []
    assert 1 in reader.tracks


@pytest.mark.parametrize(
    "payload",
    [
        b"\xaf",
        b"\x3f\x00",  # linear PCM
        b"\xbf\x00",  # Speex
        b"\xaf\x00\xff",
        b"\xaf\x00\x17\x80",  # sample rate index 15 without a rate
        b"\x2fxxxx",
        b"\x90XXXX",
        b"\x93mp4a",
        b"\x91ac-3xx",
        b"\x90OpusOpusHead",
        b"\x90fLaC",
        b"\xaf\x01\xff\xf1\x4c\x80\x02\x1f\xfcx",  # ADTS that is cut short
    ],
)
def test_what_is_refused(payload: bytes) -> None:
    reader = TagReader()
    read(reader, AAC_HEADER)
    with pytest.raises(MediaError):
        read(reader, payload)
    assert reader.tracks[1].config == ASC
