import threading
from collections.abc import Iterator

import pytest

from gamecast.client.push import uplink
from gamecast.client.push.network import NetworkThread
from gamecast.client.push.rtmp import RtmpDestination
from gamecast.client.push.stats import State
from gamecast.client.push.target import RtmpTarget, parse_target
from gamecast.media.containers.flv.fourcc import TagType
from gamecast.net.tcp import bind
from tests.client.rtmp_peer import RtmpPeer
from tests.support.events import wait_until
from tests.support.media import Feed, aac_track, av_feed, h264_track

METADATA: dict[str, str | float] = {"encoder": "test", "videodatarate": 500.0}


@pytest.fixture
def network() -> Iterator[NetworkThread]:
    thread = NetworkThread()
    yield thread
    thread.close()


class Push:
    """A destination under test, with a feed of packets."""

    def __init__(self, network: NetworkThread, url: str, *, keep_trying: bool = False) -> None:
        target = parse_target(url, {})
        assert isinstance(target, RtmpTarget)
        self._changed = threading.Condition()
        self.states: list[State] = []
        self.destination = RtmpDestination(
            target, network, on_change=self._note, keep_trying=keep_trying
        )
        self.stats = self.destination.stats
        self.feed = av_feed(group=30)
        self.destination.start((h264_track(), aac_track()), METADATA)

    def _note(self) -> None:
        with self._changed:
            self.states.append(self.stats.state)
            self._changed.notify_all()

    def wait(self, state: State, timeout: float = 15) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self.stats.state is state, timeout), self.stats

    def send(self, seconds: float) -> None:
        for packet in self.feed.packets(seconds):
            self.destination.write(packet)


def test_headers_then_everything_in_order_then_goodbye(network: NetworkThread) -> None:
    with RtmpPeer() as peer:
        push = Push(network, peer.url("stream?key=secret"))
        push.wait(State.LIVE)
        push.send(2.0)
        push.destination.finish(5)
        peer.wait_for(lambda: peer.publications[0].closed)
    published = peer.publications[0]
    assert published.name == "stream?key=secret"
    assert published.stopped
    kinds = [message.type_id for message in published.messages[:3]]
    assert kinds == [TagType.SCRIPT, TagType.VIDEO, TagType.AUDIO]
    assert b"videodatarate" in published.messages[0].payload
    assert published.messages[1].payload[1] == 0
    assert published.messages[2].payload[1] == 0
    assert len(published.pictures) == 60
    assert published.begins_with_keyframe
    assert len(published.of(TagType.AUDIO)) - 1 == pytest.approx(94, abs=1)
    assert [message.timestamp for message in published.pictures][:4] == [0, 33, 67, 100]
    assert push.stats.served_to_end
    assert push.stats.frames_dropped == 0
    assert push.states == [State.CONNECTING, State.LIVE, State.ENDED]


def test_a_refusal_is_final_and_its_text_holds_no_key(network: NetworkThread) -> None:
    with RtmpPeer(refuse="no stream S3CRET here") as peer:
        push = Push(network, peer.url("S3CRET"))
        push.wait(State.FAILED)
    assert "no stream **** here" in push.stats.problem
    assert "NetStream.Publish.Denied" in push.stats.problem
    assert "S3CRET" not in repr(push.stats)
    assert not push.stats.served_to_end


def test_nobody_listens(network: NetworkThread) -> None:
    with bind("127.0.0.1", 0) as closed:
        port = closed.getsockname()[1]
    push = Push(network, f"rtmp://127.0.0.1:{port}/live/x")
    push.wait(State.FAILED)
    assert "refuses connections" in push.stats.problem


def test_no_such_host(network: NetworkThread) -> None:
    push = Push(network, "rtmp://host.invalid/live/x")
    push.wait(State.FAILED)
    assert push.stats.problem == "no such host: host.invalid"


def test_something_that_is_not_rtmp(network: NetworkThread) -> None:
    with bind("127.0.0.1", 0) as listener:
        listener.listen()
        listener.setblocking(True)
        push = Push(network, f"rtmp://127.0.0.1:{listener.getsockname()[1]}/live/x")
        accepted, _ = listener.accept()
        with accepted:
            accepted.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 200)
            push.wait(State.FAILED)
    assert "broke the protocol" in push.stats.problem


