"""Pictures in, video without reordering out; the encoder is opened anew when pictures change."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av
from av.codec.context import Flags
from av.video.frame import PictureType
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter

from gamecast.media.codecs import nal, video_track
from gamecast.media.codecs.in_band import config_from_units
from gamecast.media.packet import Packet
from gamecast.media.track import Codec, Track
from gamecast.transcode.decoders import reason
from gamecast.transcode.encoder_choice import SOFTWARE, candidates, options
from gamecast.transcode.recipes import VideoRecipe

if TYPE_CHECKING:
    from gamecast.transcode.audio_line import Output

BT709 = 1
"""Of matrix coefficients (ITU-T H.273)."""
LIMITED_RANGE = 1
"""AVCOL_RANGE_MPEG."""
_UNSPECIFIED = 2
_MOST_INSIDE = 64
_TRIAL_PICTURES = 16
_LONGEST_GROUP_SECONDS = 20


class EncodeError(Exception):
    """No encoder works."""


@dataclass(slots=True)
class Picture:
    """A decoded picture and what is known of it."""

    frame: av.VideoFrame
    pts: int
    wall: float
    keyframe: bool
    """It shall be an IDR picture."""


@dataclass(slots=True, frozen=True)
class Shape:
    """What an encoder is opened for.

    ``color``: primaries, transfer, matrix, range by FFmpeg's numbers. ``bitrate``: bits per
    second, which software stays under and hardware keeps to.
    """

    width: int
    height: int
    color: tuple[int, ...]
    bitrate: int
    fps: Fraction

    def looks_like(self, other: Shape) -> bool:
        """Whether size and colour are equal, that is all but the rates."""
        return (self.width, self.height, self.color) == (other.width, other.height, other.color)


class VideoEncoder:
    """One encoder. Pictures are numbered for it; their times are kept here, exactly."""

    def __init__(self, recipe: VideoRecipe, output: Output) -> None:
        self.shape: Shape | None = None
        """What it is open for."""
        self.track_id = 0
        self._recipe = recipe
        self._output = output
        self._candidates = candidates(recipe)
        self._software = SOFTWARE[recipe.codec]
        self._context: Any = None
        self._format = "yuv420p"
        self._reformatter = VideoReformatter()
        self._track: Track | None = None
        self._number = 0
        self._inside: dict[int, Picture] = {}
        self._last_pts: int | None = None

    def encode(self, picture: Picture, shape: Shape) -> None:
        """Encode a picture; raises :class:`EncodeError`."""
        if shape != self.shape:
            self.finish()
            self._open(shape)
            picture.keyframe = True
        frame = self._converted(picture.frame, shape)
        frame.pts, frame.time_base = self._number, 1 / shape.fps
        frame.pict_type = PictureType.I if picture.keyframe else PictureType.NONE
        if self._last_pts is not None and picture.pts <= self._last_pts:
            picture.pts = self._last_pts + 1
        self._last_pts = picture.pts
        self._inside[self._number] = picture
        self._number += 1
        self._emit(self._context.encode(frame))

    def finish(self) -> None:
        """Hand out what the encoder still holds, and close it."""
        if self._context is not None:
            self._emit(self._context.encode(None))
        self._context = self.shape = None
        self._inside.clear()

    def _converted(self, frame: av.VideoFrame, shape: Shape) -> av.VideoFrame:
        if frame.format.name == self._format and (frame.width, frame.height) == shape_size(shape):
            return frame
        is_rgb = frame.format.is_rgb  # of full range; what it becomes is what its shape says
        return self._reformatter.reformat(
            frame,
            shape.width,
            shape.height,
            self._format,
            dst_colorspace=Colorspace.ITU709 if is_rgb else None,
            dst_color_range=ColorRange.MPEG if is_rgb else None,
        )

    def _open(self, shape: Shape) -> None:
        problems = []
        for name in self._candidates:
            try:
                context = _open_in_color(name, shape, self._recipe)
                if name != self._software:
                    _try_out(context, shape)
                    context = _open_in_color(name, shape, self._recipe)
            except (av.FFmpegError, ValueError, OSError) as error:
                problems.append(f"{name}: {reason(error)}")
                continue
            self._candidates = tuple(dict.fromkeys((name, self._software)))
            self._begin(name, context, shape)
            return
        raise EncodeError("; ".join(problems))

    def _begin(self, name: str, context: Any, shape: Shape) -> None:
        self._context, self.shape, self._number = context, shape, 0
        self._format = context.pix_fmt
        self._output.write_encoder(name)
        track = self._described(context, shape)
        if track != self._track:
            self._track = track
            self._output.write_track(track)

    def _described(self, context: Any, shape: Shape) -> Track:
        if self._recipe.codec is Codec.VP8:
            width, height = shape_size(shape)
            return video_track(Codec.VP8, b"", id=self.track_id, width=width, height=height)
        config = context.extradata or b""
        if config[:1] != b"\x01":  # start codes instead of avcC
            config = config_from_units(Codec.H264, nal.split_annexb(config))
        return video_track(Codec.H264, config, id=self.track_id)

    def _emit(self, encoded: list[Any]) -> None:
        track = self._track
        assert track is not None
        if track.id != self.track_id:
            track = self._track = replace(track, id=self.track_id)
            self._output.write_track(track)
        for packet in encoded:
            picture = self._inside.pop(packet.pts, None)
            if picture is None:
                continue
            data = bytes(packet)
            if track.codec is Codec.H264:
                data = nal.from_annexb(data)
            key = bool(packet.is_keyframe)
            made = Packet(track, picture.pts, picture.pts, data, key, picture.wall)
            self._output.write_packet(made)
        while len(self._inside) > _MOST_INSIDE:
            del self._inside[next(iter(self._inside))]


def shape_size(shape: Shape) -> tuple[int, int]:
    """Width and height."""
    return shape.width, shape.height


def _open_in_color(name: str, shape: Shape, recipe: VideoRecipe) -> Any:
    """Open the encoder; without the colour description if it refuses that."""
    try:
        return _open_context(name, shape, recipe)
    except (av.FFmpegError, ValueError, OverflowError):
        if shape.color[:3] == (_UNSPECIFIED,) * 3:
            raise
    plain = replace(shape, color=(_UNSPECIFIED,) * 3 + shape.color[3:])
    return _open_context(name, plain, recipe)


def _open_context(name: str, shape: Shape, recipe: VideoRecipe) -> Any:
    context: Any = av.CodecContext.create(name, "w")
    context.width, context.height = shape.width, shape.height
    context.time_base, context.framerate = 1 / shape.fps, shape.fps
    context.bit_rate = shape.bitrate
    context.gop_size = max(1, round(_LONGEST_GROUP_SECONDS * shape.fps))
    context.max_b_frames = 0
    context.flags |= Flags.global_header
    formats = [form.name for form in context.codec.video_formats or ()]
    context.pix_fmt = "yuv420p" if "yuv420p" in formats or not formats else "nv12"
    primaries, transfer, matrix, value_range = shape.color
    context.color_primaries, context.color_trc = primaries, transfer
    context.colorspace, context.color_range = matrix, value_range
    context.options = options(name, recipe, shape.bitrate, shape.width * shape.height)
    context.open()
    return context


def _try_out(context: Any, shape: Shape) -> None:
    """Encode grey pictures until a packet comes: a driver that opens often does no more."""
    for number in range(_TRIAL_PICTURES):
        frame = av.VideoFrame(shape.width, shape.height, context.pix_fmt)
        for plane in frame.planes:
            plane.update(bytes([128]) * plane.buffer_size)
        frame.pts, frame.time_base = number, 1 / shape.fps
        if context.encode(frame):
            return
    raise ValueError("takes pictures but gives no packets")
