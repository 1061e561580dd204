"""What a video track asks of a decoder, in the words of its RTP payload format (``a=fmtp``)."""

from __future__ import annotations

from collections.abc import Callable

from gamecast.media.codecs import av1, hevc, vp9
from gamecast.media.errors import MediaError
from gamecast.media.track import Codec, Track


def video_parameters(track: Track) -> dict[str, str]:
    """By name; empty where the configuration does not say, which means the format's defaults."""
    reader = _READERS.get(track.codec)
    try:
        return reader(track.config) if reader is not None else {}
    except MediaError:
        return {}


def _h264(config: bytes) -> dict[str, str]:
    """RFC 6184 section 8.1."""
    return {"profile-level-id": config[1:4].hex()} if len(config) >= 4 else {}


def _hevc(config: bytes) -> dict[str, str]:
    """RFC 7798 section 7.1."""
    profile = hevc.parse_hvcc(config).profile
    return {
        "profile-id": str(profile.profile_idc),
        "tier-flag": str(profile.tier),
        "level-id": str(profile.level_idc),
    }


def _av1(config: bytes) -> dict[str, str]:
    """RTP Payload Format For AV1, section 7.2.1."""
    parsed = av1.parse_av1c(config)
    return {
        "profile": str(parsed.profile),
        "level-idx": str(parsed.level),
        "tier": str(parsed.tier),
    }


def _vp9(config: bytes) -> dict[str, str]:
    """RFC 9628 section 7."""
    return {"profile-id": str(vp9.parse_vpcc(config).profile)}


_READERS: dict[Codec, Callable[[bytes], dict[str, str]]] = {
    Codec.H264: _h264,
    Codec.HEVC: _hevc,
    Codec.AV1: _av1,
    Codec.VP9: _vp9,
}
