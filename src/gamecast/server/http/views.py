"""The JSON of a stream, as API, live feed and tests know it (CONTRACT, "API")."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from gamecast.media.track import Kind, Track
from gamecast.relay.stream import Stream

LONG_KEYFRAME_INTERVAL = 4.5
"""Seconds above which joining and HLS delay suffer."""


def timestamp(wall: float) -> str:
    """RFC 3339 in UTC with milliseconds."""
    return (
        datetime.fromtimestamp(wall, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )


def describe_track(stream: Stream, track: Track) -> dict[str, Any]:
    """One track; fields that do not apply to its kind are left out."""
    meter = stream.meters[track.id]
    common = {
        "id": track.id,
        "kind": track.kind.value,
        "codec": track.codec.value,
        "codec_string": track.codec_string,
        "bitrate": round(meter.bitrate),
    }
    if track.kind is Kind.VIDEO:
        fps = meter.fps or (float(track.fps) if track.fps else 0.0)
        return {
            **common,
            "width": track.width,
            "height": track.height,
            "fps": round(fps, 2),
        }
    return {**common, "sample_rate": track.sample_rate, "channels": track.channels}


def describe_health(stream: Stream) -> dict[str, Any]:
    """What the encoder really sends, measured, and what is wrong with it (as codes)."""
    main = [(track, stream.meters[track.id]) for track in stream.main_tracks]
    video = next((meter for track, meter in main if track.kind is Kind.VIDEO), None)
    warnings = []
    interval = video.keyframe_interval if video else 0.0
    if interval > LONG_KEYFRAME_INTERVAL:
        warnings.append("keyframe_interval_long")
    if video is None:
        warnings.append("no_video")
    if len(main) == 1 and video is not None:
        warnings.append("no_audio")
    return {
        "bitrate": stream.bitrate,
        "fps": round(video.fps, 2) if video else 0.0,
        "keyframe_interval": round(interval, 3),
        "b_frames": bool(video and video.b_frames),
        "warnings": warnings,
    }


def describe_stream(stream: Stream) -> dict[str, Any]:
    """The public fields of a stream."""
    publisher = stream.last_publisher
    return {
        "name": stream.name,
        "title": stream.title,
        "started_at": timestamp(stream.started_at),
        "publisher": {
            "protocol": publisher.protocol if publisher else "",
            "software": publisher.software if publisher else "",
            "connected": stream.publisher is not None,
        },
        "tracks": [describe_track(stream, track) for _, track in sorted(stream.tracks.items())],
        "viewers": stream.audience(),
        "health": describe_health(stream),
    }
