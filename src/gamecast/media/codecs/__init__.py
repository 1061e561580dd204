"""Codecs: configuration records, parameter sets, frame headers. One module per codec."""

from gamecast.media.codecs.frames import is_keyframe, is_reference, packet_samples
from gamecast.media.codecs.tracks import audio_track, track_from_frame, video_track

__all__ = [
    "audio_track",
    "is_keyframe",
    "is_reference",
    "packet_samples",
    "track_from_frame",
    "video_track",
]
