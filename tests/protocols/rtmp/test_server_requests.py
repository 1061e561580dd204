from __future__ import annotations

import pytest

from gamecast.amf import Undefined
from gamecast.protocols.rtmp import RtmpLimits, RtmpProtocolError
from gamecast.protocols.rtmp.events import (
    MessageReceived,
    PlayPaused,
    PlayRequested,
    PlayResumed,
    PlayStopped,
    PublishRequested,
    PublishStopped,
    TracksSelected,
)
from tests.protocols.rtmp.link_pair import (
    HANDSHAKE,
    command,
    connect,
    connected,
    message,
    of,
    playing,
    publishing,
    talk,
)


@pytest.mark.parametrize("name", ["releaseStream", "FCPublish", "_checkbw", "FCSubscribe"])
def test_commands_that_are_only_acknowledged(name: str) -> None:
    started = connected()
    assert started.say(command(name, 7, None, "x")) == []
    answer = started.answer(7)
    assert (answer.name, answer.arguments) == ("_result", [Undefined.VALUE])


def test_an_answer_that_is_not_wanted_is_not_given() -> None:
    started = connected()
    before = len(started.take())
    started.say(command("releaseStream", 0, None, "x"), command("whatever", 0, None))
    assert len(started.take()) == before


def test_ffmpegs_question_before_play() -> None:
    started = connected()
    started.say(command("getStreamLength", 7, None, "x"))
    assert started.answer(7).arguments == [0.0]


def test_unknown_commands_are_refused_without_closing() -> None:
    started = connected()
    assert started.say(command("doSomething", 7, None, "x")) == []
    answer = started.answer(7)
    assert (answer.name, answer.mapping(0)["code"]) == ("_error", "NetConnection.Call.Failed")
    assert of(PublishRequested, started.say(command("publish", 8, None, "n", stream_id=1)))


@pytest.mark.parametrize("name", ["_result", "_error", "onStatus"])
def test_answers_to_nothing_are_ignored(name: str) -> None:
    started = connected()
    before = len(started.take())
    assert started.say(command(name, 7, None)) == []
    assert len(started.take()) == before


@pytest.mark.parametrize("name", ["publish", "createStream", "play", "whatever"])
def test_nothing_comes_before_connect(name: str) -> None:
    with pytest.raises(RtmpProtocolError, match="before connect"):
        talk().say(HANDSHAKE, command(name, 1, None, "name"))


def test_connect_comes_once() -> None:
    with pytest.raises(RtmpProtocolError, match="twice"):
        talk().say(HANDSHAKE, connect(), connect())


@pytest.mark.parametrize("app", ["../../x", "a\0b", "a\r\nb", "\x1b[2J", "x" * 65000, "a\u202eb"])
def test_applications_that_no_honest_client_names(app: str) -> None:
    started = talk()
    with pytest.raises(RtmpProtocolError, match="connect: name"):
        started.say(HANDSHAKE, connect(app=app))
    (error, close) = started.commands()
    assert error.mapping(0)["code"] == "NetConnection.Connect.InvalidApp"
    assert close.name == "close"


@pytest.mark.parametrize("given", [{}, {"app": None}, {"app": 5, "tcUrl": 6}])
def test_connect_without_application_or_url(given: dict[str, object]) -> None:
    started = talk()
    started.say(HANDSHAKE, command("connect", 1, given))
    assert started.answer(1).name == "_result"


def test_connect_with_nothing_at_all() -> None:
    started = talk()
    started.say(HANDSHAKE, command("connect", 0))
    assert started.answer(1).name == "_result"


def test_streams_are_bounded() -> None:
    started = connected()
    for number in range(3, 30):
        started.say(command("createStream", number, None))
    names = [started.answer(number).name for number in range(2, 30)]
    assert names == ["_result"] * 8 + ["_error"] * 20


def test_commands_are_bounded() -> None:
    started = connected(RtmpLimits(command_burst=100))
    with pytest.raises(RtmpProtocolError, match="too many commands"):
        started.say(*[command("createStream", 5, None)] * 101)


def test_streams_may_be_made_and_deleted_for_ever() -> None:
    started = connected()
    for number in range(50):
        started.say(command("createStream", 10 + number, None))
        assert started.answer(10 + number).arguments == [2.0]
        started.say(command("deleteStream", 0, None, 2))


@pytest.mark.parametrize("stream_id", [0, 2, 0xFFFFFFFF])
def test_publish_and_play_need_a_stream(stream_id: int) -> None:
    started = connected()
    assert started.say(command("publish", 3, None, "n", stream_id=stream_id)) == []
    assert started.say(command("play", 3, None, "n", stream_id=stream_id)) == []
    assert started.codes() == ["NetStream.Publish.BadName", "NetStream.Play.Failed"]


