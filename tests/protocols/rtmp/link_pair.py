"""Two connections with a fake link between, and bytes put together by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from gamecast.protocols.rtmp import ClientConnection, RtmpLimits, ServerConnection, write_message
from gamecast.protocols.rtmp.capabilities import Capabilities
from gamecast.protocols.rtmp.chunks import ChunkReader
from gamecast.protocols.rtmp.commands import Command, encode_command, parse_command
from gamecast.protocols.rtmp.events import (
    ClientEvent,
    MessageReceived,
    PlayRequested,
    PublishRequested,
    ServerEvent,
)
from gamecast.protocols.rtmp.messages import MessageType
from tests.support.clock import SeededBytes

RECORDINGS = Path(__file__).parents[2] / "data" / "rtmp"
HANDSHAKE = bytes([3]) + bytes(1536) + bytes(1536)
"""C0, a simple C1, and a C2 that is not S1, as old encoders send it."""
NOW = 100.0

T = TypeVar("T")


def of(kind: type[T], events: Iterable[object]) -> list[T]:
    """The events of one kind."""
    return [event for event in events if isinstance(event, kind)]


def message(type_id: int, payload: bytes, *, stream_id: int = 0, timestamp: int = 0) -> bytes:
    """A message as chunks of 128."""
    return write_message(type_id, stream_id, timestamp, payload, csid=3, chunk_size=128)


def command(name: str, transaction_id: float, *values: object, stream_id: int = 0) -> bytes:
    """A command as chunks of 128; the first value is the command object."""
    payload = encode_command(name, transaction_id, *values)
    return message(MessageType.COMMAND_AMF0, payload, stream_id=stream_id)


def connect(**more: object) -> bytes:
    """A ``connect`` command."""
    return command("connect", 1, {"app": "live", "tcUrl": "rtmp://host/live", **more})


def messages_in(data: bytes, *, skip_handshake: bool = True) -> list[MessageReceived]:
    """What a side has sent, read by our own reader."""
    return ChunkReader(RtmpLimits()).receive_data(data[3073 if skip_handshake else 0 :])


@dataclass
class Talk:
    """A server connection and all that it has said to a client written by hand."""

    server: ServerConnection
    sent: bytearray = field(default_factory=bytearray)
    events: list[ServerEvent] = field(default_factory=list)

    def say(self, *data: bytes, now: float = NOW) -> list[ServerEvent]:
        """Send bytes, keep the answer, return the events."""
        events: list[ServerEvent] = []
        for piece in data:
            events += self.server.receive_data(piece, now)
            self.sent += self.server.data_to_send()
        self.events += events
        return events

    def take(self) -> list[MessageReceived]:
        """The messages that the server has sent since the beginning."""
        self.sent += self.server.data_to_send()
        return messages_in(bytes(self.sent))

    def commands(self) -> list[Command]:
        """The commands among them."""
        found = [m for m in self.take() if m.type_id == MessageType.COMMAND_AMF0]
        return [parse_command(m.type_id, m.payload) for m in found]

    def answer(self, transaction_id: float) -> Command:
        """The one answer to a command."""
        (found,) = [c for c in self.commands() if c.transaction_id == transaction_id]
        return found

    def codes(self) -> list[str]:
        """The codes of all ``onStatus``."""
        found = [c for c in self.commands() if c.name == "onStatus"]
        return [str(c.mapping(0)["code"]) for c in found]


def talk(limits: RtmpLimits | None = None, *, accept_connects: bool = True) -> Talk:
    """A new server, nothing said yet."""
    server = ServerConnection(
        NOW, random_bytes=SeededBytes(), limits=limits, accept_connects=accept_connects
    )
    return Talk(server)


def connected(limits: RtmpLimits | None = None) -> Talk:
    """A server with a client that has connected and created stream 1."""
    started = talk(limits)
    started.say(HANDSHAKE, connect(), command("createStream", 2, None))
    return started


def publishing(limits: RtmpLimits | None = None) -> Talk:
    """A server whose client publishes on stream 1."""
    started = connected(limits)
    started.say(command("publish", 3, None, "name", "live", stream_id=1))
    assert started.server.accept_publish(1)
    started.sent += started.server.data_to_send()
    return started


def playing(limits: RtmpLimits | None = None) -> Talk:
    """A server whose client plays on stream 1."""
    started = connected(limits)
    started.say(command("play", 3, None, "name", stream_id=1))
    assert started.server.accept_play(1)
    started.sent += started.server.data_to_send()
    return started


def whole(data: bytes) -> Iterator[bytes]:
    """A link that delivers everything at once."""
    if data:
        yield data


@dataclass
class Pair:
    """A client and a server of ours; ``split`` cuts up the bytes of each delivery."""

    split: Callable[[bytes], Iterable[bytes]] = whole
    capabilities: Capabilities | None = None
    accept: bool = True
    server_events: list[ServerEvent] = field(default_factory=list)
    client_events: list[ClientEvent] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.server = ServerConnection(NOW, random_bytes=SeededBytes(1))
        self.client = ClientConnection(
            NOW, random_bytes=SeededBytes(2), capabilities=self.capabilities
        )

    def run(self, extra: bytes = b"") -> None:
        """Deliver bytes until nobody has any; ``extra`` are the client's, after what it queued."""
        up = self.client.data_to_send() + extra
        while True:
            for piece in self.split(up):
                for event in self.server.receive_data(piece, NOW):
                    self.server_events.append(event)
                    self._answer(event)
            down = self.server.data_to_send()
            for piece in self.split(down):
                self.client_events += self.client.receive_data(piece, NOW)
            up = self.client.data_to_send()
            if not up and not down:
                return

    def _answer(self, event: ServerEvent) -> None:
        if isinstance(event, PublishRequested) and self.accept:
            self.server.accept_publish(event.stream_id)
        elif isinstance(event, PlayRequested) and self.accept:
            self.server.accept_play(event.stream_id)
