"""SendQueue: what one destination has still to send, and what it drops when its uplink is too slow.

The rules are those that streamers know from OBS, applied whenever a picture comes in:

1. more than 0.7 s queued: pictures that no other refers to (B-frames) are dropped;
2. more than 0.9 s: every picture that is not a keyframe, and those that come until the next one;
3. more than 2 s and a newer keyframe waiting: whole groups before it, their keyframes too.

Sound is never dropped, and a decoder never gets a picture whose reference is missing.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import IntEnum

from gamecast.media.codecs import is_reference
from gamecast.media.errors import MediaError
from gamecast.media.packet import Packet


class Priority(IntEnum):
    """How much is lost with a packet."""

    DISPOSABLE = 0
    REFERENCE = 1
    KEYFRAME = 2
    AUDIO = 3


@dataclass(slots=True, frozen=True, kw_only=True)
class DropRules:
    """Seconds of queued media from which each rule holds."""

    disposable: float = 0.7
    references: float = 0.9
    groups: float = 2.0


def priority(packet: Packet) -> Priority:
    """What kind of packet this is to the rules."""
    if not packet.is_video:
        return Priority.AUDIO
    if packet.keyframe:
        return Priority.KEYFRAME
    try:
        referred = is_reference(packet.track.codec, packet.data)
    except MediaError:
        referred = True
    return Priority.REFERENCE if referred else Priority.DISPOSABLE


def seconds(packet: Packet) -> float:
    """Decoding time in seconds."""
    return packet.dts / packet.track.clock_rate


class SendQueue:
    """Packets in the order in which they came. Used by one thread."""

    def __init__(self, rules: DropRules | None = None) -> None:
        self._rules = rules or DropRules()
        self._entries: deque[tuple[Packet, Priority]] = deque()
        self._least = Priority.DISPOSABLE
        self._newest = 0.0
        self.bytes = 0
        """Payload bytes waiting."""
        self._dropped = 0

    def __len__(self) -> int:
        return len(self._entries)

    def take_dropped(self) -> int:
        """Pictures dropped since this was last asked."""
        dropped, self._dropped = self._dropped, 0
        return dropped

    def duration(self) -> float:
        """Seconds of media waiting."""
        if not self._entries:
            return 0.0
        return max(0.0, self._newest - seconds(self._entries[0][0]))

    def clear(self) -> None:
        """Forget what is waiting; pictures among it count as dropped."""
        self._dropped += sum(1 for packet, _ in self._entries if packet.is_video)
        self._entries.clear()
        self.bytes = 0

    def push(self, packet: Packet) -> bool:
        """Add a packet; ``False`` if it was dropped."""
        kind = priority(packet)
        self._newest = max(self._newest, seconds(packet))
        if kind is not Priority.AUDIO:
            self._relieve()
            if kind < self._least:
                self._dropped += 1
                return False
            self._least = Priority.DISPOSABLE
        self._entries.append((packet, kind))
        self.bytes += len(packet.data)
        return True

    def pop(self) -> Packet | None:
        """The packet to send next."""
        if not self._entries:
            return None
        packet, _ = self._entries.popleft()
        self.bytes -= len(packet.data)
        return packet

    def _relieve(self) -> None:
        """Apply the rules to what is waiting."""
        held = self._video_duration()
        if held > self._rules.disposable:
            self._drop_below(Priority.REFERENCE)
        if held > self._rules.references:
            self._drop_below(Priority.KEYFRAME)
        if held > self._rules.groups:
            self._drop_old_groups()

    def _video_duration(self) -> float:
        """Seconds from the oldest picture waiting to the newest packet."""
        for packet, kind in self._entries:
            if kind is not Priority.AUDIO:
                return self._newest - seconds(packet)
        return 0.0

    def _drop_below(self, least: Priority) -> None:
        self._keep([entry for entry in self._entries if entry[1] >= least])
        self._least = max(self._least, least)

    def _drop_old_groups(self) -> None:
        """Keep sound and what begins with the newest keyframe."""
        kinds = [kind for _, kind in self._entries]
        if Priority.KEYFRAME not in kinds:
            return
        newest = len(kinds) - 1 - kinds[::-1].index(Priority.KEYFRAME)
        self._keep(
            [
                entry
                for index, entry in enumerate(self._entries)
                if index >= newest or entry[1] is Priority.AUDIO
            ]
        )

    def _keep(self, kept: list[tuple[Packet, Priority]]) -> None:
        self._dropped += len(self._entries) - len(kept)
        self._entries = deque(kept)
        self.bytes = sum(len(packet.data) for packet, _ in kept)
