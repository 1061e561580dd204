"""A real encoder's output, encoded once and looped: H.264 at an exact rate, and AAC or Opus."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import av
import numpy as np

from gamecast.bench.stamp import MAX_STEP, stamp_nal
from gamecast.media.codecs import audio_track, video_track
from gamecast.media.packet import Packet
from gamecast.media.track import VIDEO_CLOCK_RATE, Codec, Track

_SAMPLE_RATE = 48_000
_FRAME_SAMPLES = {Codec.AAC: 1024, Codec.OPUS: 960}
_ENCODERS = {Codec.AAC: ("aac", "fltp"), Codec.OPUS: ("libopus", "flt")}
_ATTEMPTS = 4
_TOLERANCE = 0.03


@dataclass(slots=True, frozen=True, kw_only=True)
class SourceSettings:
    """What the stream shall be."""

    bitrate: int = 6_000_000
    """Bits per second of the picture, to some per cent."""
    fps: int = 60
    group: int = 120
    """Frames from keyframe to keyframe."""
    b_frames: int = 0
    audio: Codec = Codec.AAC
    """AAC, or Opus, which WebRTC servers need."""
    width: int = 640
    """Servers that pass on what they get do not see the size, only the bit rate."""
    height: int = 360
    stamp_every: int = 1
    """Frames from stamp to stamp; a group begins with one."""


@dataclass(slots=True)
class _Frame:
    dts: int
    pts: int
    keyframe: bool
    data: bytes


class Source:
    """One encoded group and a second of sound. Many publishers may loop over the same source."""

    def __init__(self, settings: SourceSettings) -> None:
        """Encodes; takes a second or two. Raises ``ValueError`` for stamps that fit no group."""
        if settings.group % settings.stamp_every or settings.stamp_every > MAX_STEP:
            raise ValueError(f"a stamp every {settings.stamp_every} frames does not fit the group")
        self.settings = settings
        self.video, self._frames = _encode_at_rate(settings)
        self.audio, self._sounds = _encode_audio(settings.audio)
        self._samples = _FRAME_SAMPLES[settings.audio]

    def video_packet(self, number: int, time_ns: int, earlier: Sequence[int] = ()) -> Packet:
        """Frame ``number`` since the beginning, stamped with ``time_ns`` if it is its turn.

        ``earlier``: when the frames since the last stamp were sent.
        """
        loop, index = divmod(number, len(self._frames))
        frame = self._frames[index]
        shift = loop * self.settings.group * VIDEO_CLOCK_RATE // self.settings.fps
        data, step = frame.data, self.settings.stamp_every
        if number % step == 0:
            stamp = stamp_nal(
                time_ns, number, loop, keyframe=frame.keyframe, step=step, earlier=earlier
            )
            data = stamp + data
        return Packet(
            self.video, frame.dts + shift, frame.pts + shift, data, keyframe=frame.keyframe
        )

    def packets(self, number: int, time_ns: int, earlier: Sequence[int] = ()) -> list[Packet]:
        """Frame ``number``, behind the sound that begins before it."""
        fps = self.settings.fps
        begin = self._sounds_due((number - 1) / fps) if number else 0
        sounds = range(begin, self._sounds_due(number / fps))
        return [*map(self.audio_packet, sounds), self.video_packet(number, time_ns, earlier)]

    def audio_packet(self, number: int) -> Packet:
        """Audio frame ``number`` since the beginning."""
        dts = number * self._samples
        return Packet(self.audio, dts, dts, self._sounds[number % len(self._sounds)])

    def _sounds_due(self, seconds: float) -> int:
        """How many audio frames have begun after so many seconds."""
        return int(seconds * _SAMPLE_RATE / self._samples) + 1


def _encode_at_rate(settings: SourceSettings) -> tuple[Track, list[_Frame]]:
    """One group is too short for an encoder to find its rate: measure, correct, again."""
    asked = settings
    for _ in range(_ATTEMPTS):
        track, frames = _encode_video(asked)
        seconds = settings.group / settings.fps
        error = sum(len(frame.data) for frame in frames) * 8 / seconds / settings.bitrate
        if abs(error - 1) < _TOLERANCE:
            break
        asked = replace(asked, bitrate=round(asked.bitrate / error))
    return track, frames


def _encode_video(settings: SourceSettings) -> tuple[Track, list[_Frame]]:
    context = av.CodecContext.create("libx264", "w")
    context.width, context.height = settings.width, settings.height
    context.pix_fmt = "yuv420p"
    context.time_base = Fraction(1, settings.fps)
    context.framerate = Fraction(settings.fps)
    context.bit_rate = settings.bitrate
    context.gop_size = settings.group
    context.max_b_frames = settings.b_frames
    kilobits = settings.bitrate // 1000
    context.options = {
        "preset": "ultrafast",
        "bf": str(settings.b_frames),
        "x264-params": f"nal-hrd=cbr:vbv-maxrate={kilobits}:vbv-bufsize={kilobits}"
        f":keyint={settings.group}:min-keyint={settings.group}:scenecut=0:open-gop=0",
    }
    context.flags |= av.codec.context.Flags.global_header
    packets = [p for frame in _pictures(settings) for p in context.encode(frame)]
    packets += context.encode(None)
    ticks = VIDEO_CLOCK_RATE // settings.fps
    first = packets[0].dts or 0
    frames = [
        _Frame(
            ((p.dts or 0) - first) * ticks,
            ((p.pts or 0) - first) * ticks,
            p.is_keyframe,
            _length_prefixed(bytes(p)),
        )
        for p in packets
        if p.size
    ]
    return video_track(Codec.H264, _avcc(bytes(context.extradata or b""))), frames


def _pictures(settings: SourceSettings) -> Iterator[av.VideoFrame]:
    """Noise that moves: nothing an encoder could make small."""
    noise = np.random.default_rng(1).integers(
        16, 235, (settings.height * 3 // 2 + 64, settings.width), dtype=np.uint8
    )
    for number in range(settings.group):
        offset = number * 7 % 64
        picture = noise[offset : offset + settings.height * 3 // 2]
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="yuv420p")
        frame.pts = number
        frame.time_base = Fraction(1, settings.fps)
        yield frame


def _annex_b_units(data: bytes) -> list[bytes]:
    pieces = data.replace(b"\x00\x00\x00\x01", b"\x00\x00\x01").split(b"\x00\x00\x01")
    return [piece for piece in pieces if piece]


def _length_prefixed(data: bytes) -> bytes:
    return b"".join(len(unit).to_bytes(4, "big") + unit for unit in _annex_b_units(data))


def _avcc(extradata: bytes) -> bytes:
    """AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3.1) of one SPS and one PPS."""
    units = _annex_b_units(extradata)
    sps = next(unit for unit in units if unit[0] & 0x1F == 7)
    pps = next(unit for unit in units if unit[0] & 0x1F == 8)
    head = bytes([1, sps[1], sps[2], sps[3], 0xFF, 0xE1])
    record = head + len(sps).to_bytes(2, "big") + sps + b"\x01" + len(pps).to_bytes(2, "big") + pps
    # High profiles carry the chroma format and bit depths too: 4:2:0, 8 bit.
    return record + (b"\xfd\xf8\xf8\x00" if sps[1] in (100, 110, 122, 144) else b"")


def _encode_audio(codec: Codec) -> tuple[Track, list[bytes]]:
    name, sample_format = _ENCODERS[codec]
    samples = _FRAME_SAMPLES[codec]
    context = av.CodecContext.create(name, "w")
    assert isinstance(context, av.AudioCodecContext)  # both encoders are
    context.sample_rate = _SAMPLE_RATE
    context.layout = "stereo"
    context.format = sample_format
    context.bit_rate = 128_000
    context.time_base = Fraction(1, _SAMPLE_RATE)
    context.flags |= av.codec.context.Flags.global_header
    sounds = []
    for number in range(_SAMPLE_RATE // samples):
        frame = _tone(number * samples, samples, sample_format)
        sounds += [bytes(packet) for packet in context.encode(frame)]
    return audio_track(codec, bytes(context.extradata or b"")), sounds


def _tone(first: int, samples: int, sample_format: str) -> av.AudioFrame:
    at = (np.arange(samples) + first) / _SAMPLE_RATE
    tone = np.sin(at * 440 * 2 * np.pi).astype(np.float32) * 0.2
    planes = np.stack([tone, tone])
    if sample_format == "flt":  # not planar: the channels' samples in turn
        planes = np.ascontiguousarray(planes.T).reshape(1, -1)
    frame = av.AudioFrame.from_ndarray(planes, format=sample_format, layout="stereo")
    frame.sample_rate = _SAMPLE_RATE
    frame.pts = first
    return frame
