"""The SRT destination against a listener behind a line of our making."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from gamecast.client.push.adapt import adapt
from gamecast.client.push.congestion import BitrateController
from gamecast.client.push.network import NetworkThread
from gamecast.client.push.srt import SrtDestination
from gamecast.client.push.srt_target import parse_srt_target
from gamecast.client.push.stats import State
from gamecast.media.packet import Packet
from tests.client.srt_peer import SrtPeer
from tests.support.events import wait_until
from tests.support.media import h264_track

FPS = 30
TRACK = h264_track()


@pytest.fixture
def network() -> Iterator[NetworkThread]:
    thread = NetworkThread()
    yield thread
    thread.close()


class Push:
    """An encoder that obeys, and a destination."""

    def __init__(self, network: NetworkThread, peer: SrtPeer, *, bitrate: int) -> None:
        target = parse_srt_target(peer.url, "")
        self.controller = BitrateController(bitrate)
        self.destination = SrtDestination(target, network, on_change=lambda: None)
        self.stats = self.destination.stats
        self.destination.start((TRACK,), {})
        self._adapting = network.submit(adapt(self.stats, self.controller, lambda rate: None))
        wait_until(lambda: self.stats.state is State.LIVE, "a connection")
        self._began = time.monotonic()
        self._frames = 0

    def encode(self) -> None:
        """The pictures that are due; called again and again."""
        while self._frames / FPS <= time.monotonic() - self._began:
            size = self.controller.bitrate // 8 // FPS
            packet = Packet(
                track=TRACK,
                dts=self._frames * 90_000 // FPS,
                pts=self._frames * 90_000 // FPS,
                data=(size - 4).to_bytes(4, "big") + b"\x65" + bytes(size - 5),
                keyframe=self._frames % FPS == 0,
            )
            self.destination.write(packet)
            self._frames += 1

    def finish(self) -> None:
        """End the push."""
        self._adapting.cancel()
        self.destination.finish(5)


def test_the_bitrate_follows_the_line_and_loss_is_shown(network: NetworkThread) -> None:
    with SrtPeer(lose=25) as peer:
        push = Push(network, peer, bitrate=3_000_000)

        def lossy() -> bool:
            push.encode()
            stats = push.stats
            return stats.packets_retransmitted > 5 and stats.rtt is not None

        wait_until(lossy, "losses")
        assert push.stats.rtt is not None
        assert push.stats.rtt > 0
        assert push.stats.packets_lost >= push.stats.packets_retransmitted * 0.5
        peer.lose, peer.rate = 0, 1_000_000

        def narrow() -> bool:
            push.encode()
            return push.controller.bitrate <= 950_000 and push.stats.queue_seconds < 0.2

        wait_until(narrow, "a lower bitrate", within=20)
        assert push.stats.state is State.LIVE
        push.finish()
