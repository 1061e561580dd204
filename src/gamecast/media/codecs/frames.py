"""Questions about one packet's payload, asked by codec."""

from __future__ import annotations

from collections.abc import Callable

from gamecast.media.codecs import ac3, av1, flac, h264, hevc, mp3, opus, vp8, vp9
from gamecast.media.track import Codec, Track

_KEYFRAME: dict[Codec, Callable[[bytes], bool]] = {
    Codec.H264: h264.is_keyframe,
    Codec.HEVC: hevc.is_keyframe,
    Codec.AV1: av1.is_keyframe,
    Codec.VP8: vp8.is_keyframe,
    Codec.VP9: vp9.is_keyframe,
}
_REFERENCE: dict[Codec, Callable[[bytes], bool]] = {
    Codec.H264: h264.is_reference,
    Codec.HEVC: hevc.is_reference,
}


def is_keyframe(codec: Codec, data: bytes) -> bool:
    """Whether a decoder can start at this payload (in the form that ``Packet`` describes).

    Audio always can. Raises ``MediaError`` where the payload is malformed.
    """
    test = _KEYFRAME.get(codec)
    return test is None or test(data)


def is_reference(codec: Codec, data: bytes) -> bool:
    """Whether other pictures may need this one; ``False`` only where it may surely be dropped.

    H.264 and HEVC say so in the NAL unit header; for all else the answer is ``True``.
    """
    test = _REFERENCE.get(codec)
    return test is None or test(data)


def packet_samples(track: Track, data: bytes) -> int:
    """Return how many samples an audio packet lasts, in ticks of ``track.clock_rate``.

    Read from the packet where the codec lets it vary (Opus, MP3, E-AC-3, FLAC), else from the
    track; 0 where neither says. Raises ``MediaError`` where the packet is malformed.
    """
    match track.codec:
        case Codec.OPUS:
            return opus.packet_samples(data)
        case Codec.MP3:
            return mp3.parse_frame_header(data).samples
        case Codec.EAC3:
            return ac3.parse_frame_header(data).samples
        case Codec.FLAC:
            return flac.frame_samples(data)
    return track.samples_per_frame
