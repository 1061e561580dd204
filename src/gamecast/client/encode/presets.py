"""Encoder options per encoder and latency, by the names that FFmpeg gives them.

Common to all: constant bitrate, closed groups of fixed length, no scene-cut keyframes, an IDR
picture where a keyframe is asked for, no B-frames except for ``quality``.

Two rules were learned by measuring. x264 follows a live change of bitrate only if ``maxrate`` and
``bufsize`` are FFmpeg options, ``maxrate`` equals the bitrate, and ``nal-hrd`` is off. And
VideoToolbox reorders unless ``bf`` is 0.
"""

from __future__ import annotations

from collections.abc import Callable

from gamecast.client.encode.settings import Latency, VideoSettings

Options = dict[str, str]
Preset = Callable[[VideoSettings], Options]


def b_frames(encoder: str, latency: Latency) -> int:
    """B-frames between references."""
    if latency is not Latency.QUALITY or encoder.startswith(("libsvtav1", "av1_")):
        return 0
    return 2


def options(encoder: str, settings: VideoSettings) -> Options:
    """FFmpeg options of ``encoder`` (FFmpeg's name, for example ``h264_nvenc``)."""
    kind = encoder if encoder.startswith("lib") else encoder.split("_", 1)[1]
    chosen = _PRESETS[kind](settings)
    if kind != "libsvtav1":
        chosen["maxrate"] = str(settings.bitrate)
        chosen["bufsize"] = str(settings.buffer_bits)
    return chosen


def _x264(settings: VideoSettings) -> Options:
    chosen = {
        "preset": "veryfast",
        "profile": "high",
        "forced-idr": "1",
        "sc_threshold": "0",
        "keyint_min": str(settings.gop),
        # Without this the parameter sets give the 90 kHz time base as the frame rate.
        "x264-params": "force-cfr=1",
    }
    if settings.latency is Latency.QUALITY:
        return chosen
    chosen["tune"] = "zerolatency"
    if settings.latency is Latency.ULTRA:
        chosen |= {"preset": "superfast", "profile": "baseline"}
    return chosen


def _x265(settings: VideoSettings) -> Options:
    chosen = {"preset": "veryfast", "forced-idr": "1"}
    params = f"keyint={settings.gop}:min-keyint={settings.gop}:scenecut=0:open-gop=0:log-level=none"
    if settings.latency is not Latency.QUALITY:
        chosen["tune"] = "zerolatency"
        params += ":bframes=0:rc-lookahead=0"
    if settings.latency is Latency.ULTRA:
        chosen["preset"] = "ultrafast"
    return chosen | {"x265-params": params}


def _svtav1(settings: VideoSettings) -> Options:
    """SVT-AV1's low-delay structure needs its own CBR; its log level is the environment's."""
    speed = "10" if settings.latency is Latency.QUALITY else "12"
    params = f"rc=2:pred-struct=1:scd=0:keyint={settings.gop}"
    return {"preset": speed, "svtav1-params": params}


def _nvenc(settings: VideoSettings) -> Options:
    common = {"rc": "cbr", "forced-idr": "1", "no-scenecut": "1", "multipass": "qres"}
    match settings.latency:
        case Latency.QUALITY:
            return common | {"preset": "p5", "tune": "hq", "spatial-aq": "1"}
        case Latency.LOW:
            fast = {"preset": "p4", "tune": "ll"}
        case Latency.ULTRA:
            fast = {"preset": "p2", "tune": "ull", "ldkfs": "1"}
    return common | fast | {"delay": "0", "zerolatency": "1", "rc-lookahead": "0"}


def _qsv(settings: VideoSettings) -> Options:
    if settings.latency is Latency.QUALITY:
        return {"preset": "medium", "forced_idr": "1", "scenario": "gamestreaming"}
    chosen = {
        "preset": "veryfast",
        "async_depth": "1",
        "low_delay_brc": "1",
        "forced_idr": "1",
        "scenario": "gamestreaming",
    }
    return chosen | ({"low_power": "1"} if settings.latency is Latency.ULTRA else {})


def _amf(settings: VideoSettings) -> Options:
    match settings.latency:
        case Latency.QUALITY:
            return {"usage": "transcoding", "quality": "quality", "rc": "cbr", "forced_idr": "1"}
        case Latency.LOW:
            chosen = {"usage": "lowlatency_high_quality"}
        case Latency.ULTRA:
            chosen = {"usage": "ultralowlatency", "quality": "speed", "enforce_hrd": "1"}
    return chosen | {"rc": "cbr", "async_depth": "1", "forced_idr": "1", "latency": "1"}


def _videotoolbox(settings: VideoSettings) -> Options:
    if settings.latency is Latency.QUALITY:
        return {"realtime": "0", "allow_sw": "0"}
    return {"realtime": "1", "prio_speed": "1", "constant_bit_rate": "1", "allow_sw": "0"}


_PRESETS: dict[str, Preset] = {
    "libx264": _x264,
    "libx265": _x265,
    "libsvtav1": _svtav1,
    "nvenc": _nvenc,
    "qsv": _qsv,
    "amf": _amf,
    "videotoolbox": _videotoolbox,
}
