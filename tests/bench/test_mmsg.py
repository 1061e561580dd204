from __future__ import annotations

import socket
import struct
import sys
from collections.abc import Iterator

import pytest

from gamecast.bench.mmsg import HEAD, SLOTS, UDP_GRO, BatchReader

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="recvmmsg is Linux's")
_UDP_SEGMENT = 103


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        receiver.bind(("127.0.0.1", 0))
        receiver.setsockopt(socket.SOL_UDP, UDP_GRO, 1)
        sender.connect(receiver.getsockname())
        yield receiver, sender


def test_sizes_segments_and_heads(pair: tuple[socket.socket, socket.socket]) -> None:
    receiver, sender = pair
    sender.send(b"abc")
    control = [(socket.SOL_UDP, _UDP_SEGMENT, struct.pack("=H", 1000))]
    sender.sendmsg([b"x" * 2500], control)
    reader = BatchReader()
    assert reader.read(receiver.fileno()) == [(3, 3), (2500, 1000)]
    assert reader.heads[:3] == b"abc"
    assert reader.heads[HEAD : 2 * HEAD] == b"x" * HEAD
    assert reader.read(receiver.fileno()) == []


def test_more_than_fit_come_next_time(pair: tuple[socket.socket, socket.socket]) -> None:
    receiver, sender = pair
    for _ in range(SLOTS + 3):
        sender.send(b"a")
    reader = BatchReader()
    assert len(reader.read(receiver.fileno())) == SLOTS
    assert len(reader.read(receiver.fileno())) == 3
