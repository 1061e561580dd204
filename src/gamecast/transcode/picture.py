"""A keyframe decoded and scaled to a JPEG."""

from __future__ import annotations

import io
from fractions import Fraction
from typing import cast

import av
from av.video.codeccontext import VideoCodecContext

_DECODERS = {
    "h264": "h264",
    "hevc": "hevc",
    "av1": "libdav1d",
    "vp8": "vp8",
    "vp9": "vp9",
}
MAX_WIDTH = 640


def jpeg_of(codec: str, config: bytes, keyframe: bytes) -> bytes:
    """Decode one keyframe and return it as JPEG, at most :data:`MAX_WIDTH` pixels wide.

    ``config`` and ``keyframe`` are in the program's form (``Track.config``, ``Packet.data``).
    Raises ``ValueError`` where there is no picture in it.
    """
    decoder = cast(VideoCodecContext, av.CodecContext.create(_DECODERS[codec], "r"))
    decoder.thread_count = 1
    if config:
        decoder.extradata = config
    try:
        frames = [*decoder.decode(av.Packet(keyframe)), *decoder.decode(None)]
    except av.FFmpegError as error:
        raise ValueError(f"not decodable: {error}") from None
    if not frames:
        raise ValueError("no picture in the keyframe")
    return _jpeg(frames[0])


def _jpeg(frame: av.VideoFrame) -> bytes:
    width = min(MAX_WIDTH, frame.width) // 2 * 2
    height = max(2, round(frame.height * width / frame.width / 2) * 2)
    picture = frame.reformat(width=width, height=height, format="yuvj420p")
    output = io.BytesIO()
    with av.open(output, "w", format="mjpeg") as container:
        stream = container.add_stream("mjpeg", rate=1, options={"qmin": "3", "qmax": "6"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuvj420p"
        picture.pts = 0
        picture.time_base = Fraction(1)
        container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return output.getvalue()
