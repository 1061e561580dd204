"""Synthetic packets whose payloads a byte stream with start codes can carry."""

from __future__ import annotations

from collections.abc import Iterator

from gamecast.media.packet import Packet
from tests.support.media import Feed


def solid(feed: Feed, seconds: float) -> Iterator[Packet]:
    """The feed's packets without zero bytes, for NAL units neither hold start codes nor end in 0.

    Frames stay different from one another.
    """
    for packet in feed.packets(seconds):
        if packet.is_video:
            body = packet.data[4:]
            packet.data = packet.data[:4] + body[:1] + body[1:].replace(b"\x00", b"\xab")
        yield packet
