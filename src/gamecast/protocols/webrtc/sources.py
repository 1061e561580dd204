"""Which stream of a publisher an RTP packet belongs to.

By SSRC if SDP announced it; else by the header extensions ``mid`` and ``rid`` (RFC 8843 section
9.2, RFC 8852), which come with the first packets; else by payload type, if that is unique.
"""

from __future__ import annotations

from dataclasses import dataclass

from gamecast.protocols.webrtc.answer import AgreedMedia
from gamecast.protocols.webrtc.capabilities import MID, REPAIRED_RID, RID
from gamecast.protocols.webrtc.rtp import RtpPacket

MAX_SOURCES = 64
_LATE_PACKETS = 32
"""So many of a replaced SSRC's may still be on their way; if more come, it is in use again."""


@dataclass(slots=True)
class Source:
    """One stream of media: a media section and, with simulcast, a layer of it."""

    media: AgreedMedia
    rid: str
    """Empty without simulcast."""
    ssrc: int


class SourceMap:
    """Learns the sources of one publisher. Feed it authentic packets only."""

    def __init__(self, media: list[AgreedMedia]) -> None:
        self._media = media
        self._sources: dict[int, Source] = {}
        self._rtx: dict[int, tuple[AgreedMedia, str]] = {}
        self._replaced: dict[int, int] = {}
        self._announced = {ssrc: each for each in media for ssrc in each.ssrcs}

    def source_of(self, packet: RtpPacket) -> Source | None:
        """The source of a media packet; ``None`` for RTX and for what cannot be told."""
        known = self._sources.get(packet.ssrc)
        if known is not None:
            return known if packet.payload_type == known.media.payload_type else None
        media = self._media_of(packet, rtx=False)
        if media is None or len(self._sources) >= MAX_SOURCES or self._is_late(packet.ssrc):
            return None
        rid = _text(packet, media, RID)
        if media.rids and rid not in media.rids:
            return None
        source = Source(media, rid, packet.ssrc)
        self._replace(source)
        return source

    def repaired_by(self, packet: RtpPacket) -> Source | None:
        """The source that an RTX packet repeats a packet of; ``None`` if it is no RTX."""
        media = self._media_of(packet, rtx=True)
        if media is None:
            return None
        primary = media.rtx_of.get(packet.ssrc)
        if primary is not None:
            return self._sources.get(primary)
        if packet.ssrc not in self._rtx and len(self._rtx) < MAX_SOURCES:
            rid = _text(packet, media, REPAIRED_RID)
            if not media.rids or rid in media.rids:
                self._rtx[packet.ssrc] = (media, rid)
        found = self._rtx.get(packet.ssrc)
        return None if found is None else self._by_layer(*found)

    def _by_layer(self, media: AgreedMedia, rid: str) -> Source | None:
        every = self._sources.values()
        return next((each for each in every if each.media is media and each.rid == rid), None)

    def _replace(self, source: Source) -> None:
        """A new SSRC of a layer takes the place of the old one (a camera was switched)."""
        for ssrc, other in list(self._sources.items()):
            if other.media is source.media and other.rid == source.rid:
                del self._sources[ssrc]
                self._replaced[ssrc] = 0
        while len(self._replaced) > MAX_SOURCES:
            del self._replaced[next(iter(self._replaced))]
        self._sources[source.ssrc] = source

    def _is_late(self, ssrc: int) -> bool:
        """Whether a packet was overtaken by the SSRC that replaced its own."""
        late = self._replaced.get(ssrc)
        if late is None:
            return False
        self._replaced[ssrc] = late + 1
        if late < _LATE_PACKETS:
            return True
        del self._replaced[ssrc]
        return False

    def _media_of(self, packet: RtpPacket, *, rtx: bool) -> AgreedMedia | None:
        if not rtx and packet.ssrc in self._announced:
            announced = self._announced[packet.ssrc]
            return announced if announced.payload_type == packet.payload_type else None
        number = packet.payload_type
        fitting = [
            each
            for each in self._media
            if number == (each.rtx_payload_type if rtx else each.payload_type)
        ]
        if len(fitting) > 1:
            fitting = [each for each in fitting if _text(packet, each, MID) == each.mid]
        return fitting[0] if len(fitting) == 1 else None


def _text(packet: RtpPacket, media: AgreedMedia, uri: str) -> str:
    identifier = media.extensions.get(uri)
    value = packet.extensions.get(identifier, b"") if identifier is not None else b""
    return value.decode("ascii", "replace")
