"""AudioEncoder: raw sound in, ``Packet``s of AAC or Opus out, in step with the clock."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
from av.audio.resampler import AudioResampler
from av.codec.context import Flags

from gamecast.client.encode.settings import AudioSettings, EncoderError
from gamecast.client.encode.soundclock import Placement, SoundClock
from gamecast.media.codecs import audio_track
from gamecast.media.errors import MediaError
from gamecast.media.packet import Packet
from gamecast.media.track import Codec, Track

ENCODERS = {Codec.AAC: "aac", Codec.OPUS: "libopus"}
FIRST_STEM = 10
"""Track id of the first input of sound that is a track by itself."""
LAYOUTS = {1: "mono", 2: "stereo"}


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
        self._clock = SoundClock(settings.rate)
        self.track = _track(self._context, settings, track_id)

    def encode(self, frame: av.AudioFrame) -> list[Packet]:
        """Encode some samples; raises ``EncoderError``."""
        rate = self.settings.rate
        samples = round(frame.samples * rate / frame.sample_rate)
        placed = self._clock.place(_ticks(frame, rate), samples)
        if placed is None:
            return []
        packets = self._silence(placed) if placed.silence else []
        if placed.stretch:
            frame = stretched(frame, placed.stretch * frame.sample_rate // rate or placed.stretch)
        return packets + self._feed(frame, placed.start)

    def flush(self) -> list[Packet]:
        """What is still inside, at the end."""
        return self._encode_blocks(self._resampler.resample(None)) + self._drain(None)

    def _silence(self, placed: Placement) -> list[Packet]:
        shape = (self.settings.channels, placed.silence)
        silence = av.AudioFrame.from_ndarray(
            np.zeros(shape, np.float32), format="fltp", layout=self._layout
        )
        silence.sample_rate = self.settings.rate
        return self._feed(silence, placed.start - placed.silence)

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


def stretched(frame: av.AudioFrame, extra: int) -> av.AudioFrame:
    """The same sound in ``extra`` more samples (fewer, where negative), as planar floats."""
    samples = frame.to_ndarray()
    scale = 1.0 if samples.dtype.kind == "f" else 2.0 ** (1 - 8 * samples.dtype.itemsize)
    channels = len(frame.layout.channels)
    rows = samples if frame.format.is_planar else samples.reshape(-1, channels).T
    places = np.linspace(0, frame.samples - 1, frame.samples + extra)
    known = np.arange(frame.samples)
    out = np.stack([np.interp(places, known, row) for row in rows * scale])
    longer = av.AudioFrame.from_ndarray(
        out.astype(np.float32), format="fltp", layout=frame.layout.name
    )
    longer.sample_rate = frame.sample_rate
    return longer


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
