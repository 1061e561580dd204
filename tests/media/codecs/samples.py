"""Real encoders' bytes and what ffprobe says of them (made by tests/data/make_codec_samples.py)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import av
from hypothesis import strategies as st

_DATA = Path(__file__).parents[2] / "data"


@dataclass(frozen=True)
class Sample:
    """One encoder's configuration record and ffprobe's answer."""

    name: str
    codec: str
    config: bytes
    probe: dict[str, Any]
    frame: bytes = b""
    frame_size: int = 0
    frame_seconds: str = ""

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Frame:
    """One packet as libavformat hands it out."""

    data: bytes
    key: bool
    pts: int
    dts: int


@dataclass(frozen=True)
class Clip:
    """A short clip's packets."""

    codec: str
    config: bytes
    frames: list[Frame]


@cache
def _load(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((_DATA / name).read_text())
    return loaded


def configs(*codecs: str) -> list[Sample]:
    """The samples of some codecs."""
    return [
        Sample(
            name,
            entry["codec"],
            bytes.fromhex(entry["config"]),
            entry["probe"],
            bytes.fromhex(entry.get("frame", "")),
            entry.get("frame_size", 0),
            entry.get("frame_seconds", ""),
        )
        for name, entry in _load("codec_configs.json").items()
        if entry["codec"] in codecs
    ]


def config(name: str) -> bytes:
    """The configuration record of one sample."""
    return bytes.fromhex(_load("codec_configs.json")[name]["config"])


def clip(name: str) -> Clip:
    """A clip of 30 pictures of 64x64, keyframes at most 12 apart."""
    entry = _load("codec_frames.json")[name]
    frames = [
        Frame(bytes.fromhex(packet["data"]), packet["key"], packet["pts"], packet["dts"])
        for packet in entry["packets"]
    ]
    return Clip(entry["codec"], bytes.fromhex(entry["config"]), frames)


def clip_names(*codecs: str) -> list[str]:
    """The names of the clips of some codecs."""
    entries = _load("codec_frames.json").items()
    return [name for name, entry in entries if entry["codec"] in codecs]


def decode(made: Clip, frames: list[Frame]) -> dict[int, av.VideoFrame]:
    """Decode some of a clip's packets with libavcodec; pictures by pts. Errors are raised."""
    context = av.CodecContext.create({"av1": "libdav1d"}.get(made.codec, made.codec), "r")
    assert isinstance(context, av.VideoCodecContext)
    context.extradata = made.config
    context.thread_count = 1
    context.options = {"err_detect": "explode"}
    pictures = []
    for frame in frames:
        packet = av.Packet(frame.data)
        packet.pts, packet.dts = frame.pts, frame.dts
        pictures += context.decode(packet)
    pictures += context.decode(None)
    return {picture.pts: picture for picture in pictures if picture.pts is not None}


@st.composite
def mutated(draw: st.DrawFn, originals: list[bytes]) -> bytes:
    """One of ``originals`` with some bytes changed, perhaps cut short."""
    data = bytearray(draw(st.sampled_from(originals)))
    for _ in range(draw(st.integers(0, 4))):
        if data:
            data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    return bytes(data[: draw(st.integers(0, len(data)))])
