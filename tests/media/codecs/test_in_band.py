"""Tracks from keyframes that carry their own parameter sets."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gamecast.media.codecs import h264, video_track
from gamecast.media.codecs.in_band import config_from_units, track_from_keyframe
from gamecast.media.codecs.nal import join_nal_units
from gamecast.media.errors import MediaError
from gamecast.media.track import Codec
from tests.support.media import AVCC

CONFIG = h264.parse_avcc(AVCC)
IDR = b"\x65\x88\x84"


def test_h264_keyframe_with_its_parameter_sets() -> None:
    data = join_nal_units([*CONFIG.sps, *CONFIG.pps, IDR])
    assert track_from_keyframe(Codec.H264, data, id=0) == video_track(Codec.H264, AVCC)


def test_keyframe_without_parameter_sets_says_nothing() -> None:
    with pytest.raises(MediaError):
        track_from_keyframe(Codec.H264, join_nal_units([IDR]), id=0)


def test_codecs_without_parameter_sets() -> None:
    with pytest.raises(MediaError):
        config_from_units(Codec.VP8, [IDR])


@given(st.sampled_from([Codec.H264, Codec.HEVC]), st.binary(max_size=200))
def test_only_media_errors(codec: Codec, data: bytes) -> None:
    with contextlib.suppress(MediaError):
        track_from_keyframe(codec, data, id=0)
