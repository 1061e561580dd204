from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gamecast.media.containers.flv.enhanced import (
    MAX_PARTS,
    Message,
    Part,
    audio_header,
    parse_audio,
    parse_video,
    video_header,
)
from gamecast.media.errors import MediaError


def bodies(payload: bytes, message: Message) -> list[tuple[bytes, int, bytes]]:
    return [(p.fourcc, p.track_id, payload[p.start : p.end]) for p in message.parts]


def test_a_plain_message_has_one_part() -> None:
    payload = b"\x90hvc1" + b"config"
    message = parse_video(payload)
    assert message == Message(0, 0, [Part(b"hvc1", 0, 5, 11)])
    assert bodies(payload, message) == [(b"hvc1", 0, b"config")]
    assert parse_audio(b"\x91Opus" + b"data") == Message(1, 0, [Part(b"Opus", 0, 5, 9)])


def test_headers_are_read_as_they_were_written() -> None:
    for track_id in (0, 1, 255):
        video = video_header(1, 3, b"avc1", track_id) + b"body"
        assert parse_video(video).packet_type == 3
        assert bodies(video, parse_video(video)) == [(b"avc1", track_id, b"body")]
        audio = audio_header(1, b"fLaC", track_id) + b"body"
        assert parse_audio(audio).packet_type == 1
        assert bodies(audio, parse_audio(audio)) == [(b"fLaC", track_id, b"body")]


def test_many_tracks_share_a_fourcc_and_come_in_the_order_of_their_ids() -> None:
    tracks = b"\x01\x00\x00\x02bb" + b"\x00\x00\x00\x03aaa" + b"\x02\x00\x00\x00"
    payload = b"\x96\x11avc1" + tracks
    message = parse_video(payload)
    assert message.packet_type == 1
    assert bodies(payload, message) == [
        (b"avc1", 0, b"aaa"),
        (b"avc1", 1, b"bb"),
        (b"avc1", 2, b""),
    ]


def test_many_codecs_have_a_fourcc_each() -> None:
    payload = b"\x95\x21" + b"Opus\x00\x00\x00\x01o" + b"mp4a\x01\x00\x00\x01m"
    message = parse_audio(payload)
    assert bodies(payload, message) == [(b"Opus", 0, b"o"), (b"mp4a", 1, b"m")]


def test_modifiers_give_nanoseconds_and_may_stand_in_a_row() -> None:
    offset = b"\x02" + (654_321).to_bytes(3, "big")
    payload = b"\x97" + offset + b"\x07" + b"\x00x" + b"\x51" + b"av01frame"
    message = parse_video(payload)
    assert (message.packet_type, message.nanoseconds) == (1, 654_321)
    assert bodies(payload, message) == [(b"av01", 0, b"frame")]


def test_a_modifier_of_more_than_255_bytes_has_a_16_bit_size() -> None:
    payload = b"\x97\xff\x01\x2b" + bytes(300) + b"\x01" + b"Opus!"
    assert bodies(payload, parse_audio(payload)) == [(b"Opus", 0, b"!")]


def test_an_impossible_nanosecond_offset_stays_below_a_millisecond() -> None:
    assert parse_video(b"\x97\x02\xff\xff\xff\x01av01").nanoseconds == 999_999


def test_a_command_frame_has_no_parts_but_metadata_has() -> None:
    assert parse_video(b"\xd1\x00").parts == []
    assert len(parse_video(b"\xd4av01").parts) == 1


@pytest.mark.parametrize(
    "payload",
    [
        b"\x90",
        b"\x90avc",
        b"\x97",
        b"\x97\x02\x00\x00",
        b"\x97\xff\xff",
        b"\x97" + b"\x00\x00\x07" * 40 + b"\x01av01",
        b"\x96",
        b"\x96\x16avc1\x00",  # multitrack in multitrack
        b"\x96\x17avc1\x00",  # a modifier in multitrack
        b"\x96\x31avc1\x00",  # reserved kind
        b"\x96\x01avc1",  # no track id
        b"\x96\x11avc1\x00\x00\x00\x05abcd",  # longer than the message
        b"\x96\x11avc1\x00\x00\x00",
        b"\x96\x11avc1" + b"\x00\x00\x00\x00" * (MAX_PARTS + 1),
    ],
)
def test_what_is_refused(payload: bytes) -> None:
    with pytest.raises(MediaError):
        parse_video(payload)


@settings(max_examples=200)
@given(st.binary(min_size=1, max_size=80), st.sampled_from([b"\x96", b"\x97", b"\x91"]))
def test_only_media_error_escapes_and_parts_lie_inside(data: bytes, first: bytes) -> None:
    payload = first + data
    for parse in (parse_video, parse_audio):
        try:
            message = parse(payload)
        except MediaError:
            continue
        assert len(message.parts) <= MAX_PARTS
        assert all(0 < part.start <= part.end <= len(payload) for part in message.parts)
