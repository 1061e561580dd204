"""What we support of codecs, feedback and header extensions, and how to pick from an offer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gamecast.protocols.webrtc.errors import WebRtcError
from gamecast.protocols.webrtc.h264_profile import DEFAULT, IMPOSSIBLE, match_rank
from gamecast.protocols.webrtc.sdp import MediaSection, RtpCodec

MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
RID = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
REPAIRED_RID = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
ABS_SEND_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
TRANSPORT_CC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
PLAYOUT_DELAY = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"
ABS_CAPTURE_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time"

PLAY_EXTENSIONS = (ABS_SEND_TIME, PLAYOUT_DELAY, ABS_CAPTURE_TIME)
"""No MID (sources are announced) and no transport-cc: its counter would give every viewer headers
of its own. REMB, which needs only the shared abs-send-time, estimates instead."""
PUBLISH_EXTENSIONS = (MID, RID, REPAIRED_RID, ABS_SEND_TIME, TRANSPORT_CC, ABS_CAPTURE_TIME)
"""Not video-orientation: a sender that may not use it turns the picture itself."""
FEEDBACK = ("nack", "nack pli", "ccm fir", "transport-cc", "goog-remb")
VIDEO_PREFERENCE = ("h264", "hevc", "av1", "vp9", "vp8")
"""Names of our own; RTP calls HEVC ``h265``."""
AUDIO_PREFERENCE = ("opus",)
_RTP_NAMES = {"hevc": "h265"}


def rtp_name(codec: str) -> str:
    """Encoding name (lower case) of a codec as the rest of the program calls it."""
    return _RTP_NAMES.get(codec, codec)


def codec_name(rtp: str) -> str:
    """The inverse of :func:`rtp_name`."""
    return {name: codec for codec, name in _RTP_NAMES.items()}.get(rtp, rtp)


def find_playable(section: MediaSection, codec: str, parameters: dict[str, str]) -> RtpCodec | None:
    """The payload type of an offer that fits a stream best; ``None`` if none does.

    ``parameters`` are the stream's own fmtp values: ``profile-level-id`` for H.264, ``profile-id``
    for VP9 and HEVC, ``profile`` for AV1; missing ones mean the format's default.
    """
    wanted = rtp_name(codec)
    fitting = [each for each in section.codecs if each.name == wanted]
    if codec == "h264":
        return _best_h264(fitting, parameters.get("profile-level-id", DEFAULT))
    key = _PROFILE_KEYS.get(codec)
    if key is None:
        return fitting[0] if fitting else None
    name, default = key
    needed = parameters.get(name, default)
    return next((c for c in fitting if c.parameters.get(name, default) == needed), None)


_PROFILE_KEYS = {"vp9": ("profile-id", "0"), "av1": ("profile", "0"), "hevc": ("profile-id", "1")}


def _best_h264(codecs: Iterable[RtpCodec], stream: str) -> RtpCodec | None:
    ranked: list[tuple[tuple[int, int], int, RtpCodec]] = []
    for order, codec in enumerate(codecs):
        if codec.parameters.get("packetization-mode", "0") != "1":
            continue
        try:
            rank = match_rank(codec.parameters.get("profile-level-id", DEFAULT), stream)
        except WebRtcError:
            continue
        if rank[0] != IMPOSSIBLE:
            ranked.append((rank, order, codec))
    return min(ranked, key=lambda each: each[:2])[2] if ranked else None


def find_receivable(section: MediaSection, preference: Sequence[str]) -> RtpCodec | None:
    """The payload type of an offer to publish that we want to receive.

    Our preference decides between codecs, the peer's between variants of one codec. For H.264
    packetization mode 1 comes before 0, which forbids fragments.
    """
    for codec in preference:
        fitting = [each for each in section.codecs if each.name == rtp_name(codec)]
        if codec == "h264":
            fitting.sort(key=lambda c: c.parameters.get("packetization-mode", "0") != "1")
        if fitting:
            return fitting[0]
    return None


def agreed_feedback(offered: Iterable[str], extensions: Iterable[str]) -> list[str]:
    """Those kinds of feedback that both sides know, in our order.

    ``transport-cc`` needs its header extension to be among the agreed ``extensions``.
    """
    known = set(offered)
    if TRANSPORT_CC not in extensions:
        known.discard("transport-cc")
    return [each for each in FEEDBACK if each in known]


def agreed_extensions(
    section: MediaSection, wanted: Iterable[str], *, peer_sends: bool
) -> dict[str, int]:
    """``{uri: id}`` of the header extensions that both sides can use in this direction."""
    usable = {
        each.uri: each.id
        for each in section.extensions
        if (each.direction.sends if peer_sends else each.direction.receives)
    }
    return {uri: usable[uri] for uri in wanted if uri in usable}
