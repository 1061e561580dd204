"""An RTMP publisher as the hub sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gamecast.media.containers.flv import TagReader
from gamecast.media.errors import MediaError
from gamecast.relay.stream import Ingest
from gamecast.server.auth_answers import Grant

if TYPE_CHECKING:
    from gamecast.server.rtmp.session import RtmpSession

_BURST = 1.5
"""Peaks above ``max_bitrate`` that the seconds-long measurement may show."""


class RtmpPublisher:
    """Reads the session's media messages into packets and hands them to the stream."""

    protocol = "rtmp"

    def __init__(
        self,
        session: RtmpSession,
        *,
        software: str,
        address: str,
        grant: Grant,
        max_bitrate: int,
    ) -> None:
        self.software = software
        self.address = address
        self.grant = grant
        self.credential = grant.credential
        self.ingest: Ingest | None = None
        self._session = session
        self._reader = TagReader()
        self._max_bitrate = max_bitrate

    def receive(self, type_id: int, timestamp: int, payload: bytes) -> None:
        """One audio, video or data message. Raises ``MediaError`` on what cannot be read."""
        ingest = self.ingest
        if ingest is None:
            return
        for packet in self._reader.read(type_id, timestamp, payload):
            ingest.write(packet)
            if packet.keyframe and self._max_bitrate and packet.is_video:
                self._check_bitrate(ingest)

    def stopped(self) -> None:
        """The encoder said that it is done."""
        if self.ingest is not None:
            self.ingest.stop("the publisher stopped")

    def lost(self, reason: str) -> None:
        """The connection broke."""
        if self.ingest is not None:
            self.ingest.lost(reason)

    def end(self, reason: str) -> None:
        """The hub ends this publisher (take-over, administrator, server stop)."""
        self._session.end_publish(self, reason)

    def request_keyframe(self) -> None:
        """RTMP has no way to ask for one."""

    def _check_bitrate(self, ingest: Ingest) -> None:
        bitrate = ingest.stream.bitrate
        if bitrate > self._max_bitrate * _BURST:
            raise MediaError(f"bitrate of {bitrate} bit/s is above the limit")
