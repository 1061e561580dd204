from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from gamecast.client.push.uplink import LinkError
from gamecast.client.push.whip_path import LocalPath, may_be_sent_to
from gamecast.client.push.whip_tcp import MAX_CANDIDATES, TcpFallback, TcpHooks, tcp_addresses
from gamecast.protocols.webrtc.address import Address
from gamecast.protocols.webrtc.candidate import Candidate, host_candidates, parse_candidate
from gamecast.protocols.webrtc.framing import frame


def test_passive_candidates_with_an_address_are_taken_the_best_first() -> None:
    lines = (
        "1 1 tcp 10 192.0.2.1 8189 typ host tcptype passive",
        "2 1 TCP 30 2001:db8::1 8189 typ host tcptype passive",
        "3 1 tcp 99 192.0.2.2 9 typ host tcptype active",
        "4 1 tcp 99 game.local 8189 typ host tcptype passive",
        "5 1 udp 99 192.0.2.3 8189 typ host",
        "6 1 tcp 99 224.0.0.1 8189 typ host tcptype passive",
        "7 1 tcp 99 0.0.0.0 8189 typ host tcptype passive",
        "8 1 tcp 99 192.0.2.4 0 typ host tcptype passive",
    )
    found = tcp_addresses([parse_candidate(line) for line in lines], may_be_sent_to)
    assert found == [("2001:db8::1", 8189, "tcp"), ("192.0.2.1", 8189, "tcp")]
    many = host_candidates([f"192.0.2.{number}" for number in range(1, 20)], 1, tcp_port=2)
    assert len(tcp_addresses(many, may_be_sent_to)) == MAX_CANDIDATES


async def test_a_server_without_an_address_is_refused_unless_it_has_tcp() -> None:
    path = await LocalPath.towards("127.0.0.1")
    try:
        tcp = [each for each in host_candidates(["127.0.0.1"], 1, tcp_port=2) if not each.is_udp]
        path.suit(tcp, needed=False)
        assert path.family == socket.AF_INET
        with pytest.raises(LinkError, match="names no address that could be reached"):
            path.suit(tcp)
        name = Candidate(foundation="1", priority=1, host="game.local", port=1)
        with pytest.raises(LinkError, match="names no address that could be reached"):
            path.suit([name])
    finally:
        path.close()


class Peer:
    """A listener that keeps what it hears, and answers."""

    def __init__(self) -> None:
        self.heard = bytearray()
        self.writers: list[asyncio.StreamWriter] = []
        self.changed = asyncio.Event()
        self._serving = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        self._serving += 1
        try:
            with suppress(ConnectionError):
                while data := await reader.read(65536):
                    self.heard += data
                    self.changed.set()
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()
            self._serving -= 1
            self.changed.set()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[Address]:
        """Its address; at the end, connections that their other ends have closed are gone."""
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        yield ("127.0.0.1", server.sockets[0].getsockname()[1], "tcp")
        server.close()
        await server.wait_closed()
        while self._serving:
            self.changed.clear()
            await asyncio.wait_for(self.changed.wait(), 10)


class Events:
    """What a fallback says."""

    def __init__(self) -> None:
        self.seen: asyncio.Queue[tuple[str, object]] = asyncio.Queue()

    def hooks(self) -> TcpHooks:
        return TcpHooks(
            opened=lambda address: self.seen.put_nowait(("opened", address)),
            received=lambda data, _: self.seen.put_nowait(("received", data)),
            drained=lambda: None,
            lost=lambda address: self.seen.put_nowait(("lost", address)),
        )

    async def next(self) -> tuple[str, object]:
        return await asyncio.wait_for(self.seen.get(), 10)


def unused() -> Address:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return ("127.0.0.1", probe.getsockname()[1], "tcp")


async def test_the_next_candidate_is_tried_and_datagrams_are_framed() -> None:
    peer, events = Peer(), Events()
    async with peer.listening() as address:
        closed = unused()
        fallback = TcpFallback([closed, address], delay=0.0)
        fallback.begin(events.hooks())
        assert await events.next() == ("opened", address)
        fallback.send_batch([b"lost"], closed)
        fallback.send_batch([b"one", b"three"], address)
        while len(peer.heard) < 12:
            peer.changed.clear()
            await asyncio.wait_for(peer.changed.wait(), 10)
        assert peer.heard == frame(b"one") + frame(b"three")
        assert fallback.dropped == 1
        peer.writers[0].write(frame(b"answer")[:3])
        await asyncio.sleep(0)
        peer.writers[0].write(frame(b"answer")[3:])
        assert await events.next() == ("received", b"answer")
        peer.writers[0].write(b"\xff\xff")  # a frame longer than any
        assert await events.next() == ("lost", address)
        fallback.close()


async def test_it_does_not_connect_once_udp_has_worked() -> None:
    peer, events = Peer(), Events()
    async with peer.listening() as address:
        fallback = TcpFallback([address], delay=0.01)
        fallback.begin(events.hooks())
        fallback.close()
        other = TcpFallback([address], delay=0.02)
        other.begin(events.hooks())
        assert await events.next() == ("opened", address)
        assert len(peer.writers) <= 1
        assert events.seen.empty()
        other.close()
