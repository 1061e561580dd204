"""RTP: packets to payloads, sequence numbers and timestamps that all viewers share."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from gamecast.media.packet import Packet
from gamecast.media.payloads.base import Packetizer
from gamecast.media.payloads.formats import make_packetizer
from gamecast.media.track import Track

RING_PACKETS = 4096
"""Packets kept for retransmission: about six seconds of 6 Mbit/s."""


@dataclass(slots=True, eq=False)
class Frame:
    """One access unit or audio frame as RTP payloads."""

    payloads: list[bytes]
    first_sequence: int
    """Not wrapped; the wire has its low 16 bits."""
    timestamp: int
    """Not wrapped; the wire has its low 32 bits."""
    is_video: bool
    starts_group: bool
    wall: float
    size: int
    shared: dict[Any, Any] = field(default_factory=dict, repr=False)
    """What the sender made of this frame once per variant."""


class JointFrames:
    """Frames that leave together: pictures of one group in order, then the sound of that time."""

    __slots__ = ("pictures", "shared", "sounds")

    def __init__(self, frames: list[Frame]) -> None:
        self.pictures = [frame for frame in frames if frame.is_video]
        self.sounds = [frame for frame in frames if not frame.is_video]
        self.shared: dict[Any, Any] = {}
        """As for a frame."""


class RtpLine:
    """One track's sequence and timestamp line. One SSRC, the same for every viewer.

    Neither ever goes back, whatever becomes of the track: a sequence used again is a nonce used
    again (RFC 7714 section 8.4), and players take an older timestamp for a late packet.
    """

    def __init__(self, track: Track, ssrc: int, *, clock_rate: int) -> None:
        """Raises ``MediaError`` for a codec that RTP does not carry here."""
        self.track = track
        self.ssrc = ssrc
        self.clock_rate = clock_rate
        self._packetizer: Packetizer = make_packetizer(track)
        self._sequence = 0
        self._timestamp = -1
        """The last one that was used, not wrapped."""
        self._ring: OrderedDict[int, tuple[Frame, int]] = OrderedDict()

    def change_track(self, track: Track) -> None:
        """Go on with another configuration; numbers continue, picture ids of VP8 and VP9 too."""
        if (track.codec, track.config) != (self.track.codec, self.track.config):
            self._packetizer = make_packetizer(track)
        self.track = track

    def write(self, packet: Packet) -> Frame | None:
        """The packet's frame; ``None`` if it holds nothing to send. Raises ``MediaError``.

        A picture from before the last one (a converter begins a little earlier than what it takes
        over from) goes right behind that, for others refer to it; sound that was sent is left out.
        """
        timestamp = packet.pts * self.clock_rate // packet.track.clock_rate
        if timestamp <= self._timestamp:
            if not packet.is_video:
                return None
            timestamp = self._timestamp + 1
        payloads = self._packetizer.packetize(packet.data)
        if not payloads:
            return None
        self._timestamp = timestamp
        frame = Frame(
            payloads=payloads,
            first_sequence=self._sequence,
            timestamp=timestamp,
            is_video=packet.is_video,
            starts_group=packet.is_video and packet.keyframe,
            wall=packet.wall,
            size=sum(map(len, payloads)),
        )
        self._remember(frame)
        self._sequence += len(payloads)
        return frame

    def find(self, sequence: int) -> tuple[Frame, int] | None:
        """The frame and payload number that was sent under a 16-bit sequence, while it is kept."""
        return self._ring.get(sequence)

    def _remember(self, frame: Frame) -> None:
        ring = self._ring
        for number in range(len(frame.payloads)):
            sequence = frame.first_sequence + number & 0xFFFF
            ring.pop(sequence, None)
            ring[sequence] = (frame, number)
        while len(ring) > RING_PACKETS:
            ring.popitem(last=False)
