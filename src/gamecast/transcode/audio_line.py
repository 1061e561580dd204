"""One audio track through a worker: decoded, put on an even line of samples, encoded."""

from __future__ import annotations

from typing import Protocol

import av

from gamecast.media.packet import Packet
from gamecast.media.track import Track
from gamecast.transcode.audio_encoder import RATE, AudioEncoder
from gamecast.transcode.decoders import Decoder
from gamecast.transcode.recipes import AudioRecipe

_SLACK = 1000
"""A thousandth of a second: what a stamp may be off before anything is done about it."""
_NUDGE = 30
"""A thirtieth of a second: up to here one sample per frame is added or left out."""


class Output(Protocol):
    """Takes what a line makes."""

    def write_track(self, track: Track) -> None:
        """The packets from here on are of this track."""

    def write_packet(self, packet: Packet) -> None:
        """An encoded packet."""

    def write_encoder(self, name: str) -> None:
        """FFmpeg's name of the encoder in use."""


class SampleLine:
    """Decides how many samples to add or leave out so that sound stays on its timestamps.

    Stamps are rounded and a sound card's clock runs a little off, so a small departure is made
    good one sample at a time, which nobody hears. Lost sound becomes silence of that length.
    """

    def __init__(self) -> None:
        self._rate = 0
        self._expected: int | None = None

    def place(self, at: int, samples: int, rate: int) -> int | None:
        """Samples to add in front of a frame (or, below 0, to cut off its start).

        ``at`` is where its stamp puts it, in samples at ``rate``. ``None``: the line begins
        anew there, being more than a second away from what came before.
        """
        if self._expected is not None and rate != self._rate:
            self._expected = (2 * self._expected * rate + self._rate) // (2 * self._rate)
        self._rate = rate
        error = None if self._expected is None else at - self._expected
        if error is None or abs(error) > rate:
            self._expected = at + samples
            return None
        change = self._change(error, samples)
        assert self._expected is not None
        self._expected += samples + change
        return change

    def _change(self, error: int, samples: int) -> int:
        if abs(error) * _SLACK <= self._rate:
            return 0
        if abs(error) * _NUDGE <= self._rate:
            return 1 if error > 0 else -1
        return max(error, -samples)


class AudioLine:
    """Packets of one audio track in, packets of the recipe's codec out."""

    def __init__(self, recipe: AudioRecipe, output: Output) -> None:
        self._output = output
        self._line = SampleLine()
        self._encoder = AudioEncoder(recipe, output)
        self._decoder: Decoder | None = None

    def configure(self, track: Track) -> None:
        """Packets from here on are of this track."""
        if self._decoder is not None:
            for frame in self._decoder.drain():
                self._place(frame, track.clock_rate)
        self._encoder.track_id = track.id
        self._decoder = Decoder(track)

    def write(self, packet: Packet, *, encode: bool) -> None:
        """Decode a packet and encode what is complete with it."""
        if self._decoder is None or not encode:
            return
        if packet.wall:
            self._encoder.wall_offset = packet.wall - packet.pts / packet.track.clock_rate
        for frame in self._decoder.decode(packet):
            self._place(frame, packet.track.clock_rate)

    def request_keyframe(self) -> None:
        """Every audio frame is one."""

    def finish(self) -> None:
        """Encode the rest."""
        self._encoder.finish()

    def _place(self, frame: av.AudioFrame, clock_rate: int) -> None:
        if frame.pts is None or not frame.samples or not frame.sample_rate:
            return
        rate = frame.sample_rate  # not the track's with HE-AAC, whose clock is its core's
        at = (2 * frame.pts * rate + clock_rate) // (2 * clock_rate)
        change = self._line.place(at, frame.samples, rate)
        if change is None:
            self._encoder.begin((2 * at * RATE + rate) // (2 * rate))
        elif change:
            adjusted = _adjusted(frame, change)
            if adjusted is None:
                return
            frame = adjusted
        self._encoder.write(frame)


def _adjusted(frame: av.AudioFrame, change: int) -> av.AudioFrame | None:
    """The frame with ``change`` samples more in front, or fewer; ``None`` if none is left.

    A single sample is repeated, for a zero would click; a longer gap is silence.
    """
    samples = frame.samples + change
    if samples <= 0:
        return None
    longer = av.AudioFrame(frame.format.name, frame.layout, samples)
    longer.sample_rate = frame.sample_rate
    for source, target in zip(frame.planes, longer.planes, strict=True):
        step = target.buffer_size // samples
        sound = bytes(source)[: step * frame.samples]
        added = sound[:step] if change == 1 else bytes(step * max(change, 0))
        target.update(added + sound[step * max(-change, 0) :])
    return longer