def test_publish_and_then_play_on_one_stream() -> None:
    started = publishing()
    assert started.say(command("play", 4, None, "n", stream_id=1)) == []
    assert started.say(command("publish", 4, None, "n", stream_id=1)) == []
    assert started.codes()[1:] == ["NetStream.Play.Failed", "NetStream.Publish.BadName"]
    assert started.say(message(9, b"v", stream_id=1)) == [MessageReceived(9, 1, 0, b"v")]


@pytest.mark.parametrize("name", ["../../../../x", "a\0b", "x" * 2000])
def test_names_that_no_honest_client_sends(name: str) -> None:
    started = connected()
    assert started.say(command("publish", 3, None, name, stream_id=1)) == []
    assert started.say(command("play", 3, None, name, stream_id=1)) == []
    assert started.codes() == ["NetStream.Publish.BadName", "NetStream.Play.StreamNotFound"]


@pytest.mark.parametrize("values", [(), (None,), (5,), ("",)])
def test_publish_without_a_name_is_for_the_application_to_judge(values: tuple[object]) -> None:
    (event,) = connected().say(command("publish", 3, None, *values, stream_id=1))
    assert isinstance(event, PublishRequested)
    assert (event.name, event.publish_type) == ("", "live")


def test_fcunpublish_ends_publishing_once() -> None:
    started = publishing()
    end = [command("FCUnpublish", 4, None, "name"), command("deleteStream", 5, None, 1)]
    assert started.say(*end) == [PublishStopped(1)]
    assert started.codes() == ["NetStream.Publish.Start", "NetStream.Unpublish.Success"]
    assert started.say(message(9, b"v", stream_id=1)) == []


def test_fcunpublish_of_something_else() -> None:
    assert connected().say(command("FCUnpublish", 4, None, "name")) == []


@pytest.mark.parametrize("stream_id", [2, 77, -1, 1e300, float("nan")])
def test_deleting_a_stream_that_is_not_there(stream_id: float) -> None:
    started = publishing()
    events = started.say(command("deleteStream", 4, None, stream_id))
    assert events == []
    assert started.say(message(9, b"v", stream_id=1))


def test_closestream_leaves_the_stream_for_another_name() -> None:
    started = publishing()
    assert started.say(command("closeStream", 4, None, stream_id=1)) == [PublishStopped(1)]
    assert started.say(command("closeStream", 4, None, stream_id=9)) == []
    (event,) = started.say(command("publish", 5, None, "again", stream_id=1))
    assert isinstance(event, PublishRequested)


def test_players_that_leave() -> None:
    assert playing().say(command("closeStream", 0, None, stream_id=1)) == [PlayStopped(1)]
    assert playing().say(command("deleteStream", 0, None, 1)) == [PlayStopped(1)]
    waiting = connected()
    waiting.say(command("play", 3, None, "n", stream_id=1))
    assert waiting.say(command("deleteStream", 0, None, 1)) == [PlayStopped(1)]


def test_pause() -> None:
    started = playing()
    assert started.say(command("pause", 0, None, True, 1500, stream_id=1)) == [PlayPaused(1, 1500)]
    assert started.say(command("pause", 0, None, False, 9, stream_id=1)) == [PlayResumed(1, 9)]
    assert started.codes()[2:] == ["NetStream.Pause.Notify", "NetStream.Unpause.Notify"]
    assert connected().say(command("pause", 0, None, True, 0, stream_id=1)) == []


def test_seek_is_refused_and_play_goes_on() -> None:
    started = playing()
    assert started.say(command("seek", 4, None, 5000, stream_id=1)) == []
    assert started.codes()[-1] == "NetStream.Seek.Failed"
    assert started.say(command("pause", 0, None, True, 0, stream_id=1))


def test_choosing_tracks() -> None:
    started = playing()
    assert started.say(command("receiveAudio", 0, None, False, stream_id=1)) == [
        TracksSelected(1, audio=False, video=True)
    ]
    assert started.say(command("receiveVideo", 0, None, False, stream_id=1)) == [
        TracksSelected(1, audio=False, video=False)
    ]
    assert publishing().say(command("receiveAudio", 0, None, False, stream_id=1)) == []
    assert publishing().say(command("receiveVideo", 0, None, False, stream_id=1)) == []


def test_play2_switches_a_player() -> None:
    started = playing()
    wanted = {"streamName": "other?a=b", "oldStreamName": "name", "start": 3, "len": 4}
    (event,) = started.say(command("play2", 4, None, wanted, stream_id=1))
    assert event == PlayRequested(
        stream_id=1, app="live", name="other", query={"a": "b"}, start=3, duration=4, reset=True
    )
    (event,) = connected().say(command("play2", 4, None, stream_id=1))
    assert isinstance(event, PlayRequested)


def test_commands_in_amf3() -> None:
    started = connected()
    body = command("publish", 3, None, "name", stream_id=1)
    payload = b"\0" + body[12:]
    (event,) = started.say(message(17, payload, stream_id=1))
    assert isinstance(event, PublishRequested)
