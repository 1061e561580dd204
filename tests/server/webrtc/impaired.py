"""A bad network between a peer and the server: loss, delay, jitter, reordering, duplication."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from typing import Any, Self

from gamecast.protocols.webrtc.events import Event, RtpReceived
from gamecast.protocols.webrtc.rtcp_feedback import GenericNack
from gamecast.protocols.webrtc.rtp import RtpPacket
from gamecast.protocols.webrtc.rtx import restore
from gamecast.server.webrtc.rendition import VIDEO_SSRC
from tests.server.webrtc.peer import Peer

Address = tuple[str, int]


@dataclass(slots=True, kw_only=True)
class Impairment:
    """What happens to each datagram, both ways. Times in seconds, the rest are probabilities."""

    loss: float = 0.0
    delay: float = 0.0
    jitter: float = 0.0
    """Up to so much more delay, drawn anew for each datagram: they overtake each other."""
    duplicate: float = 0.0


class Relay(asyncio.DatagramProtocol):
    """One side of the link; the other is ``peer``. Datagrams go on to ``target``.

    Only media is harmed: the first byte tells it (RFC 7983), so that every run gets to connect.
    """

    def __init__(self, impairment: Impairment, seed: int) -> None:
        self.impairment = impairment
        self.dropped = 0
        self.duplicated = 0
        self.target: Address | None = None
        self.other: Relay | None = None
        self._random = random.Random(seed)
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.DatagramTransport | None = None

    @property
    def address(self) -> Address:
        """Where this side is bound."""
        assert self._transport is not None
        host, port = self._transport.get_extra_info("sockname")[:2]
        return host, port

    def connection_made(self, transport: Any) -> None:
        """From asyncio."""
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """From asyncio: in at this side, out at the other."""
        self.target = (addr[0], addr[1])
        assert self.other is not None
        if not 128 <= data[0] <= 191:
            self.other.deliver(data)
            return
        harm, draw = self.impairment, self._random.random
        if draw() < harm.loss:
            self.dropped += 1
            return
        copies = 1 + (draw() < harm.duplicate)
        self.duplicated += copies - 1
        for _ in range(copies):
            wait = harm.delay + harm.jitter * draw()
            if wait:
                self._loop.call_later(wait, self.other.deliver, data)
            else:
                self.other.deliver(data)

    def deliver(self, data: bytes) -> None:
        """Out at this side."""
        if self._transport is not None and self.target and not self._transport.is_closing():
            self._transport.sendto(data, self.target)

    def error_received(self, exc: Exception) -> None:
        """The far end is gone: its time-outs tell."""

    def close(self) -> None:
        """Close this side."""
        if self._transport is not None:
            self._transport.close()


class Link:
    """``near`` faces the peer, ``far`` faces the server; ``far`` receives what the server sends."""

    def __init__(self, near: Relay, far: Relay) -> None:
        self.near = near
        self.far = far

    @classmethod
    async def open(cls, server: Address, impairment: Impairment, *, seed: int) -> Link:
        """A link to ``server``; both directions have the same impairment object."""
        loop = asyncio.get_running_loop()
        near, far = Relay(impairment, seed), Relay(impairment, seed + 1)
        near.other, far.other = far, near
        far.target = server
        for side in (near, far):
            await loop.create_datagram_endpoint(
                lambda side=side: side,  # type: ignore[misc]
                local_addr=("127.0.0.1", 0),
            )
        return cls(near, far)

    def close(self) -> None:
        """Close both sides."""
        self.near.close()
        self.far.close()


class _Detour:
    """A datagram transport that sends everything into the link, whatever address it is for."""

    def __init__(self, transport: asyncio.DatagramTransport, link: Link) -> None:
        self._transport = transport
        self._link = link

    def sendto(self, data: bytes, _: Any) -> None:
        """To the near side."""
        self._transport.sendto(data, self._link.near.address)

    def close(self) -> None:
        """Close the peer's own socket."""
        self._transport.close()


class ImpairedPeer(Peer):
    """A viewer behind a link that asks for every packet it misses until it has it.

    Players give up after a while, this one does not: what the server can still repeat must come.
    """

    ASK_SECONDS = 0.03
    PATIENCE = 0.06
    """For a packet that may only have been overtaken, and between two requests for it."""

    def __init__(self, url: str, link: Link) -> None:
        super().__init__(url)
        self._link = link
        self._server: Any = link.far.target
        self._first: int | None = None
        self._highest = -1
        self._missing: dict[int, float] = {}
        self._asking: asyncio.TimerHandle | None = None
        self.repaired = 0
        """Packets that came as RTX only."""
        self.reordered = 0

    def connection_made(self, transport: Any) -> None:
        """Send by the link."""
        super().connection_made(_Detour(transport, self._link))

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """What comes out of the link is the server's."""
        super().datagram_received(data, self._server)

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self._ask()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._asking is not None:
            self._asking.cancel()
        await super().__aexit__()

    @property
    def is_complete(self) -> bool:
        """Nothing is missing between the first and the newest packet."""
        return self._first == 0 and not self._missing

    def _take(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, RtpReceived):
                event.packets = [self._restored(packet) for packet in event.packets]
        super()._take(events)

    def _restored(self, packet: RtpPacket) -> RtpPacket:
        assert self.agreement is not None
        video = next(each for each in self.agreement.media if each.kind == "video")
        if packet.payload_type == video.rtx_payload_type:
            original = restore(packet, ssrc=VIDEO_SSRC, payload_type=video.payload_type)
            assert original is not None
            self.repaired += self._missing.pop(original.sequence, None) is not None
            self._note(original, repeated=True)
            return original
        if packet.payload_type == video.payload_type:
            self._note(packet, repeated=False)
        return packet

    def _note(self, packet: RtpPacket, *, repeated: bool) -> None:
        sequence, now = packet.sequence, self._loop.time()
        if self._first is None:
            self._first = 0  # the server begins at 0: what is before the first packet is missing
        if sequence <= self._highest:
            self.reordered += not repeated and self._missing.pop(sequence, None) is not None
            return
        for lost in range(self._highest + 1, sequence):
            self._missing[lost] = now + self.PATIENCE
        self._highest = sequence

    def _ask(self) -> None:
        now = self._loop.time()
        due = [sequence for sequence, at in self._missing.items() if at <= now]
        if due and self.session is not None and self.session.is_connected:
            self.send_rtcp(GenericNack(1, VIDEO_SSRC, due[:200]))
            for sequence in due[:200]:
                self._missing[sequence] = now + self.PATIENCE
        self._asking = self._loop.call_later(self.ASK_SECONDS, self._ask)
