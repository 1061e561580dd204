"""What real programs said once (see tests/data/rtmp/README.md), whole, in pieces and broken."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gamecast.protocols.rtmp import ClientConnection, RtmpProtocolError, ServerConnection
from gamecast.protocols.rtmp.events import (
    ClientEvent,
    ConnectReceived,
    ConnectSucceeded,
    MessageReceived,
    PlayRequested,
    PlayStarted,
    PlayStopped,
    PublishRequested,
    PublishStarted,
    PublishStopped,
    ServerEvent,
)
from tests.protocols.rtmp.link_pair import NOW, RECORDINGS, of
from tests.support.clock import SeededBytes

CLIENTS = [
    *("ffmpeg5-publish", "ffmpeg9-publish-hevc", "obs29-publish"),
    *("ffmpeg5-play", "ffmpeg9-play", "rtmpdump-play"),
]
SERVERS = ["nginx-publish-answers", "nginx-play-answers"]


def load(name: str) -> bytes:
    return (RECORDINGS / f"{name}.bin").read_bytes()


def serve(data: bytes, step: int) -> list[ServerEvent]:
    """Feed a server; it accepts everything."""
    server = ServerConnection(NOW, random_bytes=SeededBytes())
    events: list[ServerEvent] = []
    for at in range(0, len(data), step):
        for event in server.receive_data(data[at : at + step], NOW):
            events.append(event)
            if isinstance(event, PublishRequested):
                server.accept_publish(event.stream_id)
            elif isinstance(event, PlayRequested):
                server.accept_play(event.stream_id)
        server.data_to_send()
    return events


def use(name: str, data: bytes, step: int) -> list[ClientEvent]:
    """Feed a client that publishes or plays, as the recording wants."""
    client = ClientConnection(NOW, random_bytes=SeededBytes())
    client.connect("rtmp://host/live", "live")
    if "play" in name:
        client.play("name")
    else:
        client.publish("name")
    events: list[ClientEvent] = []
    for at in range(0, len(data), step):
        events += client.receive_data(data[at : at + step], NOW)
        client.data_to_send()
    return events


@pytest.mark.parametrize("step", [1, 100, 1448])
@pytest.mark.parametrize("name", CLIENTS)
def test_clients(name: str, step: int) -> None:
    events = serve(load(name), step)
    assert isinstance(events[0], ConnectReceived)
    assert events[0].app == "live"
    assert events == serve(load(name), 1000)


@pytest.mark.parametrize(
    ("name", "software", "media"),
    [
        ("ffmpeg5-publish", "FMLE/3.0 (compatible; Lavf59.27.100)", 119),
        ("ffmpeg9-publish-hevc", "FMLE/3.0 (compatible; Lavf63.1.102)", 62),
        ("obs29-publish", "FMLE/3.0 (compatible; FMSc/1.0)", 21),
    ],
)
def test_publishers(name: str, software: str, media: int) -> None:
    connect, request, *rest = serve(load(name), 500)
    assert isinstance(connect, ConnectReceived)
    assert connect.flash_ver == software
    assert isinstance(request, PublishRequested)
    assert request.publish_type == "live"
    if name == "obs29-publish":
        assert (request.name, request.query) == ("secret", {})
    else:
        assert (request.name, request.query) == ("name", {"key": "secret"})
        assert rest.pop() == PublishStopped(1)
    messages = of(MessageReceived, rest)
    assert len(messages) == len(rest) == media
    assert messages[0].payload.startswith(b"\2\0\x0aonMetaData")
    for kind in (8, 9):
        stamps = [message.timestamp for message in messages if message.type_id == kind]
        assert stamps == sorted(stamps)
        assert stamps[-1] < 3000


@pytest.mark.parametrize("name", [name for name in CLIENTS if "play" in name])
def test_players(name: str) -> None:
    _, request, *rest = serve(load(name), 500)
    assert request == PlayRequested(stream_id=1, app="live", name="name", query={}, start=-1)
    assert rest in ([], [PlayStopped(1)])


@pytest.mark.parametrize("step", [1, 100, 10**6])
def test_nginx(step: int) -> None:
    events = use("publish", load("nginx-publish-answers"), step)
    assert isinstance(events[0], ConnectSucceeded)
    assert events[1:] == [PublishStarted(1)]
    connected, started, *media = use("play", load("nginx-play-answers"), step)
    assert isinstance(connected, ConnectSucceeded)
    assert started == PlayStarted(1)
    assert len(media) == len(of(MessageReceived, media)) == 79


damage = st.lists(
    st.tuples(
        st.floats(0, 1, exclude_max=True),
        st.sampled_from(["flip", "cut", "repeat", "insert"]),
        st.integers(0, 255),
    ),
    min_size=1,
    max_size=8,
)


def damaged(data: bytes, changes: list[tuple[float, str, int]]) -> bytes:
    """``data`` with bytes changed, left out, repeated or put in, after the handshake."""
    for where, how, value in changes:
        at = 3073 + int(where * (len(data) - 3073))
        if how == "flip":
            data = data[:at] + bytes([data[at] ^ (value or 1)]) + data[at + 1 :]
        elif how == "cut":
            data = data[:at] + data[at + 1 + value :]
        elif how == "repeat":
            data = data[: at + value] + data[at:]
        else:
            data = data[:at] + bytes([value]) * (value + 1) + data[at:]
        if len(data) <= 3074:
            break
    return data


@settings(max_examples=60)
@given(name=st.sampled_from(CLIENTS), changes=damage, step=st.sampled_from([500, 5000]))
def test_damaged_clients(name: str, changes: list[tuple[float, str, int]], step: int) -> None:
    data = damaged(load(name)[:20_000], changes)
    try:
        events = serve(data, step)
    except RtmpProtocolError:
        return
    assert sum(len(m.payload) for m in of(MessageReceived, events)) <= len(data)


@settings(max_examples=40)
@given(name=st.sampled_from(SERVERS), changes=damage)
def test_damaged_servers(name: str, changes: list[tuple[float, str, int]]) -> None:
    data = damaged(load(name)[:20_000], changes)
    try:
        events = use(name, data, 1000)
    except RtmpProtocolError:
        return
    assert sum(len(m.payload) for m in of(MessageReceived, events)) <= len(data)


@settings(max_examples=60)
@given(data=st.binary(max_size=4000), prefix=st.integers(0, 4000))
def test_arbitrary_bytes_after_the_beginning_of_a_session(data: bytes, prefix: int) -> None:
    for name in ("obs29-publish", "rtmpdump-play"):
        try:
            serve(load(name)[:prefix] + data, 600)
        except RtmpProtocolError:
            continue
    try:
        use("play", load("nginx-play-answers")[:prefix] + data, 600)
    except RtmpProtocolError:
        return
