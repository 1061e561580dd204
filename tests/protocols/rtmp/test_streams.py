from __future__ import annotations

import pytest

from gamecast.protocols.rtmp import RtmpProtocolError
from gamecast.protocols.rtmp.events import MessageReceived
from gamecast.protocols.rtmp.states import StreamEvent, StreamState
from gamecast.protocols.rtmp.streams import MessageStream, StreamTable


def test_ids_begin_at_one_and_are_used_again() -> None:
    table = StreamTable(3)
    made = [table.create() for _ in range(4)]
    assert [stream and stream.id for stream in made] == [1, 2, 3, None]
    table.delete(2)
    table.delete(99)
    again = table.create()
    assert again is not None
    assert again.id == 2


def test_the_table_of_publishers_follows_the_states() -> None:
    table = StreamTable(2)
    stream = table.create()
    assert stream is not None
    assert table.apply(stream, StreamEvent.PUBLISH)
    assert table.publishing == {}
    assert table.any_active
    assert table.apply(stream, StreamEvent.ACCEPT_PUBLISH)
    assert table.publishing == {1: stream}
    assert not table.apply(stream, StreamEvent.PLAY)
    assert table.publishing == {1: stream}
    assert table.apply(stream, StreamEvent.CLOSE)
    assert table.publishing == {}
    assert not table.any_active


def test_finding_a_publisher_by_name() -> None:
    table = StreamTable(3)
    one, two = table.create(), table.create()
    assert one is not None
    assert two is not None
    assert table.find_publisher("a") is None
    table.apply(one, StreamEvent.PUBLISH)
    one.name = "a"
    assert table.find_publisher("other") is one
    table.apply(two, StreamEvent.PUBLISH)
    two.name = "b"
    assert table.find_publisher("b") is two
    assert table.find_publisher("other") is None


def test_held_media_is_bounded_and_given_once() -> None:
    stream = MessageStream(1)
    stream.apply(StreamEvent.PUBLISH)
    message = MessageReceived(9, 1, 0, bytes(500))
    stream.hold(message, 1200)
    stream.hold(message, 1200)
    with pytest.raises(RtmpProtocolError, match="before publishing"):
        stream.hold(message, 1200)
    assert len(stream.take_held()) == 2
    assert stream.take_held() == []
    stream.hold(message, 1200)
    stream.apply(StreamEvent.CLOSE)
    assert stream.take_held() == []
    assert stream.state is StreamState.IDLE
