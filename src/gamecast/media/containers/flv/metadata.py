"""``onMetaData``: what encoders say about themselves, and what players want to be told.

Source: Adobe, "Video File Format Specification" version 10.1, section E.5; Veovera, "Enhanced
RTMP" version 2, sections "Enhancing onMetaData" and "Metadata Frame".
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from gamecast.amf import AmfError, EcmaArray, Value, amf0
from gamecast.media.containers.flv.fourcc import (
    AUDIO_FOURCC,
    VIDEO_FOURCC,
    SoundFormat,
    VideoCodecId,
)
from gamecast.media.track import Codec, Color, Kind, Track

Scalar = float | bool | str

_MAX_VALUES = 20_000
"""Relays of files send their whole index of keyframes along, which is no reason to refuse."""
_MAX_ENTRIES = 128
_MAX_NAME, _MAX_TEXT = 64, 1024
_H273_MAX = 255


def parse_script(payload: bytes) -> dict[str, Scalar] | None:
    """The scalar properties of an ``onMetaData`` message; ``None`` for any other message.

    Nothing in it is needed to play the stream, so what is malformed, nested, over-long, not finite
    or beyond 128 entries is left out instead of refused.
    """
    try:
        values = amf0.decode(payload, limit=_MAX_VALUES)
    except AmfError:
        return None
    if values and values[0] == "@setDataFrame":
        values = values[1:]
    if len(values) < 2 or values[0] != "onMetaData" or not isinstance(values[1], dict):
        return None
    scalars: dict[str, Scalar] = {}
    for name, value in values[1].items():
        if len(scalars) < _MAX_ENTRIES and len(name) <= _MAX_NAME and _is_scalar(value):
            scalars[name] = value  # type: ignore[assignment]
    return scalars


def _is_scalar(value: Value) -> bool:
    if isinstance(value, str):
        return len(value) <= _MAX_TEXT
    return isinstance(value, bool) or (isinstance(value, float) and math.isfinite(value))


def parse_color(body: bytes) -> Color | None:
    """The colour of a ``colorInfo`` metadata frame; ``None`` where it says nothing usable."""
    try:
        values = amf0.decode(body)
    except AmfError:
        return None
    if len(values) < 2 or values[0] != "colorInfo" or not isinstance(values[1], dict):
        return None
    config = values[1].get("colorConfig")
    if not isinstance(config, dict):
        return None
    color = Color(
        _code_point(config.get("colorPrimaries")),
        _code_point(config.get("transferCharacteristics")),
        _code_point(config.get("matrixCoefficients")),
    )
    return None if color == Color() else color


def _code_point(value: Value) -> int:
    if isinstance(value, float) and 0 <= value <= _H273_MAX:
        return int(value)
    return 2


def script_payload(name: str, value: object) -> bytes:
    """The payload of a script tag: a name and one value, in AMF0."""
    return amf0.encode(name, value)


def describe(tracks: Sequence[Track], extra: Mapping[str, Scalar] | None = None) -> EcmaArray:
    """``onMetaData`` for ``tracks``, the first of each kind; ``extra`` goes in front.

    A live stream has no duration, so none is given: players take 0 for the end.
    """
    described = EcmaArray(extra or {})
    for track in reversed(tracks):
        described.update(_video(track) if track.kind is Kind.VIDEO else _audio(track))
    return described


def _video(track: Track) -> dict[str, Value]:
    properties: dict[str, Value] = {"videocodecid": float(_video_codec_id(track.codec))}
    if track.width and track.height:
        properties["width"] = float(track.width)
        properties["height"] = float(track.height)
    if track.fps:
        properties["framerate"] = float(track.fps)
    return properties


def _audio(track: Track) -> dict[str, Value]:
    return {
        "audiocodecid": float(_audio_codec_id(track.codec)),
        "audiosamplerate": float(track.sample_rate),
        "audiosamplesize": 16.0,
        "audiochannels": float(track.channels),
        "stereo": track.channels > 1,
    }


def _video_codec_id(codec: Codec) -> int:
    if codec is Codec.H264:
        return VideoCodecId.AVC
    return int.from_bytes(VIDEO_FOURCC[codec], "big")


def _audio_codec_id(codec: Codec) -> int:
    if codec in (Codec.AAC, Codec.MP3):
        return SoundFormat[codec.name]
    return int.from_bytes(AUDIO_FOURCC[codec], "big")
