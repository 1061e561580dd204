"""A media file as the source: decoded, or passed on packet by packet, in real time."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from gamecast.client import avlog
from gamecast.client.capture.remux import Remuxer, Stream
from gamecast.client.capture.source import (
    AudioFormat,
    Sink,
    SourceError,
    ThreadedSource,
    Timeline,
    VideoFormat,
)
from gamecast.media.errors import MediaError

AHEAD = 0.05
"""Seconds by which packets may be early; decoding and encoding take some of it."""
DEFAULT_FPS = Fraction(30)


class FileSource(ThreadedSource):
    """The first video and audio stream of a file."""

    def __init__(
        self, path: Path, *, loop: bool = False, copy: bool = False, sound: bool = True
    ) -> None:
        """Open the file, with its ``sound`` or without.

        Raises ``SourceError`` with one clear line.
        """
        super().__init__()
        self.name = path.name
        self._path = path
        self._loop = loop
        self._copy = copy
        self._container = _open(path)
        self._video = next(iter(self._container.streams.video), None)
        self._audio = next(iter(self._container.streams.audio), None) if sound else None
        self._remuxer: Remuxer | None = None
        self._leads: dict[int, Fraction] = {}
        try:
            self._describe()
        except SourceError:
            self._container.close()
            raise
        self._shift = Fraction(0)
        self._end = Fraction(0)

    def _describe(self) -> None:
        if self._video is None and self._audio is None:
            raise SourceError(f"{self._path}: no video and no sound in it")
        if self._copy:
            try:
                self._remuxer = Remuxer(self._streams(), str(self._path))
            except MediaError as error:
                raise SourceError(f"{self._path}: {error}") from error
            self.tracks = self._remuxer.tracks
            return
        if self._video is not None:
            fps = self._video.guessed_rate or self._video.average_rate or DEFAULT_FPS
            self.video_format = VideoFormat(
                self._video.codec_context.width, self._video.codec_context.height, Fraction(fps)
            )
        if self._audio is not None:
            self.audio_format = AudioFormat()

    def run(self, sink: Sink, timeline: Timeline) -> None:
        """Deliver the file once, or again and again."""
        start = Fraction(timeline.now()).limit_denominator(1000)
        self._shift = start
        while True:
            origin = self._origin()
            for packet in self._container.demux(self._streams()):
                if self.stopping.is_set():
                    return
                self._deliver(packet, sink, timeline, origin)
            if not self._loop or self._end <= self._shift:
                return
            self._shift = self._end
            self._container.seek(0)
            self._flush_decoders()

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    def _streams(self) -> list[Stream]:
        return [stream for stream in (self._video, self._audio) if stream is not None]

    def _origin(self) -> Fraction:
        """The time in the file that becomes the start of this round, in seconds."""
        starts = [
            Fraction(stream.start_time * stream.time_base)
            for stream in self._streams()
            if stream.start_time is not None and stream.time_base
        ]
        return min(starts, default=Fraction(0))

    def _deliver(
        self, packet: av.Packet[Any], sink: Sink, timeline: Timeline, origin: Fraction
    ) -> None:
        if packet.dts is not None and packet.time_base:
            at = packet.dts * Fraction(packet.time_base) - origin + self._shift
            self._note_end(packet, at)
            if self.stopping.wait(max(0.0, float(at) - timeline.now() - AHEAD)):
                return
        if self._remuxer is None:
            self._decode(packet, sink, origin)
        elif (copied := self._remuxer.packet(packet, self._shift - origin)) is not None:
            sink.packet(copied)

    def _note_end(self, packet: av.Packet[Any], at: Fraction) -> None:
        """Where the next round may begin.

        Copied streams begin at different times before the file's zero (B-frames, priming), and
        none of them may overlap itself.
        """
        end = at + Fraction((packet.duration or 0) * packet.time_base)
        if self._copy:
            end -= self._leads.setdefault(packet.stream.index, at - self._shift)
        self._end = max(self._end, end)

    def _decode(self, packet: av.Packet[Any], sink: Sink, origin: Fraction) -> None:
        for frame in packet.decode():
            if frame.pts is None or not frame.time_base:
                continue
            at = frame.pts * Fraction(frame.time_base) - origin + self._shift
            if isinstance(frame, av.VideoFrame):
                frame.pts, frame.time_base = round(at * 90_000), Fraction(1, 90_000)
                sink.video(frame)
            elif isinstance(frame, av.AudioFrame):
                frame.pts = round(at * frame.sample_rate)
                frame.time_base = Fraction(1, frame.sample_rate)
                sink.audio(frame)

    def _flush_decoders(self) -> None:
        for stream in self._streams():
            stream.codec_context.flush_buffers()


def _open(path: Path) -> av.container.InputContainer:
    with avlog.capture_errors() as lines:
        try:
            return av.open(str(path), "r")
        except (av.FFmpegError, OSError) as error:
            reason = avlog.reason(error, lines if not path.is_file() else [])
            raise SourceError(f"cannot open {path}: {reason}") from error
