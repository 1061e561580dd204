"""Answers to WHIP and WHEP offers: which payload types, extensions and layers are used.

``answer_publish`` takes all that a publisher offers to send; ``answer_play`` gives a viewer the
streams there are. Both return an :class:`Agreement`: the answer to send, and what it means.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from gamecast.protocols.webrtc.capabilities import (
    AUDIO_PREFERENCE,
    PLAY_EXTENSIONS,
    PUBLISH_EXTENSIONS,
    VIDEO_PREFERENCE,
    agreed_extensions,
    agreed_feedback,
    codec_name,
    find_playable,
    find_receivable,
)
from gamecast.protocols.webrtc.errors import WebRtcError
from gamecast.protocols.webrtc.sdp import (
    Direction,
    HeaderExtension,
    MediaSection,
    Rid,
    RtpCodec,
    SessionDescription,
)
from gamecast.protocols.webrtc.transport import (
    LocalTransport,
    RemoteTransport,
    fill_transport,
    remote_transport,
)

_OPUS_RECEIVE = {"minptime": "10", "useinbandfec": "1", "stereo": "1", "sprop-stereo": "1"}
"""What we want a publisher's Opus to be: browsers send mono unless the answer asks for stereo."""


@dataclass(slots=True, kw_only=True)
class OutgoingStream:
    """One stream that a viewer may get."""

    kind: str
    """``video`` or ``audio``."""
    codec: str
    """``h264``, ``hevc``, ``av1``, ``vp9``, ``vp8`` or ``opus``."""
    parameters: dict[str, str] = field(default_factory=dict)
    """The stream's own fmtp, such as ``profile-level-id``."""
    ssrc: int
    rtx_ssrc: int | None = None


@dataclass(slots=True, kw_only=True)
class AgreedMedia:
    """One media section that both sides accept."""

    mid: str
    kind: str
    codec: str
    """As in :class:`OutgoingStream`."""
    payload_type: int
    clock_rate: int
    rtx_payload_type: int | None
    extensions: dict[str, int]
    """Header extension ids by URI."""
    feedback: list[str]
    rids: list[str] = field(default_factory=list)
    """Simulcast layers of a publisher, all accepted, in its order."""
    ssrcs: list[int] = field(default_factory=list)
    """Sources that the sending side announces; empty where rids take their place."""
    rtx_of: dict[int, int] = field(default_factory=dict)
    """Announced retransmission source to the source it repeats."""
    stream: OutgoingStream | None = None


@dataclass(slots=True, kw_only=True)
class Agreement:
    """An answer and its meaning."""

    answer: SessionDescription
    remote: RemoteTransport
    media: list[AgreedMedia]


_Choice = tuple[RtpCodec, OutgoingStream | None]


def answer_publish(
    offer: SessionDescription,
    local: LocalTransport,
    *,
    session_id: int,
    video: Sequence[str] = VIDEO_PREFERENCE,
    audio: Sequence[str] = AUDIO_PREFERENCE,
) -> Agreement:
    """Accept what a publisher wants to send, every simulcast layer included (OBS insists).

    Raises WebRtcError if nothing can be accepted or the transport is unusable.
    """
    preferences = {"video": video, "audio": audio}

    def choose(section: MediaSection) -> _Choice | None:
        if not section.direction.sends:
            return None
        codec = find_receivable(section, preferences.get(section.kind, ()))
        return None if codec is None else (codec, None)

    return _answer(offer, local, session_id, choose)


def answer_play(
    offer: SessionDescription,
    local: LocalTransport,
    streams: Sequence[OutgoingStream],
    *,
    session_id: int,
) -> Agreement:
    """Give a viewer the first of ``streams`` that fits each section it wants to receive.

    Order ``streams`` by preference; each is given once. Raises WebRtcError if none fits.
    """
    given: list[OutgoingStream] = []

    def choose(section: MediaSection) -> _Choice | None:
        if not section.direction.receives or any(each.kind == section.kind for each in given):
            return None
        for stream in streams:
            if stream.kind == section.kind:
                codec = find_playable(section, stream.codec, stream.parameters)
                if codec is not None:
                    given.append(stream)
                    return codec, stream
        return None

    return _answer(offer, local, session_id, choose)


