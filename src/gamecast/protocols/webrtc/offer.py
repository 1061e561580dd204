"""Our own offers, for publishing by WHIP and watching by WHEP, and what their answers settle."""

from __future__ import annotations

from collections.abc import Sequence

from gamecast.protocols.webrtc.answer import AgreedMedia, Agreement, OutgoingStream
from gamecast.protocols.webrtc.capabilities import (
    ABS_SEND_TIME,
    FEEDBACK,
    MID,
    TRANSPORT_CC,
    codec_name,
    rtp_name,
)
from gamecast.protocols.webrtc.errors import WebRtcError
from gamecast.protocols.webrtc.sdp import (
    Direction,
    HeaderExtension,
    MediaSection,
    RtpCodec,
    SessionDescription,
)
from gamecast.protocols.webrtc.transport import (
    LocalTransport,
    fill_transport,
    remote_transport,
)

_EXTENSIONS = {MID: 1, ABS_SEND_TIME: 2, TRANSPORT_CC: 3}
_FIRST_VIDEO_TYPE, _FIRST_AUDIO_TYPE = 96, 111
_H264 = {"level-asymmetry-allowed": "1", "packetization-mode": "1"}
_OPUS = {"minptime": "10", "useinbandfec": "1", "stereo": "1", "sprop-stereo": "1"}
H264_LEVEL_IDS = ("640033", "4d0033", "42e033", "420033")
"""Profiles that an offer to watch lists: all that any decoder behind us takes."""


def publish_offer(
    local: LocalTransport, streams: Sequence[OutgoingStream], *, session_id: int
) -> SessionDescription:
    """An offer to send ``streams``, one media section each."""
    offer = SessionDescription(session_id=session_id, extmap_allow_mixed=True)
    for index, stream in enumerate(streams):
        media = _section(stream.kind, index, Direction.SENDONLY)
        media.codecs = _codecs(_variants(stream))
        media.msid = f"gamecast {stream.kind}"
        media.ssrcs = {stream.ssrc: "gamecast"}
        if stream.rtx_ssrc is not None and stream.kind == "video":
            media.ssrcs[stream.rtx_ssrc] = "gamecast"
            media.ssrc_groups = [("FID", [stream.ssrc, stream.rtx_ssrc])]
        _complete(offer, media, local)
    return offer


def play_offer(
    local: LocalTransport,
    *,
    video: Sequence[str] = ("h264", "av1", "hevc", "vp9", "vp8"),
    audio: Sequence[str] = ("opus",),
    session_id: int,
) -> SessionDescription:
    """An offer to receive one video and one audio stream of any of these codecs."""
    offer = SessionDescription(session_id=session_id, extmap_allow_mixed=True)
    for kind, names in (("video", video), ("audio", audio)):
        if not names:
            continue
        media = _section(kind, len(offer.media), Direction.RECVONLY)
        variants: list[tuple[str, dict[str, str]]] = []
        for name in names:
            ids = H264_LEVEL_IDS if name == "h264" else ("",)
            variants += [(name, {"profile-level-id": each} if each else {}) for each in ids]
        media.codecs = _codecs(variants)
        _complete(offer, media, local)
    return offer


def accept_answer(offer: SessionDescription, answer: SessionDescription) -> Agreement:
    """What an answer to our offer settles; ``answer`` is kept in the agreement as it came.

    Raises WebRtcError if the answer does not fit the offer or accepts nothing.
    """
    if len(answer.media) != len(offer.media):
        raise WebRtcError("the answer has other media sections than the offer")
    accepted: list[MediaSection] = []
    agreed: list[AgreedMedia] = []
    for ours, theirs in zip(offer.media, answer.media, strict=True):
        if theirs.kind != ours.kind or (theirs.mid and theirs.mid != ours.mid):
            raise WebRtcError("the answer has other media sections than the offer")
        if theirs.is_rejected or theirs.direction is Direction.INACTIVE:
            continue
        accepted.append(theirs)
        agreed.append(_agreed(ours, theirs))
    remote = remote_transport(answer, accepted)
    return Agreement(answer=answer, remote=remote, media=agreed)


def _variants(stream: OutgoingStream) -> list[tuple[str, dict[str, str]]]:
    """The stream as it is, and H.264 as a plainer profile too.

    Receivers that list no High profile refuse it, though their decoders take it; constrained
    baseline is what every one of them lists, and what OBS calls all that it sends.
    """
    own = stream.parameters.get("profile-level-id", "")
    variants = [(stream.codec, stream.parameters)]
    if stream.codec == "h264" and len(own) == 6 and not own.startswith("42e0"):
        plain = {**stream.parameters, "profile-level-id": f"42e0{own[4:]}"}
        variants.append((stream.codec, plain))
    return variants


def _section(kind: str, index: int, direction: Direction) -> MediaSection:
    return MediaSection(kind=kind, mid=str(index), direction=direction)


def _codecs(variants: Sequence[tuple[str, dict[str, str]]]) -> list[RtpCodec]:
    codecs: list[RtpCodec] = []
    number = _FIRST_VIDEO_TYPE
    for name, parameters in variants:
        if name == "opus":
            codecs.append(
                RtpCodec(
                    payload_type=_FIRST_AUDIO_TYPE,
                    name=name,
                    clock_rate=48_000,
                    channels=2,
                    parameters=dict(_OPUS),
                    feedback=["transport-cc"],
                )
            )
            continue
        codecs.append(
            RtpCodec(
                payload_type=number,
                name=rtp_name(name),
                clock_rate=90_000,
                parameters={**_H264, **parameters} if name == "h264" else dict(parameters),
                feedback=list(FEEDBACK),
            )
        )
        codecs.append(
            RtpCodec(
                payload_type=number + 1,
                name="rtx",
                clock_rate=90_000,
                parameters={"apt": str(number)},
            )
        )
        number += 2
    return codecs


def _complete(offer: SessionDescription, media: MediaSection, local: LocalTransport) -> None:
    media.formats = [str(codec.payload_type) for codec in media.codecs]
    media.extensions = [HeaderExtension(id=i, uri=uri) for uri, i in _EXTENSIONS.items()]
    fill_transport(media, local, setup="actpass")
    if not offer.media:
        media.candidates = list(local.candidates)
    offer.media.append(media)
    offer.bundle.append(media.mid)


def _agreed(ours: MediaSection, theirs: MediaSection) -> AgreedMedia:
    offered = {codec.payload_type: codec.name for codec in ours.codecs}
    chosen = next(
        (c for c in theirs.codecs if c.name != "rtx" and offered.get(c.payload_type) == c.name),
        None,
    )
    if chosen is None:
        raise WebRtcError("the answer chose no codec of the offer")
    rtx = theirs.rtx_for(chosen.payload_type)
    pairs = [ssrcs for semantics, ssrcs in theirs.ssrc_groups if semantics == "FID"]
    rtx_of = {pair[1]: pair[0] for pair in pairs if len(pair) == 2}
    known = {extension.uri: extension.id for extension in ours.extensions}
    answered = {extension.uri for extension in theirs.extensions}
    return AgreedMedia(
        mid=ours.mid,
        kind=ours.kind,
        codec=codec_name(chosen.name),
        payload_type=chosen.payload_type,
        clock_rate=chosen.clock_rate,
        rtx_payload_type=None if rtx is None else rtx.payload_type,
        extensions={uri: i for uri, i in known.items() if uri in answered},
        feedback=list(chosen.feedback),
        ssrcs=[ssrc for ssrc in theirs.ssrcs if ssrc not in rtx_of],
        rtx_of=rtx_of,
    )
