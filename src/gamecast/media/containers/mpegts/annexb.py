"""Access units as MPEG-TS wants them: delimiter, parameter sets, start codes.

H.222.0 section 2.14 (H.264) and 2.17 (HEVC) ask for an access unit delimiter in front of each, and
a decoder that joins needs the parameter sets at every keyframe.
"""

from __future__ import annotations

from collections.abc import Callable, Set

from gamecast.media.codecs import h264, hevc
from gamecast.media.codecs.nal import START_CODE, nal_ranges
from gamecast.media.packet import Packet
from gamecast.media.track import Codec, Track

_SHORT = b"\x00\x00\x01"
_H264_AUD = START_CODE + b"\x09\xf0"
_HEVC_AUD = START_CODE + b"\x46\x01\x50"


def access_unit_writer(track: Track) -> Callable[[Packet], bytes]:
    """A function that writes the packets of an H.264 or HEVC track.

    Start codes are of four bytes where the standards ask for it (H.264 section B.1.2: delimiter
    and parameter sets), for the first unit behind a delimiter too, and of three elsewhere: what
    x264 and libavformat write, so that their streams come out byte for byte.
    """
    if track.codec is Codec.H264:
        avc = h264.parse_avcc(track.config)
        sets = (*avc.sps, *avc.sps_extensions, *avc.pps)
        long, aud = frozenset({h264.NalType.SPS, h264.NalType.PPS}), h264.NalType.AUD
        return _writer(_H264_AUD, sets, lambda unit: unit[0] & 0x1F, long, aud)
    config = hevc.parse_hvcc(track.config)
    sets = (*config.vps, *config.sps, *config.pps)
    hevc_sets = frozenset({hevc.NalType.VPS, hevc.NalType.SPS, hevc.NalType.PPS})
    return _writer(_HEVC_AUD, sets, lambda unit: unit[0] >> 1 & 0x3F, hevc_sets, hevc.NalType.AUD)


def _writer(
    delimiter: bytes,
    sets: tuple[bytes, ...],
    kind_of: Callable[[bytes], int],
    long: Set[int],
    aud: int,
) -> Callable[[Packet], bytes]:
    header = b"".join([START_CODE + unit for unit in sets])

    def write(packet: Packet) -> bytes:
        data = packet.data
        parts = [delimiter]
        has_sets = False
        for start, end in nal_ranges(data):
            kind = kind_of(data[start : start + 1])
            if kind == aud:
                continue
            is_set = kind in long
            has_sets = has_sets or is_set
            first = len(parts) == 1 and not packet.keyframe
            parts.append(START_CODE if is_set or first else _SHORT)
            parts.append(data[start:end])
        if packet.keyframe and not has_sets:
            parts.insert(1, header)
        return b"".join(parts)

    return write
