"""AudioEncoder: raw sound in, ``Packet``s of AAC or Opus out.

Holes in the sound (a device that sleeps while it is silent) are filled with silence, so that
the count of samples always agrees with the clock and sound never drifts from the pictures.
"""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
from av.audio.resampler import AudioResampler
from av.codec.context import Flags

from gamecast.client.encode.settings import AudioSettings, EncoderError
from gamecast.media.codecs import audio_track
from gamecast.media.errors import MediaError
from gamecast.media.packet import Packet
from gamecast.media.track import Codec, Track

ENCODERS = {Codec.AAC: "aac", Codec.OPUS: "libopus"}
LAYOUTS = {1: "mono", 2: "stereo"}
TOLERANCE = 0.08
"""Seconds by which a frame may be late or early before silence or a cut puts it right."""
MAX_SILENCE = 5.0
"""Seconds of silence inserted at once; a longer hole is a jump of the timestamps."""


class AudioEncoder:
    """One open encoder, used by one thread."""

    def __init__(self, settings: AudioSettings, *, track_id: int = 1) -> None:
        """Open the encoder; raises ``EncoderError``."""
        self.settings = settings
        self._layout = LAYOUTS[settings.channels]
        self._context = _open(settings)
        self._sample_format = self._context.format.name
        self._resampler = AudioResampler(
            self._sample_format, self._layout, settings.rate, self._context.frame_size
        )
        self._next: int | None = None
        self.track = _track(self._context, settings, track_id)

    def encode(self, frame: av.AudioFrame) -> list[Packet]:
        """Encode some samples; raises ``EncoderError``."""
        start = _ticks(frame, self.settings.rate)
        packets: list[Packet] = []
        if self._next is not None:
            gap = start - self._next
            if gap < -TOLERANCE * self.settings.rate:
                return []
            if gap > TOLERANCE * self.settings.rate:
                packets = self._fill(gap)
            start = self._next
        packets += self._feed(frame, start)
        self._next = start + round(frame.samples * self.settings.rate / frame.sample_rate)
        return packets

    def flush(self) -> list[Packet]:
        """What is still inside, at the end."""
        return self._encode_blocks(self._resampler.resample(None)) + self._drain(None)

    def _fill(self, gap: int) -> list[Packet]:
        """Insert ``gap`` samples of silence, or jump over a hole that is too long."""
        if self._next is None or gap > MAX_SILENCE * self.settings.rate:
            self._next = (self._next or 0) + gap
            return []
        shape = (self.settings.channels, gap)
        silence = av.AudioFrame.from_ndarray(
            np.zeros(shape, np.float32), format="fltp", layout=self._layout
        )
        silence.sample_rate = self.settings.rate
        packets = self._feed(silence, self._next)
        self._next += gap
        return packets

    def _feed(self, frame: av.AudioFrame, start: int) -> list[Packet]:
        frame.pts = start
        frame.time_base = Fraction(1, self.settings.rate)
        try:
            blocks = self._resampler.resample(frame)
        except (av.FFmpegError, ValueError) as error:
            raise EncoderError(f"sound cannot be converted: {error}") from error
        return self._encode_blocks(blocks)

    def _encode_blocks(self, blocks: list[av.AudioFrame]) -> list[Packet]:
        return [packet for block in blocks for packet in self._drain(block)]

    def _drain(self, block: av.AudioFrame | None) -> list[Packet]:
        try:
            encoded = self._context.encode(block)
        except av.FFmpegError as error:
            raise EncoderError(f"{self._context.name}: {error}") from error
        return [
            Packet(self.track, packet.pts or 0, packet.pts or 0, bytes(packet))
            for packet in encoded
        ]


def _ticks(frame: av.AudioFrame, rate: int) -> int:
    if frame.pts is None or not frame.time_base:
        raise EncoderError("sound without a timestamp")
    return round(frame.pts * frame.time_base * rate)


def _open(settings: AudioSettings) -> av.AudioCodecContext:
    name = ENCODERS.get(settings.codec)
    if name is None:
        raise EncoderError(f"no encoder for {settings.codec}")
    context = av.CodecContext.create(name, "w")
    if not isinstance(context, av.AudioCodecContext):
        raise EncoderError(f"{name}: not an audio encoder")
    formats = [form.name for form in context.codec.audio_formats or ()]
    context.format = "fltp" if "fltp" in formats else formats[0]
    context.layout = LAYOUTS[settings.channels]
    context.sample_rate = settings.rate
    context.bit_rate = settings.bitrate
    context.time_base = Fraction(1, settings.rate)
    context.flags |= Flags.global_header
    try:
        context.open()
    except (av.FFmpegError, ValueError) as error:
        raise EncoderError(f"{name}: {error}") from error
    return context


def _track(context: av.AudioCodecContext, settings: AudioSettings, track_id: int) -> Track:
    try:
        return audio_track(settings.codec, context.extradata or b"", id=track_id)
    except MediaError as error:
        raise EncoderError(f"{context.name}: {error}") from error
