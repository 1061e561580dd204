"""A media file as the source: decoded, or passed on packet by packet, in real time."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from gamecast.client import avlog
from gamecast.client.capture.source import (
    AudioFormat,
    Sink,
    SourceError,
    ThreadedSource,
    Timeline,
    VideoFormat,
)
from gamecast.client.encode import bitstream
from gamecast.media.codecs import audio_track, is_keyframe, video_track
from gamecast.media.errors import MediaError
from gamecast.media.packet import Packet
from gamecast.media.track import Codec, Track

VIDEO_CODECS = {"h264": Codec.H264, "hevc": Codec.HEVC, "av1": Codec.AV1, "vp9": Codec.VP9}
AUDIO_CODECS = {
    "aac": Codec.AAC,
    "opus": Codec.OPUS,
    "mp3": Codec.MP3,
    "flac": Codec.FLAC,
    "ac3": Codec.AC3,
    "eac3": Codec.EAC3,
}
"""FFmpeg's codec names that can be passed on without decoding."""
AHEAD = 0.05
"""Seconds by which packets may be early; decoding and encoding take some of it."""
DEFAULT_FPS = Fraction(30)


class FileSource(ThreadedSource):
    """The first video and audio stream of a file."""

    def __init__(self, path: Path, *, loop: bool = False, copy: bool = False) -> None:
        """Open the file; raises ``SourceError`` with one clear line."""
        super().__init__()
        self.name = path.name
        self._path = path
        self._loop = loop
        self._copy = copy
        self._container = _open(path)
        self._video = next(iter(self._container.streams.video), None)
        self._audio = next(iter(self._container.streams.audio), None)
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
            self.tracks = tuple(self._make_tracks())
            return
        if self._video is not None:
            fps = self._video.guessed_rate or self._video.average_rate or DEFAULT_FPS
            self.video_format = VideoFormat(
                self._video.codec_context.width, self._video.codec_context.height, Fraction(fps)
            )
        if self._audio is not None:
            self.audio_format = AudioFormat()

    def _make_tracks(self) -> Iterator[Track]:
        """Tracks of the streams that are passed on; raises ``SourceError``."""
        self._repack = {}
        for stream, codecs in ((self._video, VIDEO_CODECS), (self._audio, AUDIO_CODECS)):
            if stream is None:
                continue
            name = stream.codec_context.name
            codec = codecs.get(_canonical(name))
            if codec is None:
                raise SourceError(f"{self._path}: {name} cannot be passed on; leave out 'copy'")
            try:
                track, repack = _track(stream, codec)
            except MediaError as error:
                raise SourceError(f"{self._path}: {error}") from error
            self._repack[stream.index] = (track, repack)
            yield track

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

    def _streams(self) -> list[av.VideoStream | av.AudioStream]:
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
            duration = Fraction((packet.duration or 0) * packet.time_base)
            self._end = max(self._end, at + duration)
            if self.stopping.wait(max(0.0, float(at) - timeline.now() - AHEAD)):
                return
        if self._copy:
            self._pass_on(packet, sink, origin)
        else:
            self._decode(packet, sink, origin)

    def _pass_on(self, packet: av.Packet[Any], sink: Sink, origin: Fraction) -> None:
        if packet.dts is None or packet.size == 0:
            return
        track, repack = self._repack[packet.stream.index]
        data = repack(bytes(packet))
        offset = self._shift - origin
        base = Fraction(packet.time_base)
        pts = packet.pts if packet.pts is not None else packet.dts
        sink.packet(
            Packet(
                track,
                round((packet.dts * base + offset) * track.clock_rate),
                round((pts * base + offset) * track.clock_rate),
                data,
                is_keyframe(track.codec, data),
            )
        )

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


def _canonical(name: str) -> str:
    """FFmpeg's codec name without that of the decoder library."""
    return {"libdav1d": "av1", "libopus": "opus", "mp3float": "mp3", "libvpx-vp9": "vp9"}.get(
        name, name
    )


def _track(stream: av.VideoStream | av.AudioStream, codec: Codec) -> tuple[Track, bitstream.Repack]:
    extradata = stream.codec_context.extradata or b""
    repack = bitstream.repacker(codec, extradata)
    config = bitstream.configuration(codec, extradata)
    if isinstance(stream, av.VideoStream):
        return video_track(codec, config), repack
    context = stream.codec_context
    return audio_track(
        codec, config, sample_rate=context.sample_rate, channels=context.channels
    ), repack
