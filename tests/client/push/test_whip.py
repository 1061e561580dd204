"""WHIP to the real server, over a path that we can spoil."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import ClassVar

import pytest

from gamecast.client.capture.testscene import TestScene
from gamecast.client.capture.tone import Tone
from gamecast.client.encode.audio import AudioEncoder
from gamecast.client.encode.settings import AudioSettings, VideoSettings
from gamecast.client.encode.video import VideoEncoder
from gamecast.client.push.network import NetworkThread
from gamecast.client.push.stats import State
from gamecast.client.push.target import parse_target
from gamecast.client.push.whip import WhipDestination
from gamecast.client.push.whip_target import WhipTarget, parse_whip_target
from gamecast.client.session import PushSession
from gamecast.media.track import Codec
from gamecast.net.udp import Address, UdpSocket
from tests.client.noise import Noise
from tests.support import judge
from tests.support.events import wait_until
from tests.support.gamecast import GamecastServer
from tests.support.media import aac_track, h264_track
from tests.support.peers import CURRENT_FFMPEG, require
from tests.support.process import Process

VIDEO_TYPE, RTX_TYPE = 96, 97
"""The payload types that our offers give to the first video codec and its retransmissions."""


class Spoilt(UdpSocket):
    """Loses every so many-th datagram of video, repeated ones, or what a slow line cannot take."""

    every: ClassVar[int] = 0
    no_repeats: ClassVar[bool] = False
    rate: ClassVar[float] = 0.0
    """Bits per second of a line that buffers 300 ms; 0 for no such line."""
    blocked: ClassVar[bool] = False
    """By a firewall that lets no UDP through."""
    _count = 0
    _free_at = 0.0

    def send(self, data: bytes | memoryview, address: Address) -> None:
        """A datagram, or not."""
        if Spoilt.blocked:
            return
        self._count += 1
        kind = data[1] & 0x7F if data[0] >> 6 == 2 else 0
        if kind == VIDEO_TYPE and Spoilt.every and self._count % Spoilt.every == 0:
            return
        if kind == RTX_TYPE and Spoilt.no_repeats:
            return
        if not Spoilt.rate:
            super().send(data, address)
            return
        loop = asyncio.get_running_loop()
        start = max(self._free_at, loop.time())
        if start - loop.time() > 0.3:
            return
        self._free_at = start + len(data) * 8 / Spoilt.rate
        loop.call_at(self._free_at, self._send_late, bytes(data), address)

    def _send_late(self, data: bytes, address: Address) -> None:
        if self._socket.fileno() >= 0:
            super().send(data, address)

    def send_batch(self, datagrams: Sequence[bytes], address: Address) -> None:
        """One by one."""
        for data in datagrams:
            self.send(data, address)


@pytest.fixture(autouse=True)
def path(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Spoilt]]:
    monkeypatch.setattr("gamecast.client.push.whip_link.UdpSocket", Spoilt)
    Spoilt.every, Spoilt.no_repeats, Spoilt.rate, Spoilt.blocked = 0, False, 0.0, False
    yield Spoilt
    Spoilt.every, Spoilt.no_repeats, Spoilt.rate, Spoilt.blocked = 0, False, 0.0, False


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GamecastServer]:
    with GamecastServer(tmp_path_factory.mktemp("server")) as running:
        yield running


class Push:
    """The test scene, or noise, to our server by WHIP, and to a file."""

    def __init__(self, *urls: str, key: str, noise: int = 0) -> None:
        settings = VideoSettings(
            width=320,
            height=180,
            fps=Fraction(30),
            bitrate=noise or 400_000,
            keyframe_interval=60.0,
        )
        self.session = PushSession(
            sources=[Noise() if noise else TestScene(320, 180, Fraction(30)), Tone()],
            video=VideoEncoder("libx264", settings),
            audio=[AudioEncoder(AudioSettings(codec=Codec.OPUS, bitrate=64_000))],
            targets=[parse_target(url, {"GAMECAST_PUSH_KEY": key}) for url in urls],
        )
        self.stats = self.session.destinations[0].stats
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        self.outcome = self.session.run()

    def __enter__(self) -> Push:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.session.stop()
        self._thread.join(20)
        assert not self._thread.is_alive()


def whip(server: GamecastServer) -> str:
    return server.http.replace("http:", "whip:") + "/whip"


@pytest.mark.interop
def test_pictures_and_sound_arrive_bit_by_bit_though_packets_are_lost(
    server: GamecastServer, path: type[Spoilt], tmp_path: Path
) -> None:
    path.every = 13
    mine, theirs = tmp_path / "mine.mp4", tmp_path / "theirs.mkv"
    record = [require(CURRENT_FFMPEG), "-v", "error", "-nostdin", "-t", "3", "-i"]
    with Push(whip(server), str(mine), key=server.key) as push:
        stream = server.wait_on_air()
        url = server.play_url("mp4")
        with Process([*record, url, "-c", "copy", theirs], log=tmp_path / "ffmpeg.log") as ffmpeg:
            assert ffmpeg.wait(30) == 0, ffmpeg.output
    assert push.outcome.ok, push.outcome
    assert stream["publisher"]["protocol"] == "whip"
    judge.assert_same_stretch(judge.pictures(theirs), judge.pictures(mine), at_least=60)
    judge.assert_same_stretch(judge.units(theirs, "a"), judge.units(mine, "a"), at_least=100)
    assert push.stats.packets_retransmitted > 0
    assert push.stats.packets_lost > 0
    assert push.stats.rtt is None, "measured while it was live, not since"
    assert server.stream() is None or not (server.stream() or {})["publisher"]["connected"]


@pytest.mark.interop
def test_a_server_that_lost_a_picture_for_good_gets_a_keyframe(
    server: GamecastServer, path: type[Spoilt], tmp_path: Path
) -> None:
    mine = tmp_path / "mine.mp4"
    with Push(whip(server), str(mine), key=server.key) as push:
        wait_until(lambda: push.stats.frames_sent > 15, "pictures on their way", within=40)
        path.every, path.no_repeats = 11, True
        sent = push.stats.frames_sent
        wait_until(
            lambda: push.stats.frames_sent > sent + 75, "lost pictures, and some more", within=40
        )
    assert push.stats.reconnects == 0
    # Regular ones are a minute apart.
    assert len(judge.keyframes(mine)) >= 2


@pytest.mark.interop
@pytest.mark.timeout(220)
def test_the_bitrate_follows_the_path_down_and_back(
    server: GamecastServer, path: type[Spoilt], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gamecast.client.push.congestion.RAISE_EVERY", 1.5)
    with Push(whip(server), key=server.key, noise=1_500_000) as push:
        encode = push.session.encode_stats
        wait_until(lambda: push.stats.frames_sent > 45, "pictures on their way", within=40)
        assert encode.target_bitrate == 1_500_000
        path.rate = 700_000
        wait_until(lambda: encode.target_bitrate <= 600_000, "a lower bitrate", within=40)
        low = encode.target_bitrate
        path.rate = 0.0
        # Delays of a busy machine look like a path that is full: then it takes its time.
        wait_until(lambda: encode.target_bitrate > low, "a higher bitrate again", within=120)
    assert push.outcome.ok, push.outcome


@pytest.mark.interop
@pytest.mark.parametrize("by_tcp", [False, True], ids=["udp", "tcp"])
def test_a_killed_server_is_met_again(
    tmp_path: Path, path: type[Spoilt], monkeypatch: pytest.MonkeyPatch, by_tcp: bool
) -> None:
    """By TCP too, where UDP is blocked; then it is not waited for UDP a second time."""
    monkeypatch.setattr("gamecast.client.push.retry.FIRST", 0.3)
    monkeypatch.setattr("gamecast.client.push.whip.PATIENCE", 0.5)
    path.blocked = by_tcp
    first = GamecastServer(tmp_path)
    with first:
        key = first.key
        ports = {name: first.ready[name].rsplit(":", 1)[1] for name in ("http", "ice")}
        options = ("--http-port", ports["http"], "--ice-port", ports["ice"])
        with Push(whip(first), key=key) as push:
            first.wait_on_air()
            wait_until(lambda: push.stats.frames_sent > 15, "pictures on their way", within=40)
            monkeypatch.setattr("gamecast.client.push.whip.PATIENCE", 3600.0)
            assert first.process is not None
            first.process.kill()
            first.process = None
            (first.data_dir / "ready.json").unlink()
            wait_until(
                lambda: push.stats.state is State.RECONNECTING, "the loss to be seen", within=30
            )
            lost = "the server closed the connection" if by_tcp else "the server has gone silent"
            assert push.stats.problem == lost
            with GamecastServer(tmp_path, options=options) as second:
                wait_until(lambda: push.stats.state is State.LIVE, "live again", within=30)
                second.wait_on_air()
    assert push.stats.reconnects == 1


# What goes wrong ---------------------------------------------------------------------------------


@pytest.fixture
def network() -> Iterator[NetworkThread]:
    thread = NetworkThread()
    yield thread
    thread.close()


def failure(network: NetworkThread, target: WhipTarget, *, aac: bool = False) -> str:
    """Why a first connection fails."""
    ended = threading.Event()
    destination = WhipDestination(
        target,
        network,
        on_change=lambda: ended.set() if destination.stats.state is State.FAILED else None,
        on_keyframe=lambda: None,
    )
    destination.start((h264_track(), aac_track()) if aac else (h264_track(),), {})
    try:
        assert ended.wait(15), destination.stats
        return destination.stats.problem
    finally:
        destination.finish(1)


@pytest.mark.interop
def test_every_refusal_is_one_clear_line_without_the_key(
    server: GamecastServer, network: NetworkThread
) -> None:
    wrong = "wrong" + server.key[5:]
    for key, path_, problem in (
        (wrong, "/whip", "HTTP 403"),
        ("", "/whip", "HTTP 401"),
        (wrong, f"/nothing?key={wrong}&session={wrong}", "HTTP 404"),
    ):
        target = parse_whip_target(server.http + path_, key)
        got = failure(network, target)
        assert problem in got
        assert "\n" not in got
        assert wrong not in got + target.shown + repr(target)
    rtmp = parse_whip_target(server.rtmp.replace("rtmp:", "whip:"), "")
    assert "without an answer" in failure(network, rtmp)
    assert "refuses connections" in failure(network, parse_whip_target("whip://127.0.0.1:1", ""))
    assert "TLS" in failure(network, parse_whip_target(server.http.replace("http", "whips"), ""))
    aac = failure(network, parse_whip_target(whip(server), ""), aac=True)
    assert aac == "WHIP cannot carry aac"
