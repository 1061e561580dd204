"""Recording formats: packets into a file that is whole up to its last fragment at any moment."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import BinaryIO, Protocol

import av

from gamecast.media.containers.flv.writer import TagWriter
from gamecast.media.containers.fmp4 import Sample, TrackRun, fragment, init_segment
from gamecast.media.packet import Packet
from gamecast.media.track import Kind, Track

FRAGMENT_SECONDS = 2.0
"""A fragment of MP4 ends at the next keyframe, or after this long."""


class Writer(Protocol):
    """One container being written to an open file. Errors of the file come out as ``OSError``."""

    def write(self, packet: Packet) -> None:
        """Add a packet."""

    def finish(self) -> None:
        """Write what is left. The file stays open."""


class FlvWriter:
    """FLV: a tag per packet."""

    def __init__(self, file: BinaryIO, tracks: Sequence[Track]) -> None:
        self._file = file
        self._writer = TagWriter(tracks, extra={"encoder": "Gamecast"})
        file.write(self._writer.header())
        for message in self._writer.sequence_headers(0):
            file.write(TagWriter.tag(*message))

    def write(self, packet: Packet) -> None:
        """See ``Writer``."""
        self._file.write(TagWriter.tag(*self._writer.message(packet)))

    def finish(self) -> None:
        """Nothing: an FLV file just ends."""


class Mp4Writer:
    """Fragmented MP4: it plays even if the last fragment is missing.

    A sample's duration is the distance to the next one, so one packet of each track is held back.
    """

    def __init__(self, file: BinaryIO, tracks: Sequence[Track]) -> None:
        self._file = file
        self._numbers = {track.id: number for number, track in enumerate(tracks, 1)}
        self._has_video = any(track.kind is Kind.VIDEO for track in tracks)
        self._held: dict[int, Packet] = {}
        self._runs: dict[int, TrackRun] = {}
        self._start = 0.0
        self._sequence = 0
        file.write(init_segment(tracks))

    def write(self, packet: Packet) -> None:
        """See ``Writer``."""
        at = packet.dts / packet.track.clock_rate
        held = self._held.get(packet.track.id)
        if held is not None:
            self._add(held, max(1, packet.dts - held.dts))
        starts = packet.is_video and packet.keyframe
        if self._runs and (starts or at - self._start >= FRAGMENT_SECONDS):
            self._flush()
            self._start = at
        self._held[packet.track.id] = packet

    def finish(self) -> None:
        """See ``Writer``; the last samples are as long as those before them."""
        for packet in self._held.values():
            run = self._runs.get(packet.track.id)
            guess = packet.track.samples_per_frame or packet.track.clock_rate // 30
            self._add(packet, run.samples[-1].duration if run is not None else guess)
        self._held.clear()
        if self._runs:
            self._flush()

    def _add(self, packet: Packet, duration: int) -> None:
        sample = Sample(duration, packet.data, packet.keyframe, packet.pts - packet.dts)
        run = self._runs.get(packet.track.id)
        if run is None:
            number = self._numbers[packet.track.id]
            self._runs[packet.track.id] = TrackRun(number, packet.dts, [sample])
        else:
            run.samples.append(sample)

    def _flush(self) -> None:
        self._sequence += 1
        runs = sorted(self._runs.values(), key=lambda run: run.track_id)
        self._file.write(fragment(self._sequence, runs))
        self._file.flush()
        self._runs.clear()


class MatroskaWriter:
    """Matroska, by FFmpeg's muxer; clusters are written as they fill."""

    def __init__(self, file: BinaryIO, tracks: Sequence[Track]) -> None:
        # FFmpeg takes a decoder configuration only from a stream that it has read itself: let it
        # read ours from the header of an MP4 file without samples.
        with av.open(io.BytesIO(init_segment(tracks)), "r", format="mp4") as template:
            self._output = av.open(file, "w", format="matroska", options={"flush_packets": "1"})
            self._streams = {
                track.id: self._output.add_stream_from_template(stream, opaque=True)
                for track, stream in zip(tracks, template.streams, strict=True)
            }
            self._output.start_encoding()

    def write(self, packet: Packet) -> None:
        """See ``Writer``."""
        encoded = av.Packet(packet.data)
        encoded.stream = self._streams[packet.track.id]
        encoded.dts, encoded.pts = packet.dts, packet.pts
        encoded.time_base = Fraction(1, packet.track.clock_rate)
        encoded.is_keyframe = packet.keyframe
        self._output.mux_one(encoded)

    def finish(self) -> None:
        """See ``Writer``; adds the index and the duration."""
        self._output.close()


WRITERS: Mapping[str, Callable[[BinaryIO, Sequence[Track]], Writer]] = {
    "flv": FlvWriter,
    "mp4": Mp4Writer,
    "matroska": MatroskaWriter,
}
"""By FFmpeg's names of the containers, as ``target.RECORDINGS`` has them."""
