"""From FFmpeg's bytes to ours: configuration records, NAL unit lengths, no temporal delimiters."""

from __future__ import annotations

from collections.abc import Callable

from gamecast.media.codecs import av1, h264, hevc, nal
from gamecast.media.codecs.in_band import config_from_units
from gamecast.media.errors import MediaError
from gamecast.media.track import Codec

Repack = Callable[[bytes], bytes]


def configuration(codec: Codec, extradata: bytes) -> bytes:
    """The decoder configuration record of FFmpeg's extradata, whichever form that has.

    Encoders and MPEG-TS give parameter sets with start codes (or an AV1 sequence header OBU),
    MP4 and Matroska give the record itself. Raises ``MediaError`` where it is neither.
    """
    if not extradata:
        raise MediaError(f"{codec} without its configuration")
    match codec:
        case Codec.H264 | Codec.HEVC if extradata[0] != 1:
            return config_from_units(codec, nal.split_annexb(extradata))
        case Codec.AV1 if extradata[0] != 0x81:
            return av1.build_av1c(extradata)
        case _:
            return extradata


def repacker(codec: Codec, extradata: bytes) -> Repack:
    """A function from FFmpeg's packet payloads to those of ``Packet`` for such extradata."""
    match codec:
        case Codec.H264 | Codec.HEVC if extradata[:1] != b"\x01":
            return nal.from_annexb
        case Codec.H264:
            size = h264.parse_avcc(extradata).length_size
        case Codec.HEVC:
            size = hevc.parse_hvcc(extradata).length_size
        case Codec.AV1:
            return av1.normalise
        case _:
            return bytes
    return lambda data: nal.normalise(data, size)