def _answer(
    offer: SessionDescription,
    local: LocalTransport,
    session_id: int,
    choose: Callable[[MediaSection], _Choice | None],
) -> Agreement:
    if offer.ice_lite:
        raise WebRtcError("both sides are ICE-lite, so nobody would begin")
    answer = SessionDescription(
        session_id=session_id, ice_lite=True, extmap_allow_mixed=offer.extmap_allow_mixed
    )
    accepted: list[MediaSection] = []
    agreed: list[AgreedMedia] = []
    for section in offer.media:
        choice = None if section.is_rejected else choose(section)
        if choice is None:
            answer.media.append(_rejection(section))
            continue
        accepted.append(section)
        media = _agree(section, *choice)
        agreed.append(media)
        answer.media.append(_acceptance(section, media, *choice))
    remote = remote_transport(offer, accepted)
    setup = "active" if remote.we_are_dtls_client else "passive"
    answer.bundle = [section.mid for section in accepted if section.mid]
    owned = [section for section in answer.media if not section.is_rejected]
    for section in owned:
        fill_transport(section, local, setup=setup)
    # One transport, one list of candidates: the first section of the bundle speaks for all.
    owned[0].candidates = list(local.candidates)
    return Agreement(answer=answer, remote=remote, media=agreed)


def _rejection(section: MediaSection) -> MediaSection:
    return MediaSection(
        kind=section.kind,
        mid=section.mid,
        port=0,
        protocol=section.protocol,
        formats=section.formats[:1],
    )


def _agree(section: MediaSection, codec: RtpCodec, stream: OutgoingStream | None) -> AgreedMedia:
    rtx = section.rtx_for(codec.payload_type)
    wanted = PUBLISH_EXTENSIONS if stream is None else PLAY_EXTENSIONS
    pairs = [ssrcs for semantics, ssrcs in section.ssrc_groups if semantics == "FID"]
    extensions = agreed_extensions(section, wanted, peer_sends=stream is None)
    media = AgreedMedia(
        mid=section.mid,
        kind=section.kind,
        codec=codec_name(codec.name),
        payload_type=codec.payload_type,
        clock_rate=codec.clock_rate,
        rtx_payload_type=None if rtx is None else rtx.payload_type,
        extensions=extensions,
        feedback=agreed_feedback(codec.feedback, extensions),
        stream=stream,
    )
    if stream is None:
        media.rids = list(section.simulcast_send)
        media.rtx_of = {pair[1]: pair[0] for pair in pairs if len(pair) == 2}
        media.ssrcs = [ssrc for ssrc in section.ssrcs if ssrc not in media.rtx_of]
    return media


def _acceptance(
    section: MediaSection, media: AgreedMedia, codec: RtpCodec, stream: OutgoingStream | None
) -> MediaSection:
    accepted = MediaSection(
        kind=section.kind,
        mid=section.mid,
        protocol=section.protocol,
        direction=Direction.RECVONLY if stream is None else Direction.SENDONLY,
        codecs=_answered_codecs(section, media, codec, stream),
        extensions=[HeaderExtension(id=i, uri=uri) for uri, i in media.extensions.items()],
        extmap_allow_mixed=section.extmap_allow_mixed,
        rids=[Rid(id=rid, direction="recv") for rid in media.rids],
        simulcast_recv=list(media.rids),
    )
    accepted.formats = [str(each.payload_type) for each in accepted.codecs]
    if stream is not None:
        _announce(accepted, media, stream)
    return accepted


def _answered_codecs(
    section: MediaSection, media: AgreedMedia, codec: RtpCodec, stream: OutgoingStream | None
) -> list[RtpCodec]:
    parameters = dict(codec.parameters)
    if codec.name == "opus":
        parameters = dict(_OPUS_RECEIVE if stream is None else stream.parameters)
    codecs = [
        RtpCodec(
            payload_type=codec.payload_type,
            name=codec.name,
            clock_rate=codec.clock_rate,
            channels=codec.channels,
            parameters=parameters,
            feedback=media.feedback,
        )
    ]
    rtx = section.rtx_for(codec.payload_type)
    return codecs if rtx is None else [*codecs, rtx]


def _announce(accepted: MediaSection, media: AgreedMedia, stream: OutgoingStream) -> None:
    """Our sources, in one media stream so that the browser plays them in sync."""
    accepted.msid = f"gamecast {stream.kind}"
    accepted.ssrcs = {stream.ssrc: "gamecast"}
    if stream.rtx_ssrc is not None and media.rtx_payload_type is not None:
        accepted.ssrcs[stream.rtx_ssrc] = "gamecast"
        accepted.ssrc_groups = [("FID", [stream.ssrc, stream.rtx_ssrc])]
