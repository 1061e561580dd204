"""What the hub knows of the session that publishes a stream."""

from __future__ import annotations

from typing import Protocol


class Publisher(Protocol):
    """One publishing session, seen from the hub."""

    @property
    def protocol(self) -> str:
        """``rtmp``, ``srt``, ``whip`` …"""

    @property
    def software(self) -> str:
        """What the encoder calls itself, for people to read; may be empty."""

    @property
    def address(self) -> str:
        """The peer's address, without the port."""

    @property
    def credential(self) -> str:
        """Names the key it came with (never the key itself): equal credentials may take over."""

    def end(self, reason: str) -> None:
        """Close the session with this reason; called by the hub, for instance on a take-over."""

    def request_keyframe(self) -> None:
        """Ask the encoder for a keyframe where the protocol can; harmless elsewhere."""
