"""The transport that an offer and its answer agree on: ICE, DTLS and the BUNDLE group."""

from __future__ import annotations

from dataclasses import dataclass, field

from gamecast.protocols.webrtc.candidate import Candidate
from gamecast.protocols.webrtc.certificate import Fingerprint, usable_fingerprints
from gamecast.protocols.webrtc.credentials import IceCredentials, checked_credentials
from gamecast.protocols.webrtc.errors import WebRtcError
from gamecast.protocols.webrtc.sdp import MediaSection, SessionDescription

_PROTOCOLS = frozenset({"UDP/TLS/RTP/SAVPF", "TCP/TLS/RTP/SAVPF", "TCP/DTLS/RTP/SAVPF"})


@dataclass(slots=True, kw_only=True)
class LocalTransport:
    """Our side, fresh for every session but for the certificate."""

    credentials: IceCredentials
    fingerprint: Fingerprint
    candidates: list[Candidate] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class RemoteTransport:
    """The peer's side, checked."""

    credentials: IceCredentials
    fingerprints: list[Fingerprint]
    candidates: list[Candidate]
    we_are_dtls_client: bool
    """The peer is ``setup:passive``."""
    is_lite: bool = False


def remote_transport(
    description: SessionDescription, accepted: list[MediaSection]
) -> RemoteTransport:
    """The transport of the accepted sections, which must be one bundle. Raises WebRtcError.

    A peer that answers or offers ``passive`` awaits our ClientHello; anything else lets it begin.
    """
    if not accepted:
        raise WebRtcError("no media section that we can take")
    _check_bundle(description, accepted)
    owner = next((m for m in description.media if m.mid and m.mid in description.bundle), None)
    owner = owner or accepted[0]
    if owner.setup not in ("actpass", "active", "passive"):
        raise WebRtcError("SDP has no usable a=setup")
    return RemoteTransport(
        credentials=checked_credentials(owner.ice_ufrag, owner.ice_pwd),
        fingerprints=usable_fingerprints(owner.fingerprints),
        candidates=[candidate for media in accepted for candidate in media.candidates],
        we_are_dtls_client=owner.setup == "passive",
        is_lite=description.ice_lite,
    )


def _check_bundle(description: SessionDescription, accepted: list[MediaSection]) -> None:
    for media in accepted:
        if media.protocol not in _PROTOCOLS:
            raise WebRtcError(f"media profile {media.protocol} is not encrypted by DTLS-SRTP")
        if not media.rtcp_mux:
            raise WebRtcError("SDP without a=rtcp-mux")
        if len(accepted) > 1 and media.mid not in description.bundle:
            raise WebRtcError("SDP does not bundle its media into one transport")


def fill_transport(media: MediaSection, local: LocalTransport, *, setup: str) -> None:
    """Write our transport into a section of our description."""
    media.ice_ufrag = local.credentials.ufrag
    media.ice_pwd = local.credentials.password
    media.fingerprints = [local.fingerprint]
    media.setup = setup
    media.rtcp_mux = True
    media.rtcp_rsize = True
