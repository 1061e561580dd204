"""An RTMP publisher as the hub sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gamecast.media.containers.flv import TagReader
from gamecast.relay.stream import Ingest
from gamecast.server.auth_answers import Grant

if TYPE_CHECKING:
    from gamecast.server.rtmp.session import RtmpSession


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
    ) -> None:
        self.software = software
        self.address = address
        self.grant = grant
        self.credential = grant.credential
        self.ingest: Ingest | None = None
        self._session = session
        self._reader = TagReader()

    def receive(self, type_id: int, timestamp: int, payload: bytes) -> None:
        """One audio, video or data message. Raises ``MediaError`` on what cannot be read or
        is more than allowed."""
        ingest = self.ingest
        if ingest is None:
            return
        for packet in self._reader.read(type_id, timestamp, payload):
            ingest.write(packet)

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
