"""Converters that a test holds in its hand: nothing comes out before it says so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from gamecast.media.packet import Packet
from gamecast.media.track import Codec, Track
from tests.support.media import aac_track, h264_track

MADE = {Codec.H264: h264_track(), Codec.AAC: replace(aac_track(), id=1)}


@dataclass(slots=True, eq=False)
class HeldConverter:
    """Makes a packet of each that it was given: same time, same bytes, another track."""

    source: Track
    codec: Codec
    on_packet: Callable[[Packet], None]
    waiting: list[Packet] = field(default_factory=list)
    caught_up: int = 0
    """Packets of a cached group that it was given."""
    keyframes: int = 0
    """How often it was asked for one."""
    closed: bool = False

    def write(self, packet: Packet) -> None:
        """Keep it."""
        assert packet.track.kind is self.source.kind
        self.waiting.append(packet)

    def catch_up(self, packets: Sequence[Packet]) -> None:
        """Keep the sound; of pictures the last one is made anew, as a keyframe of now."""
        self.caught_up += len(packets)
        if self.codec is Codec.H264:
            packets = [replace(each, keyframe=True) for each in packets[-1:]]
        self.waiting += packets

    def request_keyframe(self) -> None:
        """The next picture will be one."""
        self.keyframes += 1

    async def close(self) -> None:
        """No packet comes out any more."""
        self.closed = True

    def deliver(self, count: int | None = None) -> None:
        """Hand out what waits, or the first ``count``."""
        now, self.waiting = self.waiting[:count], self.waiting[len(self.waiting[:count]) :]
        track = MADE[self.codec]
        for packet in now:
            times = [
                ticks * track.clock_rate // packet.track.clock_rate for ticks in _ticks(packet)
            ]
            self.on_packet(replace(packet, track=track, dts=times[0], pts=times[1]))


def _ticks(packet: Packet) -> tuple[int, int]:
    return packet.dts, packet.pts


class Converters:
    """Stands where the server's factory would."""

    def __init__(self) -> None:
        self.made: list[HeldConverter] = []

    def __call__(
        self, track: Track, codec: Codec, on_packet: Callable[[Packet], None]
    ) -> HeldConverter:
        """One more."""
        self.made.append(HeldConverter(track, codec, on_packet))
        return self.made[-1]

    def of(self, codec: Codec) -> HeldConverter:
        """The one that makes this and still works."""
        (found,) = (each for each in self.made if each.codec is codec and not each.closed)
        return found

    def deliver(self) -> None:
        """All of all; twice, as one may be behind another."""
        for each in [*self.made, *self.made]:
            if not each.closed:
                each.deliver()
