"""Cropper: a part of every picture, for devices that deliver whole screens only."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import av
from av.filter import Graph

from gamecast.client.capture.x11.wire import Geometry
from gamecast.media.track import VIDEO_CLOCK_RATE


@dataclass(slots=True, frozen=True)
class Share:
    """A part of a picture, as shares of its width and height.

    Shares and not pixels, because a screen with two pixels to a point is asked about in points
    and captured in pixels.
    """

    left: float
    top: float
    width: float
    height: float

    @classmethod
    def of(cls, part: Geometry, whole: Geometry) -> Share | None:
        """The share that ``part`` has of ``whole``, cut at its edges; ``None``: it is outside."""
        left, top = max(part.x, whole.x), max(part.y, whole.y)
        right = min(part.x + part.width, whole.x + whole.width)
        bottom = min(part.y + part.height, whole.y + whole.height)
        if right <= left or bottom <= top:
            return None
        return cls(
            (left - whole.x) / whole.width,
            (top - whole.y) / whole.height,
            (right - left) / whole.width,
            (bottom - top) / whole.height,
        )

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height in a picture of this size: even, and at least 2."""
        return self.rectangle(width, height)[2:]

    def rectangle(self, width: int, height: int) -> tuple[int, int, int, int]:
        """Left, top, width and height in a picture of this size: even numbers, inside of it."""
        wide = max(2, _even(self.width * width))
        high = max(2, _even(self.height * height))
        wide, high = min(wide, width // 2 * 2), min(high, height // 2 * 2)
        left = min(_even(self.left * width), (width - wide) // 2 * 2)
        top = min(_even(self.top * height), (height - high) // 2 * 2)
        return left, top, wide, high


def _even(value: float) -> int:
    return round(value / 2) * 2


class Cropper:
    """FFmpeg's ``crop``, which moves pointers and copies nothing."""

    def __init__(self, share: Share) -> None:
        self._share = share
        self._graph: Graph | None = None
        self._kind: tuple[int, int, str] | None = None

    def crop(self, frame: av.VideoFrame) -> av.VideoFrame:
        """The part, with the picture's time."""
        kind = (frame.width, frame.height, frame.format.name)
        if self._graph is None or kind != self._kind:
            self._graph, self._kind = self._build(frame), kind
        self._graph.push(frame)
        cropped = self._graph.pull()
        if not isinstance(cropped, av.VideoFrame):
            raise TypeError("the crop filter gave no picture")
        return cropped

    def _build(self, frame: av.VideoFrame) -> Graph:
        left, top, width, height = self._share.rectangle(frame.width, frame.height)
        graph = Graph()
        begin = graph.add_buffer(
            width=frame.width,
            height=frame.height,
            format=frame.format,
            time_base=frame.time_base or Fraction(1, VIDEO_CLOCK_RATE),
        )
        cut = graph.add("crop", f"{width}:{height}:{left}:{top}")
        end = graph.add("buffersink")
        begin.link_to(cut)
        cut.link_to(end)
        graph.configure()
        return graph
