from __future__ import annotations

import pytest

from gamecast.amf import amf0
from gamecast.protocols.rtmp import RtmpLimits, RtmpProtocolError, ServerConnection
from gamecast.protocols.rtmp.capabilities import parse_four_cc_list, parse_info_map
from gamecast.protocols.rtmp.events import (
    ConnectionTimedOut,
    ConnectReceived,
    MessageReceived,
    PeerClosed,
    PlayRequested,
    PublishRequested,
    PublishStopped,
)
from gamecast.protocols.rtmp.server_replies import SERVER_CHUNK_SIZE
from gamecast.protocols.rtmp.states import ConnectionState
from tests.protocols.rtmp.link_pair import (
    HANDSHAKE,
    NOW,
    Talk,
    command,
    connect,
    connected,
    message,
    of,
    playing,
    publishing,
    talk,
)
from tests.support.clock import SeededBytes


def test_connect_is_answered_as_adobes_server_does() -> None:
    started = talk()
    states = [started.server.state]
    for data in (HANDSHAKE, connect(flashVer="FMLE/3.0", objectEncoding=0)):
        started.say(data)
        states.append(started.server.state)
    assert states == [
        ConnectionState.HANDSHAKING,
        ConnectionState.CONNECTING,
        ConnectionState.CONNECTED,
    ]
    kinds = [m.type_id for m in started.take()]
    assert kinds == [5, 6, 20, 20]  # Set Chunk Size (1) is the reader's own business.
    result, done = started.commands()
    assert (result.name, result.transaction_id) == ("_result", 1)
    assert done.name == "onBWDone"
    information = result.mapping(0)
    assert information["code"] == "NetConnection.Connect.Success"
    assert information["objectEncoding"] == 0
    for properties in (result.object, information):
        assert properties["capsEx"] == 7
        assert "hvc1" in parse_four_cc_list(properties["fourCcList"])
        assert parse_info_map(properties["videoFourCcInfoMap"])["av01"] == 4
    assert started.sent.count(b"\0\0\xea\x60") == 1
    assert SERVER_CHUNK_SIZE == 0xEA60


def test_connect_tells_what_the_client_can_do() -> None:
    (event,) = of(
        ConnectReceived,
        talk().say(
            HANDSHAKE,
            connect(
                app="/live/?a=b",
                flashVer="OBS",
                swfUrl="s",
                pageUrl="p",
                fourCcList=["av01", "*"],
                videoFourCcInfoMap={"av01": 7},
                audioFourCcInfoMap={"Opus": 1},
                capsEx=3,
                objectEncoding=3,
            ),
        ),
    )
    assert event == ConnectReceived(
        app="live",
        query={"a": "b"},
        tc_url="rtmp://host/live",
        flash_ver="OBS",
        swf_url="s",
        page_url="p",
        four_cc_list=["av01", "*"],
        video_four_cc_info={"av01": 7},
        audio_four_cc_info={"Opus": 1},
        caps_ex=3,
        object_encoding=3,
    )


def test_the_query_of_the_url_stands_in_for_that_of_the_application() -> None:
    (event,) = of(ConnectReceived, talk().say(HANDSHAKE, connect(tcUrl="rtmp://h/live?key=x")))
    assert event.query == {"key": "x"}


def test_connect_may_be_left_to_the_application() -> None:
    started = talk(accept_connects=False)
    started.say(HANDSHAKE, connect())
    assert started.server.state is ConnectionState.DECIDING
    assert started.commands() == []
    started.server.accept_connect()
    assert started.commands()[0].name == "_result"
    with pytest.raises(ValueError, match="no connect"):
        started.server.accept_connect()


def test_connect_may_be_refused() -> None:
    started = talk(accept_connects=False)
    started.say(HANDSHAKE, connect())
    started.server.reject_connect("NetConnection.Connect.Rejected", "Go away.")
    error, close = started.commands()
    assert (error.name, error.transaction_id, close.name) == ("_error", 1, "close")
    assert error.mapping(0) == {
        "level": "error",
        "code": "NetConnection.Connect.Rejected",
        "description": "Go away.",
    }
    assert started.server.state is ConnectionState.CLOSED
    assert started.say(command("createStream", 2, None)) == []


