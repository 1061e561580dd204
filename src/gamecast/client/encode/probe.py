"""Choosing an encoder: each candidate has to encode five pictures before it is believed.

A driver that lists an encoder often cannot open it (no GPU, no permission, a session limit), and
says so only then.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import av

from gamecast.client.encode.opening import PictureEncoder, open_encoder
from gamecast.client.encode.settings import EncoderError, VideoSettings
from gamecast.media.track import VIDEO_CLOCK_RATE, Codec

PROBE_FRAMES = 5
PROBE_SIZE = (320, 240)
MAX_PICTURES = 64
"""Pictures fed while waiting for the first packets of an encoder that looks ahead."""

HARDWARE = ("nvenc", "amf", "qsv", "videotoolbox", "vaapi")
"""In the order in which ``auto`` tries them; software comes last, for it always works."""
CHOICES = ("auto", "x264", *HARDWARE, "copy")
"""Values of ``--encoder``."""
_SOFTWARE = {Codec.H264: "libx264", Codec.HEVC: "libx265", Codec.AV1: "libsvtav1"}


@dataclass(slots=True, frozen=True)
class Probe:
    """How one candidate did; ``problem`` is ``None`` if it works."""

    choice: str
    encoder: str
    problem: str | None = None


def ffmpeg_name(choice: str, codec: Codec) -> str:
    """FFmpeg's name of the encoder that ``--encoder choice`` means for ``codec``."""
    if choice in ("x264", "software"):
        return _SOFTWARE[codec]
    return f"{codec.value}_{choice}"


def candidates(platform: str = sys.platform) -> tuple[str, ...]:
    """What ``auto`` tries on this platform, best first."""
    missing = {"darwin": {"nvenc", "amf", "qsv", "vaapi"}, "win32": {"videotoolbox", "vaapi"}}
    absent = missing.get(platform, {"videotoolbox"})
    return (*[choice for choice in HARDWARE if choice not in absent], "x264")


def probe(choice: str, codec: Codec, settings: VideoSettings) -> Probe:
    """Open the candidate small and encode five pictures."""
    width, height = PROBE_SIZE
    small = replace(settings, codec=codec, width=width, height=height, bitrate=500_000)
    name = ffmpeg_name(choice, codec)
    try:
        _encode_five(open_encoder(name, small))
    except EncoderError as error:
        return Probe(choice, name, str(error).removeprefix(f"{name}: "))
    return Probe(choice, name)


def _encode_five(encoder: PictureEncoder) -> None:
    produced = 0
    width, height = PROBE_SIZE
    for index in range(MAX_PICTURES):
        frame = av.VideoFrame(width, height, "yuv420p")
        for plane in frame.planes:
            plane.update(bytes([128]) * plane.buffer_size)
        frame.pts = round(index * VIDEO_CLOCK_RATE / encoder.settings.fps)
        frame.time_base = Fraction(1, VIDEO_CLOCK_RATE)
        produced += len(encoder.encode(frame))
        if produced >= PROBE_FRAMES:
            encoder.flush()
            return
    encoder.flush()
    raise EncoderError(f"{encoder.name}: took pictures but gave no packets")


def choose(
    choice: str,
    settings: VideoSettings,
    *,
    platform: str = sys.platform,
    try_one: Callable[[str, Codec, VideoSettings], Probe] = probe,
) -> tuple[str, Sequence[Probe]]:
    """FFmpeg's name of the encoder to use, and why others were passed over.

    ``choice`` is a value of ``--encoder`` other than ``copy``. A named encoder that does not work
    raises ``EncoderError``; ``auto`` always ends with software.
    """
    if choice != "auto":
        result = try_one(choice, settings.codec, settings)
        if result.problem is not None:
            raise EncoderError(
                f"encoder {choice} ({result.encoder}) fails: {result.problem}; "
                "leave out --encoder to get one that works"
            )
        return result.encoder, (result,)
    tried: list[Probe] = []
    for candidate in candidates(platform):
        tried.append(try_one(candidate, settings.codec, settings))
        if tried[-1].problem is None:
            return tried[-1].encoder, tried
    raise EncoderError("no encoder works: " + "; ".join(f"{p.encoder}: {p.problem}" for p in tried))
