from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gamecast.media.containers.flv.tags import (
    MAX_TAG_BODY,
    FlvDemuxer,
    Tag,
    encode_tag,
    file_header,
    read_file_tags,
)
from gamecast.media.errors import MediaError

HEADER = file_header(has_audio=True, has_video=True)


def test_file_header() -> None:
    assert HEADER == b"FLV\x01\x05\x00\x00\x00\x09\x00\x00\x00\x00"
    assert file_header(has_audio=True, has_video=False)[4] == 4
    assert file_header(has_audio=False, has_video=True)[4] == 1


def test_a_tag_carries_the_high_byte_of_its_timestamp_last() -> None:
    tag = encode_tag(9, 0xABCDEF12, b"body")
    assert tag == b"\x09\x00\x00\x04\xcd\xef\x12\xab\x00\x00\x00body\x00\x00\x00\x0f"


def test_a_payload_over_24_bits_is_our_own_mistake() -> None:
    with pytest.raises(ValueError, match="cannot hold"):
        encode_tag(9, 0, bytes(1 << 24))


tags = st.builds(
    Tag, st.sampled_from([8, 9, 18]), st.integers(0, 0xFFFFFFFF), st.binary(max_size=50)
)


@settings(max_examples=100)
@given(st.lists(tags, max_size=8), st.integers(1, 60))
def test_tags_come_out_as_they_went_in_however_they_are_cut(written: list[Tag], cut: int) -> None:
    data = HEADER + b"".join(encode_tag(tag.type, tag.timestamp, tag.payload) for tag in written)
    assert list(read_file_tags(data)) == written
    demuxer = FlvDemuxer()
    read = [
        tag
        for start in range(0, len(data), cut)
        for tag in demuxer.receive_data(data[start : start + cut])
    ]
    assert read == written
    assert (demuxer.has_audio, demuxer.has_video) == (True, True)


def test_tags_of_other_types_are_passed_over() -> None:
    data = HEADER + encode_tag(15, 1, b"x") + encode_tag(8, 2, b"y")
    assert list(read_file_tags(data)) == [Tag(8, 2, b"y")]


def test_a_longer_file_header_is_skipped() -> None:
    data = b"FLV\x01\x01\x00\x00\x00\x0bxx\x00\x00\x00\x00" + encode_tag(9, 0, b"z")
    assert list(read_file_tags(data)) == [Tag(9, 0, b"z")]


@pytest.mark.parametrize(
    "data",
    [
        b"FLV\x02\x05\x00\x00\x00\x09",
        b"RIFF",
        b"G",
        b"FLV\x01\x05\x00\x00\x00\x08\x00\x00\x00\x00",
        b"FLV\x01\x05\xff\xff\xff\xff\x00\x00\x00\x00",
        HEADER + b"\x29\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00",
        HEADER + b"\x09" + (MAX_TAG_BODY + 1).to_bytes(3, "big") + bytes(7),
    ],
)
def test_what_is_refused(data: bytes) -> None:
    with pytest.raises(MediaError):
        FlvDemuxer().receive_data(data)


@settings(max_examples=100)
@given(st.binary(max_size=100))
def test_only_media_error_escapes(data: bytes) -> None:
    for start in (b"", HEADER):
        try:
            found = FlvDemuxer().receive_data(start + data)
        except MediaError:
            continue
        assert sum(len(tag.payload) for tag in found) <= len(data)
