"""Messages survive being cut anywhere, and nothing but ``WireError`` comes of bad ones."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gamecast.media.codecs import video_track
from gamecast.media.packet import Packet
from gamecast.media.track import Codec
from gamecast.transcode import wire
from gamecast.transcode.recipes import AudioRecipe, Profile, VideoRecipe
from gamecast.transcode.wire import Message, MessageKind, MessageReader, WireError
from tests.support.media import AVCC, aac_track, h264_track


@given(
    st.lists(st.tuples(st.sampled_from(MessageKind), st.integers(0, 0xFFFF), st.binary())),
    st.integers(1, 20),
)
@settings(max_examples=40)
def test_messages_cut_anywhere(sent: list[tuple[MessageKind, int, bytes]], step: int) -> None:
    data = b"".join([wire.build_message(*each) for each in sent])
    reader = MessageReader()
    got: list[Message] = []
    for position in range(0, len(data), step):
        got += reader.receive_data(data[position : position + step])
    assert [(message.kind, message.line, message.body) for message in got] == sent


@given(st.binary(max_size=200))
@settings(max_examples=60)
def test_noise_is_a_wire_error_or_nothing(data: bytes) -> None:
    try:
        messages = MessageReader().receive_data(data)
    except WireError:
        return
    assert sum(len(message.body) + 7 for message in messages) <= len(data)


def test_a_length_out_of_bounds_is_refused_before_it_is_awaited() -> None:
    head = (wire.MAX_BODY + 1).to_bytes(4, "big") + bytes([MessageKind.PACKET, 0, 1])
    with pytest.raises(WireError, match="bytes"):
        MessageReader().receive_data(head)
    head = (wire.MAX_CONTROL_BODY + 1).to_bytes(4, "big") + bytes([MessageKind.TRACK, 0, 1])
    with pytest.raises(WireError, match="TRACK"):
        MessageReader().receive_data(head)


@pytest.mark.parametrize("encode", [True, False])
@pytest.mark.parametrize("keyframe", [True, False])
def test_packets_there_and_back(encode: bool, keyframe: bool) -> None:
    packet = Packet(h264_track(), -5, 1 << 40, b"picture", keyframe, wall=1.7e9)
    (message,) = MessageReader().receive_data(wire.build_packet(7, packet, encode=encode))
    assert (message.kind, message.line) == (MessageKind.PACKET, 7)
    assert wire.parse_packet(message.body, packet.track) == (packet, encode)


def test_a_packet_cut_short() -> None:
    with pytest.raises(WireError):
        wire.parse_packet(b"short", h264_track())


@pytest.mark.parametrize(
    "recipe",
    [
        AudioRecipe(),
        AudioRecipe(codec=Codec.AAC, bitrate=96_000),
        VideoRecipe(),
        VideoRecipe(profile=Profile.CONSTRAINED_BASELINE, bitrate=3_000_000, encoder="libx264"),
        VideoRecipe(codec=Codec.VP8),
    ],
)
def test_recipes_there_and_back(recipe: AudioRecipe | VideoRecipe) -> None:
    assert wire.parse_recipe(wire.build_recipe(recipe)) == recipe


def test_tracks_there_and_back() -> None:
    for track in (video_track(Codec.H264, AVCC), aac_track()):
        told = wire.parse_track(wire.build_track(track))
        for name in ("id", "kind", "codec", "clock_rate", "config", "width", "fps", "sample_rate"):
            assert getattr(told, name) == getattr(track, name)
    assert wire.parse_track(wire.build_track(video_track(Codec.H264, AVCC))).fps == Fraction(30)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@given(st.sampled_from(sorted(json.loads(wire.build_track(aac_track())))), json_values)
@settings(max_examples=80)
def test_a_track_with_a_wrong_field(name: str, value: object) -> None:
    fields = json.loads(wire.build_track(aac_track())) | {name: value}
    try:
        track = wire.parse_track(json.dumps(fields).encode())
    except WireError:
        return
    assert type(track.id) is int


@given(st.binary(max_size=60))
@settings(max_examples=40)
def test_control_bodies_of_noise(body: bytes) -> None:
    for parse in (wire.parse_track, wire.parse_recipe):
        with pytest.raises(WireError):
            parse(body)


@given(st.binary(max_size=1000))
@settings(max_examples=40)
def test_reasons_are_one_short_line(body: bytes) -> None:
    reason = wire.parse_reason(body)
    assert len(reason) <= wire.MAX_REASON
    assert reason.isprintable()
