import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gamecast.client.capture import clockstrip
from gamecast.client.capture.clockstrip import decode, decode_word, draw, encode_word

TIMES = st.integers(0, 2**44 - 1)


def strip(
    milliseconds: int, width: int, height: int
) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    luma = np.full((height, width), 90, np.uint8)
    draw(luma, milliseconds)
    return luma


@settings(deadline=None)
@given(TIMES)
def test_word_round_trip(milliseconds: int) -> None:
    assert decode_word(encode_word(milliseconds)) == milliseconds


@settings(deadline=None)
@given(TIMES, st.integers(1, 2**64 - 1))
def test_a_few_flipped_bits_never_give_another_time(milliseconds: int, mask: int) -> None:
    flipped = mask & -mask  # one bit
    assert decode_word(encode_word(milliseconds) ^ flipped) is None


def test_time_must_fit() -> None:
    with pytest.raises(ValueError, match="44 bits"):
        encode_word(2**44)


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (1280, 720), (854, 480), (320, 180)])
def test_picture_round_trip(width: int, height: int) -> None:
    assert decode(strip(1_795_000_123_456, width, height)) == 1_795_000_123_456


def test_strip_covers_the_rows_it_says_and_no_more() -> None:
    luma = strip(12345, 1280, 720)
    top = clockstrip.strip_height(720)
    assert top == 40
    assert set(np.unique(luma[:top])) == {clockstrip.BLACK, clockstrip.WHITE}
    assert (luma[top:] == 90).all()


@pytest.mark.parametrize("size", [(640, 360), (1920, 1080), (256, 144)])
def test_survives_scaling_noise_and_full_range(size: tuple[int, int]) -> None:
    frame = av.VideoFrame.from_ndarray(strip(1_795_000_123_456, 1280, 720), format="gray")
    scaled = frame.reformat(*size).to_ndarray().astype(np.float64)
    noise = np.random.default_rng(1).normal(0, 12, scaled.shape)
    full_range = np.clip((scaled - 16) * 255 / 219 + noise, 0, 255).astype(np.uint8)
    assert decode(full_range) == 1_795_000_123_456


def test_a_blend_of_two_clocks_is_refused() -> None:
    early, late = strip(0x5555_5555_55, 640, 360), strip(0xAAAA_AAAA_AA, 640, 360)
    blend = ((early.astype(int) * 45 + late.astype(int) * 55) // 100).astype(np.uint8)
    assert decode(blend) in (None, 0xAAAA_AAAA_AA)
    torn = early.copy()
    torn[10:] = late[10:]
    assert decode(torn) is None


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 200), st.integers(1, 200), st.integers(0, 2**32))
def test_any_picture_gives_none_or_a_time(width: int, height: int, seed: int) -> None:
    noise = np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)
    found = decode(noise)
    assert found is None or 0 <= found < 2**44
