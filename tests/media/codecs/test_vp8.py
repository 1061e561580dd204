from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gamecast.media.codecs import vp8
from gamecast.media.errors import MediaError
from tests.media.codecs.samples import clip

FRAMES = clip("vp8").frames


def test_keyframes_are_those_of_libavformat() -> None:
    keys = [frame.key for frame in FRAMES]
    assert [vp8.is_keyframe(frame.data) for frame in FRAMES] == keys
    assert sum(keys) > 1


def test_size() -> None:
    assert vp8.frame_size(FRAMES[0].data) == (64, 64)


def test_scaling_bits_are_no_part_of_the_size() -> None:
    assert vp8.frame_size(b"\x10\x00\x00\x9d\x01\x2a\x80\x47\x38\x84") == (1920, 1080)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        FRAMES[1].data,
        FRAMES[0].data[:9],
        b"\x10\x00\x00\x9d\x01\x2b\x40\x00\x40\x00",
        b"\x10\x00\x00\x9d\x01\x2a\x00\x00\x40\x00",
    ],
)
def test_what_is_no_key_frame_has_no_size(data: bytes) -> None:
    with pytest.raises(MediaError):
        vp8.frame_size(data)


@given(st.binary(max_size=16))
def test_any_bytes_are_judged_or_refused(data: bytes) -> None:
    with suppress(MediaError):
        vp8.is_keyframe(data)
        vp8.frame_size(data)
