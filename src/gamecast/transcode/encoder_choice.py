"""Which video encoders are tried in which order, and with which options."""

from __future__ import annotations

import os
import sys

from gamecast.media.track import Codec
from gamecast.transcode.recipes import Profile, VideoRecipe

SOFTWARE = {Codec.H264: "libx264", Codec.VP8: "libvpx"}
"""The encoder that always works."""
_HARDWARE = {
    "darwin": ("h264_videotoolbox",),
    "win32": ("h264_nvenc", "h264_amf", "h264_qsv"),
}
_HARDWARE_ELSEWHERE = ("h264_nvenc", "h264_qsv", "h264_amf")
_MOST_THREADS = 4
_SMALL = 1280 * 720
_RATE_BUFFER_SECONDS = 0.75
_QUALITY = 22
"""x264's constant rate factor: a second encode that is hard to tell from the first one."""

_ZERO_LATENCY = {
    "h264_nvenc": {
        "preset": "p3",
        "tune": "ull",
        "rc": "cbr",
        "delay": "0",
        "zerolatency": "1",
        "forced-idr": "1",
        "no-scenecut": "1",
        "rc-lookahead": "0",
    },
    "h264_qsv": {
        "preset": "veryfast",
        "async_depth": "1",
        "low_delay_brc": "1",
        "forced_idr": "1",
        "look_ahead": "0",
    },
    "h264_amf": {
        "usage": "ultralowlatency",
        "quality": "speed",
        "rc": "cbr",
        "async_depth": "1",
        "forced_idr": "1",
    },
    "h264_videotoolbox": {"realtime": "1", "prio_speed": "1", "allow_sw": "0", "bf": "0"},
}
"""Options of the hardware encoders by FFmpeg's names."""

_VP8 = {
    "deadline": "realtime",
    "cpu-used": "10",
    "lag-in-frames": "0",
    "auto-alt-ref": "0",
    "crf": "10",
    "max-intra-rate": "450",  # percent of a frame's share: a keyframe is a burst on the network
    "static-thresh": "100",
}


def candidates(recipe: VideoRecipe, platform: str = sys.platform) -> tuple[str, ...]:
    """FFmpeg's names of the encoders to try; software comes last, for it always works."""
    software = SOFTWARE[recipe.codec]
    if recipe.encoder != "auto":
        return tuple(dict.fromkeys((recipe.encoder, software)))
    if recipe.codec is not Codec.H264:
        return (software,)
    return (*_HARDWARE.get(platform, _HARDWARE_ELSEWHERE), software)


def options(encoder: str, recipe: VideoRecipe, bitrate: int, pixels: int) -> dict[str, str]:
    """FFmpeg's options for live video in which no picture waits for another.

    Software encodes to a quality and stays under the bitrate, so that a still picture costs
    little and the first second of movement after it does not suffer; hardware keeps to the bitrate.
    """
    rate = {"maxrate": str(bitrate), "bufsize": str(round(bitrate * _RATE_BUFFER_SECONDS))}
    if recipe.codec is Codec.VP8:
        return rate | _VP8 | {"threads": str(recipe.threads or encoder_threads())}
    if encoder != SOFTWARE[Codec.H264]:
        return _ZERO_LATENCY.get(encoder, {}) | rate | _hardware_profile(encoder, recipe)
    high = recipe.profile is Profile.HIGH
    return rate | {
        "preset": "veryfast" if pixels < _SMALL else "superfast",
        "tune": "zerolatency",
        "profile": "high" if high else "baseline",  # x264's baseline is the constrained one
        "crf": str(_QUALITY),
        "forced-idr": "1",
        "sc_threshold": "0",
        "threads": str(recipe.threads or encoder_threads()),
    }


def encoder_threads() -> int:
    """Threads of a software encoder: it is one of many things that a server does."""
    return max(1, min(_MOST_THREADS, os.cpu_count() or 1))


def _hardware_profile(encoder: str, recipe: VideoRecipe) -> dict[str, str]:
    if recipe.profile is Profile.HIGH:
        return {"profile": "high"}
    return {"profile": "constrained_baseline" if encoder == "h264_amf" else "baseline"}
