from __future__ import annotations

import pytest

from gamecast.amf import amf0
from gamecast.protocols.rtmp import ClientConnection, RtmpLimits, RtmpProtocolError
from gamecast.protocols.rtmp.commands import Command, encode_command, parse_command, status
from gamecast.protocols.rtmp.events import (
    ClientEvent,
    ConnectionTimedOut,
    ConnectRejected,
    ConnectSucceeded,
    MessageReceived,
    PeerClosed,
    PlayEnded,
    PlayRejected,
    PlayStarted,
    PublishRejected,
    PublishStarted,
    ReconnectRequested,
    StatusReceived,
)
from gamecast.protocols.rtmp.states import ConnectionState, StreamState
from tests.protocols.rtmp.link_pair import HANDSHAKE, NOW, command, message, messages_in
from tests.support.clock import SeededBytes

SUCCESS = status("status", "NetConnection.Connect.Success", "Fine.")
S0S1S2 = HANDSHAKE


class Script:
    """A client connection, and a server that says what the test wants."""

    def __init__(self, limits: RtmpLimits | None = None) -> None:
        self.client = ClientConnection(NOW, random_bytes=SeededBytes(), limits=limits)
        self.sent = bytearray()

    def say(self, *data: bytes, now: float = NOW) -> list[ClientEvent]:
        events: list[ClientEvent] = []
        for piece in data:
            events += self.client.receive_data(piece, now)
        self.sent += self.client.data_to_send()
        return events

    def take(self) -> list[MessageReceived]:
        self.sent += self.client.data_to_send()
        return messages_in(bytes(self.sent))

    def commands(self) -> list[Command]:
        return [parse_command(m.type_id, m.payload) for m in self.take() if m.type_id == 20]


def opened() -> Script:
    script = Script()
    script.client.connect("rtmp://host/live", "live")
    script.say(S0S1S2)
    return script


def accepted(role: str) -> Script:
    """A server has accepted ``connect`` and made stream 5, for ``publish`` or ``play``."""
    script = opened()
    getattr(script.client, role)("name?key=a")
    script.say(command("_result", 1, {}, SUCCESS))
    number = {"publish": 4, "play": 2}[role]
    script.say(command("_result", number, None, 5))
    return script


def on_status(level: str, code: str, description: str = "", *, stream_id: int = 5) -> bytes:
    information = status(level, code, description)
    return command("onStatus", 0, None, information, stream_id=stream_id)


def publishing() -> Script:
    script = accepted("publish")
    assert script.say(on_status("status", "NetStream.Publish.Start")) == [PublishStarted(5)]
    return script


def playing() -> Script:
    script = accepted("play")
    assert script.say(on_status("status", "NetStream.Play.Start")) == [PlayStarted(5)]
    return script


def test_connect_says_what_obs_says() -> None:
    script = opened()
    assert script.client.state is ConnectionState.CONNECTING
    (connect,) = script.commands()
    assert (connect.name, connect.transaction_id) == ("connect", 1)
    assert connect.object["app"] == "live"
    assert connect.object["tcUrl"] == "rtmp://host/live"
    assert connect.object["type"] == "nonprivate"
    assert connect.object["fourCcList"] == ["avc1", "hvc1", "av01", "vp09", "mp4a", "Opus"]


def test_connect_takes_more_properties_and_comes_once() -> None:
    script = Script()
    script.client.connect("rtmp://host/live", "live", pageUrl="p")
    with pytest.raises(RuntimeError):
        script.client.connect("rtmp://host/live", "live")
    script.say(S0S1S2)
    assert script.commands()[0].object["pageUrl"] == "p"


def test_publishing_goes_in_adobes_order() -> None:
    script = accepted("publish")
    assert [(c.name, c.transaction_id, c.arguments) for c in script.commands()[1:]] == [
        ("releaseStream", 2, ["name?key=a"]),
        ("FCPublish", 3, ["name?key=a"]),
        ("createStream", 4, []),
        ("publish", 5, ["name?key=a", "live"]),
    ]
    assert [m.stream_id for m in script.take() if m.type_id == 20] == [0, 0, 0, 0, 5]
    assert b"\0\0\x10\0" in script.sent
    with pytest.raises(RuntimeError, match="PublishStarted"):
        script.client.send_media(9, 0, b"v")
    script.say(on_status("status", "NetStream.Publish.Start"))
    assert script.client.stream_state is StreamState.PUBLISHING


def test_publish_may_come_after_connecting() -> None:
    script = opened()
    (event,) = script.say(command("_result", 1, {"capsEx": 3}, SUCCESS))
    assert isinstance(event, ConnectSucceeded)
    assert event.properties["capsEx"] == 3
    assert event.properties["code"] == "NetConnection.Connect.Success"
    script.client.publish("late")
    assert [c.name for c in script.commands()][-1] == "createStream"
    with pytest.raises(RuntimeError, match="one stream"):
        script.client.play("other")


