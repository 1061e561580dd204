"""An SRT publisher as the hub sees it."""

from __future__ import annotations

from collections.abc import Callable

from gamecast.media.containers.mpegts import Demuxer
from gamecast.relay.stream import Ingest
from gamecast.server.auth_answers import Grant


class SrtPublisher:
    """Reads transport packets into packets of media and hands them to the stream."""

    protocol = "srt"
    software = ""

    def __init__(
        self,
        *,
        address: str,
        grant: Grant,
        end: Callable[[str], None],
    ) -> None:
        """``end`` closes the session with a reason; called when the hub wants so."""
        self.address = address
        self.grant = grant
        self.credential = grant.credential
        self.ingest: Ingest | None = None
        self.demuxer = Demuxer()
        self._end = end

    def receive(self, payloads: list[bytes]) -> None:
        """Payloads in order. Raises ``MediaError`` on what is no transport stream or
        is more than allowed."""
        ingest = self.ingest
        if ingest is None:
            return
        data = payloads[0] if len(payloads) == 1 else b"".join(payloads)
        for packet in self.demuxer.read(data):
            ingest.write(packet)

    def stopped(self) -> None:
        """The encoder said goodbye."""
        if self.ingest is not None:
            for packet in self.demuxer.flush():
                self.ingest.write(packet)
            self.ingest.stop("the publisher stopped")

    def lost(self, reason: str) -> None:
        """The connection broke."""
        if self.ingest is not None:
            self.ingest.lost(reason)

    def end(self, reason: str) -> None:
        """The hub ends this publisher (take-over, administrator, server stop)."""
        self._end(reason)

    def request_keyframe(self) -> None:
        """SRT has no way to ask for one."""
