"""An SRT publisher as the hub sees it."""

from __future__ import annotations

from collections.abc import Callable

from gamecast.media.containers.mpegts import Demuxer
from gamecast.media.errors import MediaError
from gamecast.relay.stream import Ingest
from gamecast.server.auth_answers import Grant

_BURST = 1.5
"""Peaks above ``max_bitrate`` that the seconds-long measurement may show."""


class SrtPublisher:
    """Reads transport packets into packets of media and hands them to the stream."""

    protocol = "srt"
    software = ""

    def __init__(
        self,
        *,
        address: str,
        grant: Grant,
        max_bitrate: int,
        end: Callable[[str], None],
    ) -> None:
        """``end`` closes the session with a reason; called when the hub wants so."""
        self.address = address
        self.grant = grant
        self.credential = grant.credential
        self.ingest: Ingest | None = None
        self.demuxer = Demuxer()
        self._max_bitrate = max_bitrate
        self._end = end

    def receive(self, payloads: list[bytes]) -> None:
        """Payloads in order. Raises ``MediaError`` on what is no transport stream."""
        ingest = self.ingest
        if ingest is None:
            return
        data = payloads[0] if len(payloads) == 1 else b"".join(payloads)
        for packet in self.demuxer.read(data):
            ingest.write(packet)
            if packet.keyframe and self._max_bitrate and packet.is_video:
                self._check_bitrate(ingest)

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

    def _check_bitrate(self, ingest: Ingest) -> None:
        bitrate = ingest.stream.bitrate
        if bitrate > self._max_bitrate * _BURST:
            raise MediaError(f"bitrate of {bitrate} bit/s is above the limit")