def test_a_publish_start_counts_once() -> None:
    assert publishing().say(on_status("status", "NetStream.Publish.Start")) == []


def test_media_carries_what_was_queued_before_it() -> None:
    script = publishing()
    script.client.receive_data(message(4, b"\0\6abcd"), NOW)
    script.sent += script.client.send_media(9, 40, b"v" * 5000)
    ping, media = script.take()[-2:]
    assert ping.payload == b"\0\7abcd"
    assert media == MessageReceived(9, 5, 40, b"v" * 5000)
    assert script.client.data_to_send() == b""


def test_metadata_is_sent_to_be_kept() -> None:
    script = publishing()
    body = amf0.encode("onMetaData", {"width": 1})
    script.sent += script.client.send_media(18, 0, body)
    script.sent += script.client.send_media(18, 0, amf0.encode("onCuePoint"))
    first, second = (m.payload for m in script.take()[-2:])
    assert first == amf0.encode("@setDataFrame") + body
    assert second == amf0.encode("onCuePoint")


def test_closing_says_goodbye() -> None:
    script = publishing()
    script.client.close()
    assert [(c.name, c.arguments) for c in script.commands()[-2:]] == [
        ("FCUnpublish", ["name?key=a"]),
        ("deleteStream", [5.0]),
    ]
    assert script.client.state is ConnectionState.CLOSED
    assert script.say(on_status("status", "NetStream.Unpublish.Success")) == []
    assert script.client.receive_eof() == []


def test_closing_before_anything_says_nothing() -> None:
    script = opened()
    before = len(script.take())
    script.client.close()
    assert len(script.take()) == before
    player = playing()
    player.client.close()
    assert [c.name for c in player.commands()[-2:]] == ["play", "deleteStream"]


def test_playing() -> None:
    script = accepted("play")
    assert [(c.name, c.arguments) for c in script.commands()[1:]] == [
        ("createStream", []),
        ("play", ["name?key=a", -2.0]),
    ]
    assert script.take()[-1].payload == b"\0\3\0\0\0\5\0\0\3\xe8"
    assert script.say(on_status("status", "NetStream.Play.Reset")) == [
        StatusReceived(5, "status", "NetStream.Play.Reset", "")
    ]
    assert script.say(on_status("status", "NetStream.Play.Start")) == [PlayStarted(5)]
    assert script.say(message(9, b"v", stream_id=5, timestamp=9)) == [
        MessageReceived(9, 5, 9, b"v")
    ]


def test_a_publisher_is_sent_no_media() -> None:
    assert publishing().say(message(9, b"v", stream_id=5)) == []


@pytest.mark.parametrize(
    "end",
    [
        on_status("status", "NetStream.Play.Stop"),
        on_status("status", "NetStream.Play.Complete"),
        on_status("status", "NetStream.Play.UnpublishNotify"),
        message(4, b"\0\1\0\0\0\5"),
    ],
)
def test_a_play_ends_once(end: bytes) -> None:
    script = playing()
    assert script.say(end) == [PlayEnded(5)]
    assert script.say(end) == []


def test_connect_refused() -> None:
    script = opened()
    information = status("error", "NetConnection.Connect.Rejected", "No.")
    information["ex"] = {"code": 302, "redirect": "rtmp://other/live"}
    assert script.say(command("_error", 1, None, information)) == [
        ConnectRejected("NetConnection.Connect.Rejected", "No.", "rtmp://other/live")
    ]
    assert script.client.state is ConnectionState.CLOSED
    assert script.client.next_timer() is None


@pytest.mark.parametrize("values", [(), (None,), (None, None), (None, 5), ({"code": 5},)])
def test_connect_refused_without_a_reason(values: tuple[object, ...]) -> None:
    assert opened().say(command("_error", 1, *values)) == [
        ConnectRejected("NetConnection.Connect.Failed", "", None)
    ]


@pytest.mark.parametrize("code", ["NetStream.Publish.BadName", "NetStream.Publish.Denied"])
def test_publish_refused(code: str) -> None:
    script = accepted("publish")
    assert script.say(on_status("error", code, "No.")) == [PublishRejected(code, "No.")]
    assert script.client.stream_state is StreamState.IDLE
    assert script.client.next_timer() is None


def test_a_publisher_may_be_stopped_later() -> None:
    script = publishing()
    (event,) = script.say(on_status("error", "NetStream.Publish.BadName", "Taken over."))
    assert event == PublishRejected("NetStream.Publish.BadName", "Taken over.")
    with pytest.raises(RuntimeError):
        script.client.send_media(9, 0, b"v")