def test_publishing() -> None:
    started = connected()
    assert started.answer(2).arguments == [1.0]
    (event,) = started.say(command("publish", 3, None, "name?key=k&a=", "live", stream_id=1))
    assert event == PublishRequested(
        stream_id=1, app="live", name="name", query={"key": "k", "a": ""}, publish_type="live"
    )
    assert started.server.accept_publish(1)
    assert [c.name for c in started.commands()[-2:]] == ["onFCPublish", "onStatus"]
    assert started.codes() == ["NetStream.Publish.Start"]
    notice, begin, started_status = started.take()[-3:]
    assert (notice.stream_id, started_status.stream_id) == (1, 1)
    assert (begin.type_id, begin.payload) == (4, b"\0\0\0\0\0\1")
    media = message(9, b"v" * 300, stream_id=1, timestamp=40)
    assert started.say(media) == [MessageReceived(9, 1, 40, b"v" * 300)]
    assert not started.server.accept_publish(1)


def test_metadata_comes_as_a_script_tag() -> None:
    started = publishing()
    body = amf0.encode("onMetaData", {"width": 1})
    (event,) = started.say(message(18, amf0.encode("@setDataFrame") + body, stream_id=1))
    assert event == MessageReceived(18, 1, 0, body)


@pytest.mark.parametrize("code", ["NetStream.Publish.Denied", "NetStream.Publish.BadName"])
def test_refusing_to_publish(code: str) -> None:
    started = connected()
    started.say(command("publish", 3, None, "name", stream_id=1))
    assert started.server.reject_publish(1, code, "No.")
    assert started.codes() == [code]
    assert started.commands()[-1].mapping(0)["level"] == "error"
    assert started.say(message(9, b"v", stream_id=1)) == []
    assert not started.server.reject_publish(1, code, "No.")
    started.say(command("publish", 4, None, "other", stream_id=1))
    assert started.server.accept_publish(1)


def test_a_publisher_may_be_stopped_later() -> None:
    started = publishing()
    assert started.server.reject_publish(1, "NetStream.Publish.BadName", "Taken over.")
    assert started.codes()[-1] == "NetStream.Publish.BadName"
    assert started.say(message(9, b"v", stream_id=1)) == []


def test_media_that_did_not_wait_for_the_answer_is_not_lost() -> None:
    """nginx-rtmp's push sends sequence headers right behind ``publish``."""
    started = connected()
    first, second = (message(9, b"%d" % n, stream_id=1, timestamp=n) for n in (1, 2))
    started.say(command("publish", 3, None, "name", stream_id=1), first)
    assert of(MessageReceived, started.events) == []
    started.server.accept_publish(1)
    found = of(MessageReceived, started.say(second))
    assert [m.payload for m in found] == [b"1", b"2"]


def test_held_media_is_bounded() -> None:
    started = connected(RtmpLimits(max_held_size=10_000))
    started.say(command("publish", 3, None, "name", stream_id=1))
    with pytest.raises(RtmpProtocolError, match="before publishing"):
        started.say(*[message(9, bytes(1000), stream_id=1)] * 20)


def test_media_with_a_wrong_stream_id_goes_to_the_only_publisher() -> None:
    started = publishing()
    assert started.say(message(9, b"v", stream_id=0)) == [MessageReceived(9, 1, 0, b"v")]
    assert connected().say(message(9, b"v", stream_id=0)) == []


def test_two_publishers_on_one_connection() -> None:
    started = publishing()
    started.say(command("createStream", 4, None))
    assert started.answer(4).arguments == [2.0]
    started.say(command("publish", 5, None, "second", stream_id=2))
    started.server.accept_publish(2)
    found = started.say(message(9, b"a", stream_id=1), message(9, b"b", stream_id=2))
    assert [(m.stream_id, m.payload) for m in of(MessageReceived, found)] == [(1, b"a"), (2, b"b")]
    assert started.say(message(9, b"c", stream_id=7)) == []


