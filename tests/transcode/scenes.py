"""Real media to transcode, and what came of it, measured in samples and pictures."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt

from gamecast.media.codecs import audio_track, track_from_frame, video_track
from gamecast.media.packet import Packet
from gamecast.media.track import Codec, Kind, Track
from tests.support.peers import require

FLASH = "color=black:size={size}:rate={fps},drawbox=t=fill:color=white:enable='lt(mod(t,1),0.1)'"
BEEP = "aevalsrc='0.5*sin(2*PI*1000*t)*lt(mod(t,1),0.05)':sample_rate={rate}"
START = 2
"""Seconds at which the first packet of a loaded file is put, as streams do."""
_NAMES = {"libdav1d": "av1", "libopus": "opus", "libvpx-vp9": "vp9", "mp3float": "mp3"}


def flash_and_beep(
    path: Path,
    *,
    seconds: float,
    video: Sequence[str] = (),
    audio: Sequence[str] = (),
    size: str = "320x180",
    fps: int = 30,
    rate: int = 48_000,
    channels: int = 2,
    pixels: str = "yuv420p",
    picture: str = FLASH,
) -> Path:
    """Make a file with a flash and a beep at every full second; encoder options for each half."""
    inputs: list[str] = []
    if video:
        inputs += ["-f", "lavfi", "-i", picture.format(size=size, fps=fps)]
    if audio:
        inputs += ["-f", "lavfi", "-i", BEEP.format(rate=rate)]
    command = [require("ffmpeg"), "-v", "error", "-nostdin", "-y", *inputs, "-t", str(seconds)]
    if video:
        command += ["-c:v", *video, "-pix_fmt", pixels]
    if audio:
        command += ["-c:a", *audio, "-ac", str(channels), "-strict", "-2"]
    subprocess.run([*command, str(path)], check=True, timeout=100)
    return path


def load(path: Path) -> list[Packet]:
    """The packets of a file as a stream would have them, interleaved by time, from ``START`` on."""
    packets = []
    with av.open(str(path)) as container:
        tracks: dict[int, Track] = {}
        for unit in container.demux():
            if unit.dts is None or unit.pts is None or unit.time_base is None:
                continue
            stream: Any = unit.stream
            track = tracks.get(stream.index) or _track(stream, bytes(unit))
            tracks[stream.index] = track
            ticks = unit.time_base * track.clock_rate
            start = START * track.clock_rate
            dts, pts = round(unit.dts * ticks) + start, round(unit.pts * ticks) + start
            keyframe = bool(unit.is_keyframe) or track.kind is Kind.AUDIO
            packets.append(Packet(track, dts, pts, bytes(unit), keyframe))
    packets.sort(key=seconds_of)
    for packet in packets:
        packet.wall = 1e9 + seconds_of(packet)
    return packets


def _track(stream: Any, first: bytes) -> Track:
    name = stream.codec_context.name
    codec = Codec(_NAMES.get(name, name))
    config = stream.codec_context.extradata or b""
    if codec in (Codec.MP3, Codec.AC3, Codec.VP8, Codec.VP9):
        return track_from_frame(codec, first, id=int(stream.type != "video"))
    if stream.type == "video":
        return video_track(codec, config, id=0)
    return audio_track(codec, config, id=1)


def seconds_of(packet: Packet) -> float:
    """Decoding time in seconds."""
    return packet.dts / packet.track.clock_rate


def of_kind(packets: Iterable[Packet], kind: Kind) -> list[Packet]:
    """The packets of one kind."""
    return [packet for packet in packets if packet.track.kind is kind]


@dataclass
class Collector:
    """What a line of a worker hands out."""

    tracks: list[Track] = field(default_factory=list)
    packets: list[Packet] = field(default_factory=list)
    encoders: list[str] = field(default_factory=list)

    def write_track(self, track: Track) -> None:
        self.tracks.append(track)

    def write_packet(self, packet: Packet) -> None:
        self.packets.append(packet)

    def write_encoder(self, name: str) -> None:
        self.encoders.append(name)


_DECODERS = {Codec.OPUS: "libopus", Codec.MP3: "mp3float"}


def sound(packets: Sequence[Packet]) -> npt.NDArray[np.float32]:
    """The loudest channel, played at the packets' times: sample 0 is at the first packet's pts."""
    track = packets[0].track
    config = bytearray(track.config)
    if track.codec is Codec.OPUS:
        config[10:12] = b"\0\0"  # as a WebRTC player does: no pre-skip
    decoder: Any = av.CodecContext.create(_DECODERS.get(track.codec, track.codec.value), "r")
    decoder.extradata = bytes(config)
    parts = [
        frame.to_ndarray().T if frame.format.is_planar else _unpacked(frame)
        for packet in packets
        for frame in decoder.decode(av.Packet(packet.data))
    ]
    samples = np.concatenate(parts)
    scale = 1.0 if samples.dtype.kind == "f" else 1 / np.iinfo(samples.dtype).max
    loudest = np.argmax(np.abs(samples.astype(np.float64)).max(axis=0))  # of 5.1, the centre
    return (samples[:, loudest] * scale).astype(np.float32)


def _unpacked(frame: av.AudioFrame) -> npt.NDArray[Any]:
    return frame.to_ndarray().reshape(frame.samples, -1)


def beep_times(packets: Sequence[Packet]) -> list[float]:
    """When beeps begin, in seconds of the stream.

    By the middle of each one's energy: codecs blur a sudden start by several milliseconds, but
    as much as they blur the end. A beep that is cut by the end of the packets is left out.
    """
    rate = packets[0].track.sample_rate
    energy = sound(packets).astype(np.float64) ** 2
    loud = np.flatnonzero(energy > 0.04)
    firsts = loud[np.flatnonzero(np.diff(loud, prepend=-rate) > rate // 4)]
    times = []
    for first in firsts:
        start, end = max(0, first - rate // 40), first + rate // 12
        if end <= len(energy):
            window = energy[start:end]
            middle = float(np.arange(start, end) @ window / window.sum())
            times.append(packets[0].pts / packets[0].track.clock_rate + middle / rate - 0.025)
    return times


@dataclass
class Seen:
    """One picture out of a decoder."""

    pts: int
    size: tuple[int, int]
    brightness: float
    frame: av.VideoFrame


def pictures(packets: Sequence[Packet], *, low_delay: bool = True) -> list[Seen]:
    """Decode video packets; with ``low_delay`` every packet must give its picture at once."""
    seen: list[Seen] = []
    decoder: Any = None
    track = None
    for packet in packets:
        if packet.track is not track:
            if decoder is not None:
                seen += [_seen(frame) for frame in decoder.decode(None)]
            track = packet.track
            decoder = av.CodecContext.create(track.codec.value, "r")
            decoder.extradata = track.config or None
            decoder.thread_count = 1
        unit: Any = av.Packet(packet.data)
        unit.pts, unit.dts = packet.pts, packet.dts
        frames = decoder.decode(unit)
        if low_delay:
            assert [frame.pts for frame in frames] == [packet.pts]
        seen += [_seen(frame) for frame in frames]
    if decoder is not None:
        seen += [_seen(frame) for frame in decoder.decode(None)]
    return seen


def _seen(frame: av.VideoFrame) -> Seen:
    return Seen(
        frame.pts or 0,
        (frame.width, frame.height),
        float(np.mean(frame.to_ndarray(format="gray"))),
        frame,
    )


def flash_times(seen: Sequence[Seen]) -> list[float]:
    """When flashes begin, in seconds of the stream."""
    begins = []
    bright = False
    for picture in seen:
        if picture.brightness > 128 and not bright:
            begins.append(picture.pts / 90_000)
        bright = picture.brightness > 128
    return begins
