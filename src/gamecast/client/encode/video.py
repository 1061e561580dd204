"""VideoEncoder: raw pictures in, ``Packet``s out, through one of FFmpeg's encoders.

Used by one thread only. That holds for changes of bitrate too: NVENC has been seen to lock up
when another thread does it.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import av
from av.codec.context import Flags
from av.video.frame import PictureType

from gamecast.client import avlog
from gamecast.client.encode import bitstream, presets
from gamecast.client.encode.scaling import Scaler
from gamecast.client.encode.scheduling import ordinary_scheduling
from gamecast.client.encode.settings import EncoderError, VideoSettings
from gamecast.media.codecs import video_track
from gamecast.media.errors import MediaError
from gamecast.media.packet import Packet
from gamecast.media.track import VIDEO_CLOCK_RATE, Track

BT709 = 1
"""Code point of BT.709 for primaries, transfer and matrix (ITU-T H.273)."""
LIMITED_RANGE = 1
LIVE_BITRATE = frozenset({"libx264", "h264_nvenc", "hevc_nvenc", "av1_nvenc"})
"""Encoders that follow a changed ``bit_rate`` while they are open."""


class VideoEncoder:
    """One open encoder. ``name`` is FFmpeg's, for example ``libx264``."""

    def __init__(self, name: str, settings: VideoSettings, *, track_id: int = 0) -> None:
        """Open the encoder; raises ``EncoderError`` with FFmpeg's reason."""
        self.name = name
        self.settings = settings
        self.bitrate = settings.bitrate
        self._context = _open(name, settings)
        self._scaler = Scaler(settings.width, settings.height, _pixel_format(self._context))
        self._time_base = Fraction(1, VIDEO_CLOCK_RATE)
        self._last_pts = -1
        self._last_dts: int | None = None
        self._reopen = False
        self.track = _track(self._context, settings, track_id)
        self._repack = bitstream.repacker(settings.codec, self._context.extradata or b"")

    def change_bitrate(self, bitrate: int) -> None:
        """Encode at ``bitrate`` bits per second from the next picture on; never above the first.

        Encoders that cannot do it while they are open are opened again, which costs a keyframe.
        """
        self.bitrate = min(bitrate, self.settings.bitrate)
        if self.name in LIVE_BITRATE:
            self._context.bit_rate = self.bitrate
        else:
            self._reopen = True

    def encode(self, frame: av.VideoFrame, *, keyframe: bool = False) -> list[Packet]:
        """Encode a picture (scaled and converted where needed); ``keyframe`` asks for an IDR.

        The frame's ``pts`` must rise; a picture that does not is given up. Raises
        ``EncoderError``.
        """
        pts = _ticks(frame)
        if pts <= self._last_pts:
            return []
        self._last_pts = pts
        flushed = self._open_again() if self._reopen else []
        picture = self._scaler.scale(frame)
        picture.pts = pts
        picture.time_base = self._time_base
        picture.pict_type = PictureType.I if keyframe else PictureType.NONE
        return flushed + self._packets(picture)

    def flush(self) -> list[Packet]:
        """What is still inside, at the end. The encoder takes no more pictures."""
        return self._packets(None)

    def _open_again(self) -> list[Packet]:
        """Change to an encoder of the new bitrate, if a decoder will not notice.

        A different configuration would have to reach every destination and every recording, so
        then the old bitrate stays.
        """
        self._reopen = False
        context = _open(self.name, replace(self.settings, bitrate=self.bitrate))
        if _track(context, self.settings, self.track.id) != self.track:
            self.bitrate = self._context.bit_rate or self.settings.bitrate
            return []
        flushed = self.flush()
        self._context = context
        return flushed

    def _packets(self, picture: av.VideoFrame | None) -> list[Packet]:
        try:
            encoded = self._context.encode(picture)
            return [self._packet(packet) for packet in encoded]
        except (av.FFmpegError, MediaError) as error:
            raise EncoderError(f"{self.name}: {error}") from error

    def _packet(self, packet: av.Packet[Any]) -> Packet:
        pts = packet.pts or 0
        dts = packet.dts if packet.dts is not None else pts
        if self._last_dts is not None and dts <= self._last_dts:
            dts = self._last_dts + 1  # a reopened encoder with B-frames begins a little earlier
        self._last_dts = dts
        return Packet(self.track, dts, pts, self._repack(bytes(packet)), bool(packet.is_keyframe))


def _ticks(frame: av.VideoFrame) -> int:
    if frame.pts is None or not frame.time_base:
        raise EncoderError("a picture without a timestamp")
    return round(frame.pts * frame.time_base * VIDEO_CLOCK_RATE)


def _open(name: str, settings: VideoSettings) -> av.VideoCodecContext:
    try:
        context = av.CodecContext.create(name, "w")
    except (av.FFmpegError, ValueError) as error:
        raise EncoderError(f"{name}: not in this build of FFmpeg") from error
    if not isinstance(context, av.VideoCodecContext):
        raise EncoderError(f"{name}: not a video encoder")
    _configure(context, name, settings)
    with avlog.capture_errors() as lines, ordinary_scheduling():
        try:
            context.open()
        except (av.FFmpegError, OSError, ValueError) as error:
            raise EncoderError(f"{name}: {avlog.reason(error, lines)}") from error
    return context


def _configure(context: av.VideoCodecContext, name: str, settings: VideoSettings) -> None:
    context.width = settings.width
    context.height = settings.height
    context.time_base = Fraction(1, VIDEO_CLOCK_RATE)
    context.framerate = settings.fps
    context.bit_rate = settings.bitrate
    context.gop_size = settings.gop
    context.max_b_frames = presets.b_frames(name, settings.latency) if settings.b_frames else 0
    context.flags |= Flags.global_header
    context.pix_fmt = _pixel_format(context)
    context.color_primaries = BT709
    context.color_trc = BT709
    context.colorspace = BT709
    context.color_range = LIMITED_RANGE
    context.options = presets.options(name, settings)


def _pixel_format(context: av.VideoCodecContext) -> str:
    """What to feed: planar 4:2:0 where it is taken, for the test scene is painted in it."""
    names = [form.name for form in context.codec.video_formats or ()]
    return "yuv420p" if "yuv420p" in names or not names else "nv12"


def _track(context: av.VideoCodecContext, settings: VideoSettings, track_id: int) -> Track:
    try:
        config = bitstream.configuration(settings.codec, context.extradata or b"")
        return video_track(settings.codec, config, id=track_id)
    except MediaError as error:
        raise EncoderError(f"{context.name}: {error}") from error