def test_playing() -> None:
    started = connected()
    (event,) = started.say(command("play", 3, None, "name?t=1", -2000, stream_id=1))
    assert event == PlayRequested(
        stream_id=1, app="live", name="name", query={"t": "1"}, start=-2.0
    )
    assert started.server.accept_play(1)
    sent = started.take()[-4:]
    assert [m.type_id for m in sent] == [4, 20, 20, 18]
    assert sent[0].payload == b"\0\0\0\0\0\1"
    assert started.codes() == ["NetStream.Play.Reset", "NetStream.Play.Start"]
    assert amf0.decode(sent[3].payload) == ["|RtmpSampleAccess", True, True]
    started.server.send_message(9, 1, 1234, b"picture")
    assert started.take()[-1] == MessageReceived(9, 1, 1234, b"picture")
    with pytest.raises(ValueError):
        started.server.send_message(99, 1, 0, b"")


def test_play_without_reset() -> None:
    started = connected()
    (event,) = of(
        PlayRequested, started.say(command("play", 3, None, "n", -1, 5, False, stream_id=1))
    )
    assert (event.start, event.duration, event.reset) == (-1, 5, False)
    started.server.accept_play(1)
    assert started.codes() == ["NetStream.Play.Start"]


def test_refusing_to_play() -> None:
    started = connected()
    started.say(command("play", 3, None, "name", stream_id=1))
    assert started.server.reject_play(1)
    assert started.codes() == ["NetStream.Play.StreamNotFound"]
    assert not started.server.reject_play(1)
    assert not started.server.accept_play(7)


def test_notices_to_players() -> None:
    started = playing()
    started.server.send_publish_notify(1)
    started.server.send_unpublish_notify(1)
    started.server.send_stream_dry(1)
    started.server.send_stream_eof(1)
    assert started.codes()[2:] == [
        "NetStream.Play.PublishNotify",
        "NetStream.Play.UnpublishNotify",
        "NetStream.Play.Stop",
    ]
    controls = [m.payload for m in started.take() if m.type_id == 4]
    assert controls[1:] == [b"\0\2\0\0\0\1", b"\0\1\0\0\0\1"]


@pytest.mark.parametrize("tc_url", [None, "rtmp://other/live"])
def test_asking_a_client_to_reconnect(tc_url: str | None) -> None:
    started = publishing()
    started.server.request_reconnect(tc_url, "Maintenance.")
    notice = started.commands()[-1]
    assert (notice.name, notice.transaction_id) == ("onStatus", 0)
    assert started.take()[-1].stream_id == 0
    information = notice.mapping(0)
    assert information["level"] == "status"
    assert information["code"] == "NetConnection.Connect.ReconnectRequest"
    assert information.get("tcUrl") == tc_url
    assert started.say(message(9, b"v", stream_id=1))


def test_the_end_of_the_bytes() -> None:
    started = publishing()
    assert started.server.receive_eof() == [PeerClosed()]
    assert started.server.receive_eof() == []
    assert started.server.next_timer() is None
    assert started.server.handle_timer(NOW + 1000) == []
    assert started.say(message(9, b"v", stream_id=1)) == []


def test_bytes_after_an_error_are_ignored() -> None:
    started = talk()
    with pytest.raises(RtmpProtocolError):
        started.say(b"GET / HTTP/1.1")
    assert started.say(HANDSHAKE) == []
    assert started.server.state is ConnectionState.CLOSED
    assert started.server.receive_eof() == []


def test_a_request_that_is_withdrawn_cannot_be_answered() -> None:
    started = connected()
    events = started.say(
        command("publish", 3, None, "n", stream_id=1), command("deleteStream", 4, None, 1)
    )
    assert of(PublishStopped, events) == [PublishStopped(1)]
    assert not started.server.accept_publish(1)
    assert not started.server.reject_publish(1, "NetStream.Publish.Denied", "No.")
    assert started.codes() == []


