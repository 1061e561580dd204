"""Our client and our server, with a link between that cuts their bytes up."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gamecast.protocols.rtmp import RtmpLimits
from gamecast.protocols.rtmp.capabilities import Capabilities
from gamecast.protocols.rtmp.events import (
    ConnectReceived,
    ConnectSucceeded,
    MessageReceived,
    PlayEnded,
    PlayPaused,
    PlayRejected,
    PlayRequested,
    PlayStarted,
    PlayStopped,
    PublishRejected,
    PublishRequested,
    PublishStarted,
    PublishStopped,
    ReconnectRequested,
)
from tests.protocols.rtmp.link_pair import Pair, of
from tests.support.clock import SeededBytes

BODIES = [SeededBytes(size)(size) for size in (0, 1, 127, 4096, 4097, 70_000)]


def steps(*sizes: int) -> Iterator[int]:
    while True:
        yield from sizes


def publish(pair: Pair) -> None:
    pair.client.connect("rtmp://host/live", "live")
    pair.client.publish("name?key=secret")
    pair.run()


def cut_into(size: int) -> Pair:
    return Pair(split=lambda data: (data[at : at + size] for at in range(0, len(data), size)))


@pytest.mark.parametrize("size", [1, 7, 1448, 1 << 20])
def test_a_whole_publish_in_segments(size: int) -> None:
    pair = cut_into(size)
    publish(pair)
    for number, body in enumerate(BODIES):
        pair.run(pair.client.send_media(9 - number % 2, 0xFFFFF0 + number * 10, body))
    pair.client.close()
    pair.run()
    connect, request, *media, stopped = pair.server_events
    assert isinstance(connect, ConnectReceived)
    assert isinstance(request, PublishRequested)
    assert (request.app, request.name, request.query) == ("live", "name", {"key": "secret"})
    assert media == [
        MessageReceived(9 - number % 2, 1, 0xFFFFF0 + number * 10, body)
        for number, body in enumerate(BODIES)
    ]
    assert stopped == PublishStopped(1)
    assert isinstance(pair.client_events[0], ConnectSucceeded)
    assert pair.client_events[1] == PublishStarted(1)


@pytest.mark.parametrize("size", [1, 1448])
def test_a_whole_play_in_segments(size: int) -> None:
    pair = cut_into(size)
    pair.client.connect("rtmp://host/live", "live")
    pair.client.play("name")
    pair.run()
    assert isinstance(pair.server_events[1], PlayRequested)
    assert PlayStarted(1) in pair.client_events
    for number, body in enumerate(BODIES):
        pair.server.send_message(9, 1, number, body)
    pair.server.send_stream_eof(1)
    pair.run()
    found = [m for m in of(MessageReceived, pair.client_events) if m.type_id == 9]
    assert [m.payload for m in found] == BODIES
    assert of(PlayEnded, pair.client_events) == [PlayEnded(1)]
    pair.client.close()
    pair.run()
    assert of(PlayStopped, pair.server_events) == [PlayStopped(1)]
    assert of(PlayPaused, pair.server_events) == []


@settings(max_examples=40)
@given(
    sizes=st.lists(st.integers(1, 3000), min_size=1, max_size=8),
    bodies=st.lists(st.binary(max_size=300) | st.sampled_from(BODIES), max_size=6),
    stamps=st.lists(st.integers(0, 0xFFFFFFFF), min_size=6, max_size=6),
)
def test_any_split(sizes: list[int], bodies: list[bytes], stamps: list[int]) -> None:
    lengths = steps(*sizes)

    def split(data: bytes) -> Iterator[bytes]:
        at = 0
        while at < len(data):
            size = next(lengths)
            yield data[at : at + size]
            at += size

    pair = Pair(split=split)
    publish(pair)
    sent = [pair.client.send_media(9, at, body) for at, body in zip(stamps, bodies, strict=False)]
    pair.run(b"".join(sent))
    found = of(MessageReceived, pair.server_events)
    assert [(m.timestamp, m.payload) for m in found] == list(zip(stamps, bodies, strict=False))


def test_refusals_reach_the_other_end() -> None:
    pair = Pair(accept=False)
    publish(pair)
    pair.server.reject_publish(1, "NetStream.Publish.Denied", "Unknown stream key.")
    pair.run()
    assert pair.client_events[-1] == PublishRejected(
        "NetStream.Publish.Denied", "Unknown stream key."
    )
    pair = Pair(accept=False)
    pair.client.connect("rtmp://host/live", "live")
    pair.client.play("name")
    pair.run()
    pair.server.reject_play(1)
    pair.run()
    assert pair.client_events[-1] == PlayRejected(
        "NetStream.Play.StreamNotFound", "Stream not found."
    )


def test_capabilities_reach_the_other_end() -> None:
    pair = Pair(capabilities=Capabilities(video={"av01": 3}, audio={}, caps_ex=1))
    publish(pair)
    (connect,) = of(ConnectReceived, pair.server_events)
    assert connect.video_four_cc_info == {"av01": 3}
    assert connect.caps_ex == 1
    (answer,) = of(ConnectSucceeded, pair.client_events)
    assert answer.properties["capsEx"] == 7
    pair.server.request_reconnect("rtmp://other/live", "Soon.")
    pair.run()
    assert pair.client_events[-1] == ReconnectRequested("rtmp://other/live", "Soon.")


def test_both_ends_acknowledge() -> None:
    pair = Pair()
    publish(pair)
    for _ in range(60):
        pair.run(pair.client.send_media(9, 0, BODIES[-1]))
    assert pair.client.bytes_acknowledged > 2_500_000


def test_the_largest_message() -> None:
    pair = Pair()
    publish(pair)
    body = bytes(RtmpLimits().max_message_size)
    pair.run(pair.client.send_media(9, 0, body))
    assert of(MessageReceived, pair.server_events)[0].payload == body
