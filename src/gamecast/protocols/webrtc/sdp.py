"""SDP (RFC 8866) as WHIP and WHEP use it: values, and their text. Parsing is in :mod:`.sdp_parse`.

Only what bundled, multiplexed WebRTC media needs (RFC 8829, RFC 8843); transport attributes are
held per media section, whichever level they were written at.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from gamecast.protocols.webrtc.candidate import Candidate
from gamecast.protocols.webrtc.certificate import Fingerprint

PROFILE = "UDP/TLS/RTP/SAVPF"


class Direction(StrEnum):
    """Seen from the side whose description it is in."""

    SENDRECV = "sendrecv"
    SENDONLY = "sendonly"
    RECVONLY = "recvonly"
    INACTIVE = "inactive"

    @property
    def sends(self) -> bool:
        """Whether that side may send media."""
        return self in (Direction.SENDRECV, Direction.SENDONLY)

    @property
    def receives(self) -> bool:
        """Whether that side may receive media."""
        return self in (Direction.SENDRECV, Direction.RECVONLY)


@dataclass(slots=True, kw_only=True)
class RtpCodec:
    """One payload type of a media section."""

    payload_type: int
    name: str
    """Encoding name in lower case: ``h264``, ``opus``, ``rtx`` ..."""
    clock_rate: int
    channels: int = 1
    parameters: dict[str, str] = field(default_factory=dict)
    """``a=fmtp`` by name in lower case; a value without a name is under an empty string."""
    feedback: list[str] = field(default_factory=list)
    """``a=rtcp-fb`` values such as ``nack pli``."""


@dataclass(slots=True, kw_only=True)
class HeaderExtension:
    """One ``a=extmap``."""

    id: int
    uri: str
    direction: Direction = Direction.SENDRECV


@dataclass(slots=True, kw_only=True)
class Rid:
    """One ``a=rid`` (RFC 8851): a simulcast layer."""

    id: str
    direction: str
    """``send`` or ``recv``."""
    parameters: str = ""


@dataclass(slots=True, kw_only=True)
class MediaSection:
    """One ``m=`` section."""

    kind: str
    """``audio``, ``video`` or ``application``."""
    mid: str = ""
    port: int = 9
    protocol: str = PROFILE
    formats: list[str] = field(default_factory=list)
    direction: Direction = Direction.SENDRECV
    setup: str = ""
    ice_ufrag: str = ""
    ice_pwd: str = field(default="", repr=False)
    fingerprints: list[Fingerprint] = field(default_factory=list)
    candidates: list[Candidate] = field(default_factory=list)
    codecs: list[RtpCodec] = field(default_factory=list)
    extensions: list[HeaderExtension] = field(default_factory=list)
    rids: list[Rid] = field(default_factory=list)
    simulcast_send: list[str] = field(default_factory=list)
    """Rids that the describing side sends, in its order of preference."""
    simulcast_recv: list[str] = field(default_factory=list)
    ssrcs: dict[int, str] = field(default_factory=dict)
    """CNAME by synchronisation source."""
    ssrc_groups: list[tuple[str, list[int]]] = field(default_factory=list)
    """``FID`` groups pair a source with its retransmissions."""
    msid: str = ""
    rtcp_mux: bool = False
    rtcp_rsize: bool = False
    extmap_allow_mixed: bool = False
    """As of the session, for this section."""
    bundle_only: bool = False
    """Its port of 0 rejects nothing: it has no transport of its own (RFC 8843 section 6)."""

    @property
    def is_rejected(self) -> bool:
        """A port of 0 rejects a section (RFC 8829 section 5.3.1)."""
        return self.port == 0 and not self.bundle_only

    def codec(self, payload_type: int) -> RtpCodec | None:
        """The codec of a payload type."""
        return next((each for each in self.codecs if each.payload_type == payload_type), None)

    def rtx_for(self, payload_type: int) -> RtpCodec | None:
        """The RTX payload type that repeats ``payload_type`` (RFC 4588 section 8.6)."""
        apt = str(payload_type)
        found = (c for c in self.codecs if c.name == "rtx" and c.parameters.get("apt") == apt)
        return next(found, None)


@dataclass(slots=True, kw_only=True)
class SessionDescription:
    """An offer or an answer."""

    username: str = "-"
    """Of the origin (RFC 8866 section 5.2): browsers write there what they are."""
    session_id: int = 0
    version: int = 2
    bundle: list[str] = field(default_factory=list)
    """Mids of the BUNDLE group; the first owns the transport."""
    ice_lite: bool = False
    ice_options: list[str] = field(default_factory=list)
    extmap_allow_mixed: bool = False
    """One- and two-byte header extensions may be mixed in a source (RFC 8285 section 6)."""
    media: list[MediaSection] = field(default_factory=list)

    def __str__(self) -> str:
        return "".join(f"{line}\r\n" for line in self._lines())

    def _lines(self) -> Iterator[str]:
        yield "v=0"
        yield f"o={self.username} {self.session_id} {self.version} IN IP4 127.0.0.1"
        yield "s=-"
        yield "t=0 0"
        if self.ice_lite:
            yield "a=ice-lite"
        if self.bundle:
            yield f"a=group:BUNDLE {' '.join(self.bundle)}"
        if self.extmap_allow_mixed:
            yield "a=extmap-allow-mixed"
        yield "a=msid-semantic: WMS *"
        for media in self.media:
            yield from _media_lines(media, self.ice_options)


def _media_lines(media: MediaSection, ice_options: list[str]) -> Iterator[str]:
    yield f"m={media.kind} {media.port} {media.protocol} {' '.join(media.formats) or '0'}"
    yield "c=IN IP4 0.0.0.0"
    if media.mid:
        yield f"a=mid:{media.mid}"
    if media.is_rejected:
        yield "a=inactive"
        return
    yield f"a={media.direction}"
    yield f"a=ice-ufrag:{media.ice_ufrag}"
    yield f"a=ice-pwd:{media.ice_pwd}"
    if ice_options:
        yield f"a=ice-options:{' '.join(ice_options)}"
    yield from (f"a=fingerprint:{each}" for each in media.fingerprints)
    yield f"a=setup:{media.setup}"
    if media.rtcp_mux:
        yield "a=rtcp-mux"
    if media.rtcp_rsize:
        yield "a=rtcp-rsize"
    yield from _rtp_lines(media)
    yield from (f"a={candidate.to_sdp()}" for candidate in media.candidates)
    if media.candidates:
        yield "a=end-of-candidates"


def _rtp_lines(media: MediaSection) -> Iterator[str]:
    if media.extmap_allow_mixed:
        yield "a=extmap-allow-mixed"
    for extension in media.extensions:
        suffix = f"/{extension.direction}" if extension.direction != Direction.SENDRECV else ""
        yield f"a=extmap:{extension.id}{suffix} {extension.uri}"
    if media.msid:
        yield f"a=msid:{media.msid}"
    for codec in media.codecs:
        yield from _codec_lines(codec)
    for rid in media.rids:
        yield f"a=rid:{rid.id} {rid.direction} {rid.parameters}".rstrip()
    for way, rids in (("send", media.simulcast_send), ("recv", media.simulcast_recv)):
        if rids:
            yield f"a=simulcast:{way} {';'.join(rids)}"
    for semantics, ssrcs in media.ssrc_groups:
        yield f"a=ssrc-group:{semantics} {' '.join(map(str, ssrcs))}"
    for ssrc, cname in media.ssrcs.items():
        yield f"a=ssrc:{ssrc} cname:{cname}"
        if media.msid:
            yield f"a=ssrc:{ssrc} msid:{media.msid}"


def _codec_lines(codec: RtpCodec) -> Iterator[str]:
    number = codec.payload_type
    channels = f"/{codec.channels}" if codec.channels > 1 else ""
    name = codec.name if codec.name in ("opus", "rtx", "red") else codec.name.upper()
    yield f"a=rtpmap:{number} {name}/{codec.clock_rate}{channels}"
    yield from (f"a=rtcp-fb:{number} {each}" for each in codec.feedback)
    if codec.parameters:
        pairs = (f"{key}={value}" if key else value for key, value in codec.parameters.items())
        yield f"a=fmtp:{number} {';'.join(pairs)}"
