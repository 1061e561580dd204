"""Samples in, Opus or AAC packets out, on a line of samples that is counted and never drifts."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av

from gamecast.media.codecs import audio_track
from gamecast.media.packet import Packet
from gamecast.media.track import Codec, Track
from gamecast.transcode.recipes import AudioRecipe

if TYPE_CHECKING:
    from gamecast.transcode.audio_line import Output

RATE = 48_000
_LAYOUT = "stereo"
_ENCODERS = {Codec.OPUS: ("libopus", "flt"), Codec.AAC: ("aac", "fltp")}
_OPTIONS = {
    Codec.OPUS: {"application": "audio", "frame_duration": "20", "vbr": "constrained"},
    Codec.AAC: {},
}
_FRAME_SIZE = {Codec.OPUS: 960, Codec.AAC: 1024}


class AudioEncoder:
    """One encoder at 48 kHz in stereo.

    What it holds back at the start (Opus 312 samples, AAC 1024) is taken off the timestamps: a
    packet that is decoded at its time gives the sound of that time.
    """

    def __init__(self, recipe: AudioRecipe, output: Output) -> None:
        self.track_id = 1
        self.wall_offset = 0.0
        """Unix seconds at time 0 of the tracks; 0 where it is not known."""
        self._recipe = recipe
        self._output = output
        self._name, self._format = _ENCODERS[recipe.codec]
        self._context: Any = None
        self._track: Track | None = None
        self._next = 0
        self._input: tuple[str, str, int] | None = None
        self._resampler = av.AudioResampler()
        self._fifo = av.AudioFifo()

    def begin(self, position: int) -> None:
        """The next sample belongs at ``position``, in samples at 48 kHz from time 0."""
        self.finish()
        self._next = position

    def write(self, frame: av.AudioFrame) -> None:
        """Encode samples of any rate, layout and format, which follow the last ones."""
        shape = (frame.format.name, frame.layout.name, frame.sample_rate)
        if shape != self._input:
            self._store(self._resample(None))
            self._resampler = av.AudioResampler(self._format, _LAYOUT, RATE)
            self._input = shape
        self._store(self._resample(frame))
        self._encode_blocks()

    def finish(self) -> None:
        """Encode what is still inside, the last block filled up with silence."""
        if self._context is None:
            return
        self._store(self._resample(None))
        rest = self._fifo.samples % _FRAME_SIZE[self._recipe.codec]
        if rest:
            self._store([_silence(self._format, _FRAME_SIZE[self._recipe.codec] - rest)])
        self._encode_blocks()
        self._emit(self._context.encode(None))
        self._context = None
        self._input = None

    def _resample(self, frame: av.AudioFrame | None) -> list[av.AudioFrame]:
        if self._input is None:
            return []
        return self._resampler.resample(frame)

    def _store(self, frames: list[av.AudioFrame]) -> None:
        for frame in frames:
            frame.pts = None  # counted here
            self._fifo.write(frame)

    def _encode_blocks(self) -> None:
        size = _FRAME_SIZE[self._recipe.codec]
        while (block := self._fifo.read(size)) is not None:
            if self._context is None:
                self._open()
            block.pts = self._next
            block.time_base = Fraction(1, RATE)
            block.sample_rate = RATE
            self._next += size
            self._emit(self._context.encode(block))

    def _open(self) -> None:
        context: Any = av.CodecContext.create(self._name, "w")
        context.format, context.layout, context.sample_rate = self._format, _LAYOUT, RATE
        context.bit_rate = self._recipe.bitrate
        context.time_base = Fraction(1, RATE)
        context.options = _OPTIONS[self._recipe.codec]
        context.open()
        self._context = context
        track = audio_track(self._recipe.codec, context.extradata or b"", id=self.track_id)
        if track != self._track:
            self._track = track
            self._output.write_track(track)

    def _emit(self, encoded: list[Any]) -> None:
        track = self._track
        assert track is not None
        if track.id != self.track_id:
            track = self._track = replace(track, id=self.track_id)
            self._output.write_track(track)
        for packet in encoded:
            wall = self.wall_offset + packet.pts / RATE if self.wall_offset else 0.0
            self._output.write_packet(
                Packet(track, packet.pts, packet.pts, bytes(packet), True, wall)
            )


def _silence(sample_format: str, samples: int) -> av.AudioFrame:
    frame = av.AudioFrame(sample_format, _LAYOUT, samples)
    frame.sample_rate = RATE
    for plane in frame.planes:
        plane.update(bytes(plane.buffer_size))
    return frame
