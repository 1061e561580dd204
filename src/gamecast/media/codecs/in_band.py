"""Tracks from what the stream itself carries, where no configuration came beside it."""

from __future__ import annotations

from gamecast.media.codecs import h264, hevc
from gamecast.media.codecs.nal import nal_units
from gamecast.media.codecs.tracks import track_from_frame, video_track
from gamecast.media.errors import MediaError
from gamecast.media.track import Codec, Track


def config_from_units(codec: Codec, units: list[bytes]) -> bytes:
    """``avcC`` or ``hvcC`` of the parameter sets among some NAL units.

    Raises ``MediaError`` if a kind of them is missing or malformed.
    """
    if codec is Codec.H264:
        return h264.build_avcc(
            [unit for unit in units if unit[0] & 0x1F == h264.NalType.SPS],
            [unit for unit in units if unit[0] & 0x1F == h264.NalType.PPS],
        )
    if codec is Codec.HEVC:
        kinds = hevc.NalType
        by_kind = {
            kind: [unit for unit in units if hevc.nal_type(unit) == kind]
            for kind in (kinds.VPS, kinds.SPS, kinds.PPS)
        }
        return hevc.build_hvcc(by_kind[kinds.VPS], by_kind[kinds.SPS], by_kind[kinds.PPS])
    raise MediaError(f"{codec} has no parameter sets")


def track_from_keyframe(codec: Codec, data: bytes, *, id: int) -> Track:
    """The track that a keyframe (a packet's payload) describes by itself.

    Raises ``MediaError`` where it does not: a keyframe without its parameter sets.
    """
    if codec in (Codec.H264, Codec.HEVC):
        units = [unit for unit in nal_units(data) if unit]
        return video_track(codec, config_from_units(codec, units), id=id)
    return track_from_frame(codec, data, id=id)
