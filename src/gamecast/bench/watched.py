"""The protocols of viewers."""

from __future__ import annotations

from enum import StrEnum


class Watched(StrEnum):
    """What viewers speak."""

    FLV = "flv"
    TS = "ts"
    MP4 = "mp4"
    RTMP = "rtmp"
    WHEP = "whep"
    JANUS = "janus"
    LL_HLS = "ll-hls"
    HLS = "hls"
    SRT = "srt"
