"""Scaler: any picture to the size and pixel format that an encoder takes.

The picture keeps its shape: where that differs from the encoder's, black bars fill the rest (a
window that has been resized, a film in 21:9). Colours become BT.709, limited range.
"""

from __future__ import annotations

import av
from av.filter import Graph
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter

TOLERANCE = 0.01
"""Relative difference of shapes below which a picture is stretched instead of framed."""


class Scaler:
    """Converts pictures one after another; sizes may change in between. For one thread."""

    def __init__(self, width: int, height: int, pixel_format: str) -> None:
        self._size = (width, height)
        self._format = pixel_format
        self._reformatter = VideoReformatter()
        self._graph: Graph | None = None
        self._graph_input: tuple[int, int, str] | None = None

    def scale(self, frame: av.VideoFrame) -> av.VideoFrame:
        """The picture as the encoder wants it; the same object where it is so already."""
        if (frame.width, frame.height) == self._size and frame.format.name == self._format:
            return frame
        if self._same_shape(frame):
            return self._reformatter.reformat(
                frame,
                *self._size,
                self._format,
                dst_colorspace=Colorspace.ITU709,
                dst_color_range=ColorRange.MPEG,
            )
        return self._framed(frame)

    def _same_shape(self, frame: av.VideoFrame) -> bool:
        width, height = self._size
        wanted, given = width / height, frame.width / frame.height
        return abs(wanted / given - 1) < TOLERANCE

    def _framed(self, frame: av.VideoFrame) -> av.VideoFrame:
        kind = (frame.width, frame.height, frame.format.name)
        if self._graph is None or kind != self._graph_input:
            self._graph, self._graph_input = self._build(frame), kind
        self._graph.vpush(frame)
        framed = self._graph.vpull()
        assert isinstance(framed, av.VideoFrame)
        return framed

    def _build(self, frame: av.VideoFrame) -> Graph:
        width, height = self._size
        graph = Graph()
        source = graph.add_buffer(
            width=frame.width,
            height=frame.height,
            format=frame.format,
            time_base=frame.time_base,
        )
        scale = graph.add(
            "scale",
            f"{width}:{height}:force_original_aspect_ratio=decrease:force_divisible_by=2"
            ":out_color_matrix=bt709:out_range=tv",
        )
        convert = graph.add("format", self._format)
        pad = graph.add("pad", f"{width}:{height}:(ow-iw)/2:(oh-ih)/2")
        graph.link_nodes(source, scale, convert, pad, graph.add("buffersink")).configure()
        return graph