def test_play_refused() -> None:
    code = "NetStream.Play.StreamNotFound"
    assert accepted("play").say(on_status("error", code)) == [PlayRejected(code, "")]


def test_createstream_refused() -> None:
    script = opened()
    script.client.publish("name")
    script.say(command("_result", 1, {}, SUCCESS))
    information = status("error", "NetConnection.Call.Failed", "Too many.")
    assert script.say(command("_error", 4, None, information)) == [
        PublishRejected("NetConnection.Call.Failed", "Too many.")
    ]


@pytest.mark.parametrize("number", [2, 3, 99, float("nan")])
def test_errors_that_do_not_matter(number: float) -> None:
    """Many servers do not know releaseStream and FCPublish."""
    script = opened()
    script.client.publish("name")
    script.say(command("_result", 1, {}, SUCCESS))
    assert script.say(command("_error", number, None, status("error", "x", "y"))) == []
    script.say(command("_result", 4, None, 1))
    assert script.say(on_status("status", "NetStream.Publish.Start")) == [PublishStarted(1)]


@pytest.mark.parametrize("stream_id", [0, -1, 1e20, float("inf"), None, "1"])
def test_a_stream_id_that_is_none(stream_id: object) -> None:
    script = opened()
    script.client.play("name")
    script.say(command("_result", 1, {}, SUCCESS))
    with pytest.raises(RtmpProtocolError, match="stream id"):
        script.say(command("_result", 2, None, stream_id))


def test_reconnect_request() -> None:
    script = publishing()
    code = "NetConnection.Connect.ReconnectRequest"
    information = status("status", code, "Soon.", tcUrl="rtmp://other/live")
    assert script.say(command("onStatus", 0, None, information)) == [
        ReconnectRequested("rtmp://other/live", "Soon.")
    ]
    assert script.say(on_status("status", code, stream_id=0)) == [ReconnectRequested(None, "")]
    assert script.client.stream_state is StreamState.PUBLISHING


def test_questions_of_old_servers_are_answered() -> None:
    script = publishing()
    script.say(command("onBWDone", 0, None), command("_onbwcheck", 7, None, "x"))
    assert script.commands()[-1] == Command("_result", 7.0, {}, [0.0])


def test_a_server_that_closes() -> None:
    script = publishing()
    assert script.say(command("close", 0)) == [PeerClosed()]
    assert script.client.receive_eof() == []
    other = publishing()
    assert other.client.receive_eof() == [PeerClosed()]


def test_errors_close() -> None:
    script = publishing()
    with pytest.raises(RtmpProtocolError):
        script.say(message(20, b"\xff"))
    assert script.say(message(4, b"\0\6abcd")) == []
    script = Script()
    script.client.connect("rtmp://host/live", "live")
    with pytest.raises(RtmpProtocolError, match="HTTP"):
        script.say(b"HTTP/1.1 400 Bad Request")


def test_commands_of_a_hostile_server_are_bounded() -> None:
    script = publishing()
    with pytest.raises(RtmpProtocolError, match="too many commands"):
        script.say(on_status("status", "x") * 1000)


def fire(script: Script) -> tuple[float, list[ClientEvent]]:
    at = script.client.next_timer()
    assert at is not None
    assert script.client.handle_timer(at - 0.1) == []
    return at - NOW, script.client.handle_timer(at)


def test_deadlines() -> None:
    late = [ConnectionTimedOut("no answer from the server")]
    script = Script(RtmpLimits(handshake_timeout=3, request_timeout=7))
    assert script.client.next_timer() is None
    script.client.connect("rtmp://host/live", "live")
    assert fire(script) == (3, late)
    script = opened()
    assert fire(script) == (10, late)
    for role in ("publish", "play"):
        assert fire(accepted(role)) == (10, late)
    assert publishing().client.next_timer() is None
    script = playing()
    assert fire(script) == (90, [ConnectionTimedOut("silent server")])
    assert script.client.state is ConnectionState.CLOSED


def test_acknowledgements_are_counted() -> None:
    script = publishing()
    script.say(message(3, b"\0\0\1\0"))
    assert script.client.bytes_acknowledged == 256
    assert script.client.bytes_received > len(S0S1S2)


def test_keys_are_in_no_repr() -> None:
    script = opened()
    information = status("error", "NetConnection.Connect.Rejected", "no such key: sesame")
    assert "sesame" not in repr(script.say(command("_error", 1, None, information)))


def test_an_information_object_in_the_wrong_place_is_found() -> None:
    script = accepted("publish")
    payload = encode_command("onStatus", 0, status("status", "NetStream.Publish.Start", ""))
    assert script.say(message(20, payload, stream_id=5)) == [PublishStarted(5)]
