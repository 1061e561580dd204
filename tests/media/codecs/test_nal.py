from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gamecast.media.codecs import nal
from gamecast.media.errors import MediaError
from tests.media.codecs.samples import clip

UNITS = st.lists(st.binary(min_size=1, max_size=40), max_size=8)


def prefixed(units: list[bytes], length_size: int) -> bytes:
    return b"".join(len(unit).to_bytes(length_size, "big") + unit for unit in units)


@given(UNITS, st.sampled_from([1, 2, 4]))
def test_units_come_back_at_every_length_size(units: list[bytes], length_size: int) -> None:
    data = prefixed(units, length_size)
    assert nal.nal_units(data, length_size) == units
    assert nal.normalise(data, length_size) == nal.join_nal_units(units)


def test_normalise_leaves_good_data_alone() -> None:
    data = nal.join_nal_units([b"\x67ab", b"\x65c"])
    assert nal.normalise(data) is data


@pytest.mark.parametrize("length_size", [1, 2, 4])
def test_normalise_drops_empty_units(length_size: int) -> None:
    data = prefixed([b"", b"\x65a", b"", b""], length_size)
    assert nal.normalise(data, length_size) == b"\x00\x00\x00\x02\x65a"


@pytest.mark.parametrize("data", [b"\x00\x00\x00", b"\x00\x00\x00\x03ab", b"\xff\xff\xff\xff\x65"])
def test_a_length_that_lies_is_refused(data: bytes) -> None:
    with pytest.raises(MediaError):
        nal.normalise(data)


def test_too_many_units_are_refused() -> None:
    whole = prefixed([b"a"] * nal.MAX_NAL_UNITS, 4)
    assert len(nal.nal_units(whole)) == nal.MAX_NAL_UNITS
    with pytest.raises(MediaError, match="more than"):
        nal.normalise(whole + prefixed([b"a"], 4))
    with pytest.raises(MediaError, match="more than"):
        nal.split_annexb(b"\x00\x00\x01a" * (nal.MAX_NAL_UNITS + 1))


def test_annexb_with_both_start_codes_and_padding() -> None:
    stream = b"junk\x00\x00\x00\x01\x67ab\x00\x00\x01\x68c\x00\x00\x00\x00\x00\x01\x65d\x00\x00"
    assert nal.split_annexb(stream) == [b"\x67ab", b"\x68c", b"\x65d"]
    assert nal.from_annexb(stream) == prefixed([b"\x67ab", b"\x68c", b"\x65d"], 4)
    assert nal.split_annexb(b"no start code") == []


@pytest.mark.parametrize("name", ["h264", "hevc"])
def test_real_access_units_survive_the_way_to_annexb_and_back(name: str) -> None:
    for frame in clip(name).frames:
        annexb = nal.to_annexb(frame.data)
        assert annexb.startswith(nal.START_CODE)
        assert nal.from_annexb(annexb) == frame.data


@given(st.binary(max_size=64), st.sampled_from([1, 2, 4]))
def test_any_bytes_give_units_or_a_media_error(data: bytes, length_size: int) -> None:
    try:
        units = nal.nal_units(data, length_size)
    except MediaError:
        return
    assert sum(map(len, units)) <= len(data)
    assert nal.split_annexb(data) is not None
