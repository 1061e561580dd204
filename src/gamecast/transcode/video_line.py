"""One video track through a worker: decoded and encoded again without reordering."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from fractions import Fraction

import av

from gamecast.media.packet import Packet
from gamecast.media.reorder import ReorderMeter
from gamecast.media.track import Codec, Track
from gamecast.transcode.audio_line import Output
from gamecast.transcode.decoders import Decoder
from gamecast.transcode.recipes import VideoRecipe
from gamecast.transcode.video_encoder import (
    BT709,
    LIMITED_RANGE,
    Picture,
    Shape,
    VideoEncoder,
)

_MOST_INSIDE = 64
"""Packets whose pictures may be inside a decoder; none holds back more than 16."""
_MEASURED_PACKETS = 15
_USUAL_FPS = 30
_MOST_FPS = 240
_LEAST_SIDE, _MOST_SIDE = 16, 8192
"""Pictures of other sizes come of broken bytes, and encoders refuse them."""
_LEAST_BITRATE = 200_000
_DENSER = {Codec.HEVC: 1.5, Codec.AV1: 1.7, Codec.VP9: 1.4}
"""How much more H.264 needs for the same picture."""
_HEADROOM = 1.1
_KEYFRAME_DISTANCE = 0.25
"""Seconds of media between a keyframe and one that is asked for."""
_OUTDATED = _NEAR = 1.3
"""By how much measured bit and frame rates may differ from those the encoder was opened with."""


@dataclass(slots=True)
class _Entered:
    keyframe: bool
    wall: float


class VideoLine:
    """Packets of one video track in, packets with pts equal to dts out."""

    def __init__(self, recipe: VideoRecipe, output: Output, *, decoder_threads: int = 2) -> None:
        self._recipe = recipe
        self._encoder = VideoEncoder(recipe, output)
        self._threads = decoder_threads
        self._decoder: Decoder | None = None
        self._meter = ReorderMeter()
        self._measured = 0
        self._entered: OrderedDict[int, _Entered] = OrderedDict()
        self._keyframe_due = True
        self._keyframe_wanted = False
        self._keyframe_pts = 0
        self._wall_offset = 0.0

    def configure(self, track: Track) -> None:
        """Packets from here on are of this track."""
        if self._decoder is not None:
            for frame in self._decoder.drain():
                self._encode(frame, self._decoder.track)
        self._decoder = Decoder(track, threads=self._threads)
        self._entered.clear()
        self._encoder.track_id = track.id
        self._keyframe_due = True

    def write(self, packet: Packet, *, encode: bool) -> None:
        """Decode a packet; encode the pictures that it completes, unless they are too old."""
        if self._decoder is None:
            return
        self._meter.write(packet)
        self._measured += 1
        self._entered[packet.pts] = _Entered(packet.keyframe, packet.wall)
        if len(self._entered) > _MOST_INSIDE:
            self._entered.popitem(last=False)
        for frame in self._decoder.decode(packet, needed=encode):
            if encode:
                self._encode(frame, packet.track)
            else:
                self._pass_over(frame)

    def request_keyframe(self) -> None:
        """Make the next picture an IDR, if the last one is not only just past."""
        self._keyframe_wanted = True

    def finish(self) -> None:
        """Encode the rest."""
        if self._decoder is not None:
            for frame in self._decoder.drain():
                self._encode(frame, self._decoder.track)
        self._encoder.finish()

    def _pass_over(self, frame: av.VideoFrame) -> None:
        entered = self._entered.pop(frame.pts, None) if frame.pts is not None else None
        if entered is not None and entered.keyframe:
            self._keyframe_due = True

    def _encode(self, frame: av.VideoFrame, track: Track) -> None:
        pts = frame.pts  # the encoder numbers the frame anew
        sides = sorted((frame.width, frame.height))
        if pts is None or sides[0] < _LEAST_SIDE or sides[1] > _MOST_SIDE:
            return
        entered = self._entered.pop(pts, None)
        wall = entered.wall if entered is not None else 0.0
        source_keyframe = entered is not None and entered.keyframe
        since = abs(pts - self._keyframe_pts) / track.clock_rate
        wanted = self._keyframe_wanted and since >= _KEYFRAME_DISTANCE
        keyframe = source_keyframe or self._keyframe_due or wanted
        self._encoder.encode(
            Picture(frame, pts, wall, keyframe),
            self._shape(frame, track, renew=source_keyframe),
        )
        if keyframe:
            self._keyframe_due = self._keyframe_wanted = False
            self._keyframe_pts = pts

    def _shape(self, frame: av.VideoFrame, track: Track, *, renew: bool) -> Shape:
        """What the encoder has to be open for; rates are kept until they are far off."""
        size = (frame.width & ~1, frame.height & ~1)
        shape = Shape(*size, _color(frame), 0, Fraction(_USUAL_FPS))
        current = self._encoder.shape
        if current is not None and not renew and current.looks_like(shape):
            return current
        fps = self._fps(track)
        if current is not None and current.looks_like(shape) and _ratio(current.fps, fps) < _NEAR:
            # Another rate in the parameter sets would be another track, over which players begin
            # anew; what is measured differs a little every time.
            fps = current.fps
        fresh = Shape(*size, shape.color, self._bitrate(size, fps, track.codec), fps)
        if current is not None and current.looks_like(fresh) and not _far(current, fresh):
            return current
        return fresh

    def _fps(self, track: Track) -> Fraction:
        if self._measured >= _MEASURED_PACKETS and 1 <= self._meter.fps <= _MOST_FPS:
            return Fraction(round(self._meter.fps * 100), 100)
        if track.fps is not None and 1 <= track.fps <= _MOST_FPS:
            return track.fps
        return Fraction(_USUAL_FPS)

    def _bitrate(self, size: tuple[int, int], fps: Fraction, codec: Codec) -> int:
        if self._recipe.bitrate:
            return self._recipe.bitrate
        megapixels: float = size[0] * size[1] / 1e6
        bitrate: float = 3.2e6 * megapixels**0.7 * (1.0 if fps <= _USUAL_FPS else 1.5)
        if self._measured >= _MEASURED_PACKETS:
            # Where little moves now more may move soon, so it is never less than what is usual.
            measured = self._meter.bitrate * _DENSER.get(codec, 1.0)
            bitrate = max(bitrate, measured * _HEADROOM)
        return round(max(_LEAST_BITRATE, min(self._recipe.max_bitrate, bitrate)))


def _color(frame: av.VideoFrame) -> tuple[int, ...]:
    if frame.format.is_rgb:  # a screen in VP9 or AV1; it is converted by BT.709
        return int(frame.color_primaries), int(frame.color_trc), BT709, LIMITED_RANGE
    color = (frame.color_primaries, frame.color_trc, frame.colorspace, frame.color_range)
    return tuple(int(part) for part in color)


def _far(one: Shape, other: Shape) -> bool:
    return _ratio(one.bitrate, other.bitrate) > _OUTDATED or one.fps != other.fps


def _ratio(one: Fraction | int, other: Fraction | int) -> Fraction:
    return Fraction(max(one, other)) / min(one, other)