def test_secrets_are_in_no_repr() -> None:
    started = talk()
    started.say(
        HANDSHAKE,
        connect(app="live?key=sesame", tcUrl="rtmp://host/live?key=sesame"),
        command("createStream", 2, None),
        command("publish", 3, None, "sesame?key=sesame", stream_id=1),
        command("createStream", 4, None),
        command("play", 5, None, "sesame?key=sesame", stream_id=2),
    )
    started.server.accept_publish(1)
    started.say(message(9, b"sesame", stream_id=1))
    assert len(started.events) == 4
    assert "sesame" not in repr(started.events)


def test_counters() -> None:
    started = connected()
    assert started.server.bytes_received > len(HANDSHAKE)
    assert started.server.peer_buffer_ms is None
    started.say(message(4, b"\0\3\0\0\0\1\0\0\x0b\xb8"))
    assert started.server.peer_buffer_ms == 3000


def fire(started: Talk) -> tuple[float, list[object]]:
    """Wait for the next timer and let it go off."""
    at = started.server.next_timer()
    assert at is not None
    return at - NOW, list(started.server.handle_timer(at))


def test_the_handshake_has_a_deadline_however_it_trickles() -> None:
    started = Talk(ServerConnection(NOW, random_bytes=SeededBytes()))
    for second in range(9):
        started.say(HANDSHAKE[second : second + 1] if second == 0 else b"\0", now=NOW + second)
    after, events = fire(started)
    assert after == 10
    assert events == [ConnectionTimedOut("handshake not finished")]
    assert started.server.next_timer() is None


def test_a_client_must_ask_for_something() -> None:
    started = connected()
    assert fire(started) == (10, [ConnectionTimedOut("neither publish nor play")])


def test_a_timer_that_fires_early_does_nothing() -> None:
    started = connected()
    assert started.server.handle_timer(NOW + 9.9) == []
    assert started.server.data_to_send() == b""


def test_our_own_slowness_is_not_held_against_the_client() -> None:
    started = connected()
    started.say(command("publish", 3, None, "n", stream_id=1))
    assert started.server.handle_timer(NOW + 15) == []


def test_a_silent_publisher_is_given_up() -> None:
    started = publishing()
    started.say(message(9, b"v", stream_id=1), now=NOW + 100)
    after, events = fire(started)
    assert after == 120
    assert events == [ConnectionTimedOut("silent publisher")]


def test_a_publisher_must_send_media() -> None:
    started = publishing()
    for second in range(1, 20):
        started.say(message(4, b"\0\6\0\0\0\0"), now=NOW + second)
    after, events = fire(started)
    assert after == 20
    assert events == [ConnectionTimedOut("publisher without media")]


def test_metadata_alone_is_not_media() -> None:
    started = publishing()
    for second in range(1, 20):
        started.say(message(18, amf0.encode("onMetaData", {}), stream_id=1), now=NOW + second)
    assert fire(started) == (20, [ConnectionTimedOut("publisher without media")])


def test_a_silent_player_is_pinged_and_then_given_up() -> None:
    started = playing()
    before = len(started.take())
    assert fire(started) == (30, [])
    assert started.take()[before].payload[:2] == b"\0\6"
    assert fire(started) == (60, [])
    assert fire(started) == (90, [ConnectionTimedOut("silent player")])


def test_a_player_that_answers_stays() -> None:
    started = playing()
    for minute in range(1, 10):
        started.say(message(4, b"\0\7\0\0\0\0"), now=NOW + 60 * minute)
        at = started.server.next_timer()
        assert at == NOW + 60 * minute + 30
        assert started.server.handle_timer(at) == []


def test_a_client_whose_streams_have_ended_must_ask_again() -> None:
    started = publishing()
    started.say(message(9, b"v", stream_id=1), command("FCUnpublish", 5, None, "name"))
    started.server.handle_timer(NOW + 30)
    started.say(message(4, b"\0\7\0\0\0\0"), now=NOW + 59)
    assert fire(started) == (60, [ConnectionTimedOut("no stream")])
