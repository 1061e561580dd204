"""What every destination looks like to the hub: a queue of its own, a state, an end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from gamecast.client.push.stats import DestinationStats
from gamecast.media.packet import Packet
from gamecast.media.track import Track

Metadata = Mapping[str, str | float]
"""What ``onMetaData`` says beside the tracks: the encoder's name, bitrates in kbit/s."""


class Destination(Protocol):
    """One place that the encoded packets go to. A slow or broken one never hurts another."""

    @property
    def stats(self) -> DestinationStats:
        """How it does; read from any thread."""

    def start(self, tracks: Sequence[Track], metadata: Metadata) -> None:
        """Begin to connect (or open the file). Returns at once."""

    def write(self, packet: Packet) -> None:
        """Take one packet; from the encoders' threads, never blocking. Packets are shared."""

    def finish(self, timeout: float) -> None:
        """Send what is waiting, end in an orderly way, and return within about ``timeout``."""
