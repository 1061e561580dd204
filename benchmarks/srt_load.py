"""Many SRT publishers in one process: the same transport stream to many channels, frame by frame.

python -m benchmarks.srt_load clip.ts --port 8890 --publishers 50 --seconds 20
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path

from benchmarks.srt_end import HOST, udp_socket
from gamecast.net.udp import UdpSocket
from gamecast.protocols.srt import PAYLOAD_SIZE, Caller, ConnectionClosed, Event, Settings

FPS = 60


class Publisher:
    """One caller with a socket of its own, as an encoder has."""

    def __init__(self, number: int, port: int, passphrase: str) -> None:
        self._loop = asyncio.get_running_loop()
        self._peer = (HOST, port)
        stream_id = f"#!::r=live/bench{number},m=publish,s=open"
        settings = Settings(stream_id=stream_id, passphrase=passphrase, connect_timeout=20.0)
        self.caller = Caller(settings, now=self._loop.time(), random_bytes=os.urandom)
        self._socket = UdpSocket(
            udp_socket(),
            lambda data, address: self._check(
                self.caller.receive_datagram(data, self._loop.time())
            ),
            drained=self.flush,
        )

    def send(self, payloads: list[bytes]) -> None:
        """One frame."""
        connection, now = self.caller.connection, self._loop.time()
        if connection is None:
            return
        for payload in payloads:
            connection.send(payload, now)
        self.flush()

    def tick(self) -> None:
        """Every few milliseconds."""
        now = self._loop.time()
        timer = self.caller.next_timer()
        if timer is not None and timer <= now:
            self._check(self.caller.handle_timer(now))
            self.flush()

    def flush(self) -> None:
        """Send what there is to send."""
        if datagrams := self.caller.data_to_send():
            self._socket.send_batch(datagrams, self._peer)

    @staticmethod
    def _check(events: list[Event]) -> None:
        for event in events:
            if isinstance(event, ConnectionClosed):
                raise SystemExit(event.reason)


def read(clip: Path) -> list[bytes]:
    """A transport stream as SRT payloads."""
    data = clip.read_bytes()
    return [data[at : at + PAYLOAD_SIZE] for at in range(0, len(data), PAYLOAD_SIZE)]


async def run(options: argparse.Namespace) -> None:
    """Connect everybody, then play the clip once."""
    payloads = read(Path(options.clip))
    loop = asyncio.get_running_loop()
    publishers = []
    for number in range(options.publishers):
        publisher = Publisher(number, options.port, options.passphrase)
        publishers.append(publisher)
        while publisher.caller.connection is None:
            publisher.tick()
            publisher.flush()
            await asyncio.sleep(0.005)
    sys.stdout.write("connected\n")
    sys.stdout.flush()
    await _play(loop, publishers, payloads, options.seconds)
    dropped = sum(p.caller.connection.statistics(0).pkt_snd_drop for p in publishers
                  if p.caller.connection is not None)  # fmt: skip
    sys.stdout.write(f"dropped {dropped}\n")


async def _play(
    loop: asyncio.AbstractEventLoop,
    publishers: list[Publisher],
    payloads: list[bytes],
    seconds: float,
) -> None:
    """The clip lasts ``seconds``. Each publisher has its own place within a frame's time."""
    began = loop.time()
    places = [0] * len(publishers)
    slot = 0
    total_slots = int(seconds * FPS) * len(publishers)
    while slot < total_slots:
        now = loop.time()
        due = int((now - began) * FPS * len(publishers))
        while slot <= min(due, total_slots - 1):
            frame, index = divmod(slot, len(publishers))
            end = int(len(payloads) * (frame + 1) / (seconds * FPS))
            publishers[index].send(payloads[places[index] : end])
            places[index] = end
            slot += 1
        for publisher in publishers:
            publisher.tick()
        await asyncio.sleep(0.002)


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("clip", help="a transport stream of --seconds")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--publishers", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--passphrase", default="")
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
