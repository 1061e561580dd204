from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from gamecast.media.codecs import (
    audio_track,
    is_keyframe,
    is_reference,
    packet_samples,
    track_from_frame,
)
from gamecast.media.errors import MediaError
from gamecast.media.track import Codec
from tests.media.codecs.samples import Sample, clip, clip_names, configs

CLOSED = [
    name for name in clip_names(*Codec) if name not in ("h264 open gop", "h264 intra refresh")
]


@pytest.mark.parametrize("name", CLOSED)
def test_keyframes_of_every_codec(name: str) -> None:
    made = clip(name)
    keys = [is_keyframe(Codec(made.codec), frame.data) for frame in made.frames]
    assert keys == [frame.key for frame in made.frames]


def test_audio_can_always_be_started_and_is_always_needed() -> None:
    assert is_keyframe(Codec.AAC, b"")
    assert is_reference(Codec.OPUS, b"")


@pytest.mark.parametrize("name", ["h264", "hevc"])
def test_some_pictures_may_be_dropped(name: str) -> None:
    made = clip(name)
    needed = [is_reference(Codec(made.codec), frame.data) for frame in made.frames]
    assert needed[0]
    assert not all(needed)


@pytest.mark.parametrize("name", ["av1", "vp8", "vp9"])
def test_where_it_is_not_known_all_are_needed(name: str) -> None:
    made = clip(name)
    assert all(is_reference(Codec(made.codec), frame.data) for frame in made.frames)


@pytest.mark.parametrize("sample", configs("aac", "flac"), ids=str)
def test_frame_lengths_with_a_configuration(sample: Sample) -> None:
    track = audio_track(Codec(sample.codec), sample.config)
    seconds = Fraction(packet_samples(track, sample.frame), track.clock_rate)
    assert seconds == Fraction(sample.frame_seconds)


@pytest.mark.parametrize("sample", configs("mp3", "ac3", "eac3"), ids=str)
def test_frame_lengths_without_one(sample: Sample) -> None:
    track = track_from_frame(Codec(sample.codec), sample.frame, id=1)
    assert packet_samples(track, sample.frame) == track.samples_per_frame


def test_opus_varies_from_packet_to_packet() -> None:
    track = audio_track(Codec.OPUS, b"")
    assert [packet_samples(track, bytes((toc << 3,))) for toc in (16, 3, 31)] == [120, 2880, 960]


@pytest.mark.parametrize("codec", [Codec.OPUS, Codec.FLAC, Codec.MP3, Codec.EAC3])
def test_a_broken_packet_is_refused(codec: Codec) -> None:
    track = audio_track(Codec.FLAC, configs("flac")[0].config)
    with pytest.raises(MediaError):
        packet_samples(replace(track, codec=codec), b"")
