"""From the words of the command line to ``PushOptions`` and targets; mistakes end the command."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypedDict, TypeVar, Unpack

from gamecast.cli.errors import USAGE, CliError
from gamecast.cli.values import parse_bitrate, parse_fps, parse_region, parse_size
from gamecast.client.capture.x11.wire import Geometry
from gamecast.client.encode.probe import CHOICES
from gamecast.client.encode.settings import Latency
from gamecast.client.hotkeys import Hotkey, HotkeyError, parse_hotkey
from gamecast.client.plan import PushOptions
from gamecast.client.push.target import Target, TargetError, parse_targets
from gamecast.media.track import Codec

T = TypeVar("T")


class Words(TypedDict):
    """Options as they were typed."""

    screen: int | None
    window: str | None
    region: str | None
    camera: str | None
    test: bool
    file: Path | None
    loop: bool
    cursor: bool
    audio: str
    audio_gain: float
    mic: str | None
    mic_gain: float
    mute_mic: bool
    denoise: bool
    separate_tracks: bool
    audio_codec: str
    audio_bitrate: str
    encoder: str
    codec: str
    latency: str
    size: str | None
    fps: str | None
    bitrate: str | None
    keyframe_interval: float


def read_options(**words: Unpack[Words]) -> PushOptions:
    """Parse every value; raises ``CliError``."""
    return PushOptions(
        test=words["test"],
        screen=words["screen"],
        window=words["window"],
        region=_parsed(_geometry, words["region"]),
        camera=words["camera"],
        file=words["file"],
        loop=words["loop"],
        cursor=words["cursor"],
        audio=words["audio"],
        audio_gain=_factor(words["audio_gain"]),
        mic=words["mic"],
        mic_gain=_factor(words["mic_gain"]),
        mute_mic=words["mute_mic"],
        denoise=words["denoise"],
        separate_tracks=words["separate_tracks"],
        encoder=_one_of("--encoder", words["encoder"], CHOICES),
        codec=Codec(_one_of("--codec", words["codec"], ("h264", "hevc", "av1"))),
        audio_codec=Codec(_one_of("--audio-codec", words["audio_codec"], ("aac", "opus"))),
        latency=Latency(_one_of("--latency", words["latency"], tuple(Latency))),
        size=_parsed(parse_size, words["size"]),
        fps=_parsed(parse_fps, words["fps"]),
        bitrate=_parsed(parse_bitrate, words["bitrate"]),
        audio_bitrate=_parsed(parse_bitrate, words["audio_bitrate"]) or 160_000,
        keyframe_interval=words["keyframe_interval"],
    )


def read_targets(destinations: list[str]) -> list[Target]:
    """Parse every destination; raises ``CliError``."""
    if not destinations:
        raise CliError(
            "where to? Add a destination, for example rtmp://your-server/live/KEY or game.mp4 "
            "('gamecast setup' asks for everything)",
            exit_status=USAGE,
        )
    try:
        return parse_targets(destinations, os.environ)
    except TargetError as error:
        raise CliError(str(error), exit_status=USAGE) from None


def read_hotkeys(texts: list[str]) -> list[Hotkey]:
    """Parse every hotkey; raises ``CliError``."""
    try:
        return [parse_hotkey(text) for text in texts]
    except HotkeyError as error:
        raise CliError(str(error), exit_status=USAGE) from None


def _one_of(option: str, value: str, allowed: tuple[str, ...]) -> str:
    if value.lower() not in allowed:
        raise CliError(f"{option} {value}: choose from {', '.join(allowed)}", exit_status=USAGE)
    return value.lower()


def _parsed(parse: Callable[[str], T], text: str | None) -> T | None:
    if text is None:
        return None
    try:
        return parse(text)
    except ValueError as error:
        raise CliError(str(error), exit_status=USAGE) from None


def _factor(decibels: float) -> float:
    factor: float = 10 ** (decibels / 20)
    return factor


def _geometry(text: str) -> Geometry:
    return Geometry(*parse_region(text))
