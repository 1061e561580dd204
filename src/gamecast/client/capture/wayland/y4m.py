"""Reading YUV4MPEG2 from a pipe straight into the planes of pictures.

The format (yuv4mpeg(5) of MJPEG tools): a header line ``YUV4MPEG2 W640 H360 C420 ...``, then for
every picture a line ``FRAME`` and its planes without padding. GStreamer's ``y4menc`` writes
another header where the size changes, and before version 1.26 leaves its padding in: rows are
multiples of four bytes, and there is an even number of them.
"""

from __future__ import annotations

import os

import av
from av.video.plane import VideoPlane
from av.video.reformatter import ColorRange, Colorspace

MAGIC = b"YUV4MPEG2 "
FRAME = b"FRAME\n"
MAX_SIDE = 16_384
MAX_LINE = 256
MAX_VECTORS = 1024
"""Buffers that one ``readv`` takes (IOV_MAX of Linux)."""


class Y4mError(ValueError):
    """This is not the format."""


class Y4mReader:
    """Pictures in yuv420p, BT.709, limited range. Blocks; for one thread."""

    def __init__(self, descriptor: int, *, padded: bool = False) -> None:
        """Read from ``descriptor``, which stays the caller's; ``padded`` as GStreamer does it."""
        self._descriptor = descriptor
        self._padded = padded
        self._size: tuple[int, int] | None = None

    def read(self) -> av.VideoFrame | None:
        """The next picture; ``None`` at the end, also in the midst of a picture.

        Raises ``Y4mError``.
        """
        try:
            mark = self._exactly(len(FRAME))
            if MAGIC.startswith(mark):
                self._size = _parse(mark + self._line())
                mark = self._exactly(len(FRAME))
            if mark != FRAME or self._size is None:
                raise Y4mError(f"{mark!r} where a picture should begin")
            frame = av.VideoFrame(*self._size, "yuv420p")
            self._fill(self._places(frame))
        except EOFError:
            return None
        frame.colorspace, frame.color_range = Colorspace.ITU709, ColorRange.MPEG
        return frame

    def _places(self, frame: av.VideoFrame) -> list[memoryview]:
        """Where the bytes of a picture go."""
        multiple = 4 if self._padded else 1
        luma, *chroma = (_rows(plane, multiple) for plane in frame.planes)
        if self._padded and frame.height % 2:
            luma.append(memoryview(bytearray(-(-frame.width // multiple) * multiple)))
        return [*luma, *chroma[0], *chroma[1]]

    def _exactly(self, count: int) -> bytes:
        data = bytearray(count)
        self._fill([memoryview(data)])
        return bytes(data)

    def _line(self) -> bytes:
        """Up to the end of the line, byte by byte: what follows goes elsewhere."""
        line = bytearray()
        while not line.endswith(b"\n"):
            line += self._exactly(1)
            if len(line) > MAX_LINE:
                raise Y4mError("a header without end")
        return bytes(line)

    def _fill(self, views: list[memoryview]) -> None:
        at = 0
        while at < len(views):
            got = os.readv(self._descriptor, views[at : at + MAX_VECTORS])
            if not got:
                raise EOFError
            while at < len(views) and got >= len(views[at]):
                got -= len(views[at])
                at += 1
            if got:
                views[at] = views[at][got:]


def _rows(plane: VideoPlane, multiple: int) -> list[memoryview]:
    """Where the plane's bytes go: all at once where its rows are as long as those that come.

    Rows in memory are multiples of 16 at least, so that padding has its place too.
    """
    whole, width = memoryview(plane), -(-plane.width // multiple) * multiple
    if plane.line_size == width:
        return [whole[: width * plane.height]]
    starts = range(0, plane.line_size * plane.height, plane.line_size)
    return [whole[start : start + width] for start in starts]


def _parse(line: bytes) -> tuple[int, int]:
    if not line.startswith(MAGIC):
        raise Y4mError(f"{line[:16]!r} where a header should be")
    fields = {part[:1]: part[1:] for part in line.decode("ascii", "replace").split()[1:]}
    try:
        width, height = int(fields["W"]), int(fields["H"])
    except (KeyError, ValueError):
        raise Y4mError("a header without a size") from None
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE):
        raise Y4mError(f"pictures of {width}x{height}")
    if not fields.get("C", "420").startswith("420"):
        raise Y4mError(f"chroma {fields['C']}")
    return width, height
