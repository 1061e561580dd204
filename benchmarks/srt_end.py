"""One end of an SRT connection between UDP sockets, as ``srt-live-transmit`` is with libsrt.

python -m benchmarks.srt_end send --udp 5000 --srt 6000 --latency 200
python -m benchmarks.srt_end receive --udp 5001 --srt 6001 --latency 200
"""

from __future__ import annotations

import argparse
import asyncio
import os
import socket

from gamecast.net.udp import Address, UdpSocket
from gamecast.protocols.srt import (
    Caller,
    Connection,
    ConnectionClosed,
    Event,
    Listener,
    PayloadsReceived,
    Settings,
)

HOST = "127.0.0.1"
_TICK = 0.002


def udp_socket(port: int = 0) -> socket.socket:
    """A bound, non-blocking loopback socket."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)
    sock.bind((HOST, port))
    return sock


class Sending:
    """Datagrams of a UDP port go to an SRT listener as payloads."""

    def __init__(self, udp: int, srt: int, settings: Settings) -> None:
        self._loop = asyncio.get_running_loop()
        self._peer = (HOST, srt)
        self._caller = Caller(settings, now=self._loop.time(), random_bytes=os.urandom)
        self._srt = UdpSocket(udp_socket(), self._answer, drained=self.flush)
        self._source = UdpSocket(udp_socket(udp), self._send, drained=self.flush)

    def _send(self, data: bytes, address: Address) -> None:
        if self._caller.connection is not None:
            self._caller.connection.send(data, self._loop.time())

    def _answer(self, data: bytes, address: Address) -> None:
        self._check(self._caller.receive_datagram(data, self._loop.time()))

    def tick(self) -> None:
        """Every few milliseconds."""
        now = self._loop.time()
        timer = self._caller.next_timer()
        if timer is not None and timer <= now:
            self._check(self._caller.handle_timer(now))
        self.flush()

    def flush(self) -> None:
        """Send what there is to send."""
        if datagrams := self._caller.data_to_send():
            self._srt.send_batch(datagrams, self._peer)

    @staticmethod
    def _check(events: list[Event]) -> None:
        for event in events:
            if isinstance(event, ConnectionClosed):
                raise SystemExit(event.reason)


class Receiving:
    """Payloads of one SRT caller go to a UDP port as datagrams."""

    def __init__(self, udp: int, srt: int, settings: Settings) -> None:
        self._loop = asyncio.get_running_loop()
        self._sink = (HOST, udp)
        self._listener = Listener(settings, now=self._loop.time(), random_bytes=os.urandom)
        self._passphrase = settings.passphrase
        self._connection: Connection | None = None
        self._peer: Address = ("", 0)
        self._out = UdpSocket(udp_socket(), lambda data, address: None)
        self._srt = UdpSocket(udp_socket(srt), self._received, drained=self.flush)

    def _received(self, data: bytes, address: Address) -> None:
        now = self._loop.time()
        if self._connection is not None and data[12:16] != bytes(4):
            self._deliver(self._connection.receive_datagram(data, now))
            return
        request = self._listener.receive_datagram(data, address, now)
        if request is not None:
            self._peer = address
            self._connection = self._listener.accept(request, passphrase=self._passphrase, now=now)

    def tick(self) -> None:
        """Every few milliseconds."""
        connection, now = self._connection, self._loop.time()
        if connection is None:
            return
        timer = connection.next_timer()
        if timer is not None and timer <= now:
            self._deliver(connection.handle_timer(now))
        self.flush()

    def flush(self) -> None:
        """Send what there is to send."""
        for data, address in self._listener.data_to_send():
            self._srt.send(data, address)
        if self._connection is not None and (datagrams := self._connection.data_to_send()):
            self._srt.send_batch(datagrams, self._peer)

    def _deliver(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, PayloadsReceived):
                for payload in event.payloads:
                    self._out.send(payload, self._sink)
            elif isinstance(event, ConnectionClosed):
                raise SystemExit(event.reason)


async def run(options: argparse.Namespace) -> None:
    """Until the other side ends or a signal comes."""
    settings = Settings(
        latency=options.latency / 1000,
        peer_latency=options.latency / 1000,
        passphrase=options.passphrase,
    )
    kind = Sending if options.role == "send" else Receiving
    end = kind(options.udp, options.srt, settings)
    while True:
        await asyncio.sleep(_TICK)
        end.tick()


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("role", choices=["send", "receive"])
    parser.add_argument("--udp", type=int, required=True, help="read from, or written to")
    parser.add_argument("--srt", type=int, required=True, help="dialled, or listened on")
    parser.add_argument("--latency", type=int, default=120, help="milliseconds")
    parser.add_argument("--passphrase", default="")
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
