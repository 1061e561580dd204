"""The UDP socket on loopback: bursts in, batches out, with and without GSO."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from gamecast.net.udp import Address, UdpSocket, _run


def bound() -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)
    sock.bind(("127.0.0.1", 0))
    return sock


class Peer:
    """A socket that keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.bursts: list[int] = []
        self.wanted = 0
        self.enough = asyncio.Event()
        self.socket = UdpSocket(bound(), self._received, drained=self._drained)

    async def wait_for(self, count: int) -> list[bytes]:
        """What was heard, once that many datagrams are there."""
        self.wanted = count
        if len(self.heard) < count:
            self.enough.clear()
            await asyncio.wait_for(self.enough.wait(), 10)
        return self.heard

    def _received(self, data: bytes, address: Address) -> None:
        self.heard.append(data)
        if len(self.heard) >= self.wanted:
            self.enough.set()

    def _drained(self) -> None:
        self.bursts.append(len(self.heard))


@pytest.fixture
async def peers() -> AsyncIterator[tuple[Peer, Peer]]:
    one, two = Peer(), Peer()
    yield one, two
    one.socket.close()
    two.socket.close()


BATCHES = [
    [b"one"],
    [bytes([n]) * 1316 for n in range(100)],
    [b"a" * 1316, b"b" * 1316, b"c" * 200, b"d" * 1316, b"e" * 1400, b"f"],
    [b"x", b"yy", b"zzz"],
    [b"full" * 300] * 64 + [b"tail"],
    [b"cut" * 100] * 3 + [b"not cut" * 190, b"short"],
]


@pytest.mark.parametrize("gso", [True, False])
@pytest.mark.parametrize("batch", BATCHES, ids=range(len(BATCHES)))
async def test_batches_arrive_as_the_datagrams_they_are(
    peers: tuple[Peer, Peer], batch: list[bytes], gso: bool
) -> None:
    one, two = peers
    one.socket.gso = one.socket.gso and gso
    one.socket.send_batch(batch, two.socket.address)
    assert await two.wait_for(len(batch)) == batch
    assert one.socket.dropped == 0
    assert two.bursts[-1] == len(batch)


async def test_a_burst_is_what_one_peer_sent_in_a_row(peers: tuple[Peer, Peer]) -> None:
    got: list[tuple[Address, list[bytes]]] = []
    done = asyncio.Event()
    hub = UdpSocket(bound(), burst=lambda data, peer: got.append((peer, data)), drained=done.set)
    sent = {
        peer.socket.address: [bytes([n]) * size for n in range(9)]
        for peer, size in zip(peers, (1200, 300), strict=True)
    }
    for first, last in ((0, 5), (5, 9)):
        for peer in peers:
            peer.socket.send_batch(sent[peer.socket.address][first:last], hub.address)
    await asyncio.wait_for(done.wait(), 10)
    assert len(got) == 2, "one burst for each peer"
    assert dict(got) == sent
    hub.close()


async def test_a_bug_that_one_peer_meets_is_no_other_peers(peers: tuple[Peer, Peer]) -> None:
    bugs: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: bugs.append(context["exception"]))
    heard, done = [], asyncio.Event()

    def received(data: bytes, address: Address) -> None:
        if data == b"bug":
            raise ZeroDivisionError
        heard.append(data)

    hub = UdpSocket(bound(), received, drained=done.set)
    peers[0].socket.send(b"bug", hub.address)
    peers[1].socket.send(b"fine", hub.address)
    await asyncio.wait_for(done.wait(), 10)
    assert heard == [b"fine"]
    assert [type(bug) for bug in bugs] == [ZeroDivisionError]
    hub.close()


async def test_what_cannot_be_sent_is_counted(peers: tuple[Peer, Peer]) -> None:
    one, two = peers
    one.socket.send(bytes(70_000), two.socket.address)
    assert one.socket.dropped == 1
    one.socket.send(b"still there", two.socket.address)
    assert await two.wait_for(1) == [b"still there"]


@pytest.mark.parametrize(
    ("sizes", "end"),
    [
        ([5], 1),
        ([5, 5, 5], 3),
        ([5, 5, 3, 5], 3),
        ([5, 6], 1),
        ([5, 0], 1),
        ([1000] * 100, 64),
        ([9000] * 10, 7),
    ],
)
def test_runs_are_what_one_gso_call_may_hold(sizes: list[int], end: int) -> None:
    assert _run([bytes(size) for size in sizes], 0) == end