def test_it_comes_back_with_a_keyframe_and_times_that_continue(
    network: NetworkThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gamecast.client.push.retry.FIRST", 0.05)
    with RtmpPeer() as peer:
        push = Push(network, peer.url())
        push.wait(State.LIVE)
        push.send(1.5)
        peer.wait_for(lambda: len(peer.publications[0].pictures) == 45)
        peer.drop_connections()
        push.wait(State.RECONNECTING)
        push.send(0.2)
        push.wait(State.LIVE)
        push.send(2.0)
        push.destination.finish(5)
        peer.wait_for(lambda: peer.publications[-1].stopped)
    again = peer.publications[-1]
    assert len(peer.publications) == 2
    assert [message.type_id for message in again.messages[:3]] == [
        TagType.SCRIPT,
        TagType.VIDEO,
        TagType.AUDIO,
    ]
    assert again.begins_with_keyframe
    assert again.pictures[0].timestamp == 2000
    assert push.stats.reconnects == 1
    assert push.stats.frames_dropped >= 6
    assert push.stats.served_to_end


def test_a_server_that_is_not_there_yet_is_tried_again_if_asked(
    network: NetworkThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gamecast.client.push.retry.FIRST", 0.05)
    with bind("127.0.0.1", 0) as reserved:
        port = reserved.getsockname()[1]
    push = Push(network, f"rtmp://127.0.0.1:{port}/live/x", keep_trying=True)
    push.wait(State.RECONNECTING)
    with RtmpPeer(port=port):
        push.wait(State.LIVE)
        push.destination.finish(5)
    assert push.stats.served_to_end


def test_a_stalled_server_costs_pictures_but_never_sound(network: NetworkThread) -> None:
    with RtmpPeer(receive_buffer=4096) as peer:
        push = Push(network, peer.url())
        push.feed = Feed(video=h264_track(), audio=aac_track(), group=30, frame_bytes=20_000)
        push.wait(State.LIVE)
        push.send(0.5)
        peer.wait_for(lambda: bool(peer.publications[0].pictures))
        peer.stall()
        push.send(6.0)
        wait_until(lambda: push.stats.frames_dropped > 60, "pictures are dropped")
        wait_until(lambda: push.stats.queue_seconds > 1, "sound piles up")
        peer.stall(False)
        push.send(1.0)
        push.destination.finish(10)
        peer.wait_for(lambda: peer.publications[0].stopped)
    published = peer.publications[0]
    sounds = [message.timestamp for message in published.of(TagType.AUDIO)[1:]]
    assert len(sounds) == pytest.approx(7.5 * 48_000 / 1024, abs=2)
    assert len(published.pictures) + push.stats.frames_dropped == 225
    assert push.stats.served_to_end


def test_a_connection_without_progress_is_given_up(
    network: NetworkThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uplink, "STALL", 0.3)
    monkeypatch.setattr(uplink, "WATCH", 0.05)
    monkeypatch.setattr("gamecast.client.push.retry.FIRST", 0.05)
    with RtmpPeer(receive_buffer=4096) as peer:
        push = Push(network, peer.url())
        push.feed = Feed(video=h264_track(), audio=aac_track(), group=30, frame_bytes=60_000)
        push.wait(State.LIVE)
        peer.stall()
        push.send(5.0)
        push.wait(State.RECONNECTING)
        assert "nothing could be sent" in push.stats.problem
        push.wait(State.LIVE)
        push.destination.finish(2)


def test_round_trip_time_is_measured(
    network: NetworkThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uplink, "WATCH", 0.05)
    with RtmpPeer() as peer:
        push = Push(network, peer.url())
        push.wait(State.LIVE)
        push.send(0.5)
        wait_until(lambda: push.stats.rtt is not None, "an RTT")
        assert push.stats.rtt is not None
        assert 0 <= push.stats.rtt < 1
        push.destination.finish(2)


def test_the_end_may_come_while_connecting(network: NetworkThread) -> None:
    with bind("127.0.0.1", 0) as silent:
        silent.listen()
        push = Push(network, f"rtmp://127.0.0.1:{silent.getsockname()[1]}/live/x")
        push.wait(State.CONNECTING)
        push.destination.finish(2)
        assert push.stats.state is State.ENDED
        assert not push.stats.served_to_end


def test_the_end_may_come_while_waiting_to_reconnect(network: NetworkThread) -> None:
    with RtmpPeer() as peer:
        push = Push(network, peer.url())
        push.wait(State.LIVE)
        peer.drop_connections()
        push.wait(State.RECONNECTING)
        push.destination.finish(2)
    assert push.stats.state is State.ENDED
    assert not push.stats.served_to_end
