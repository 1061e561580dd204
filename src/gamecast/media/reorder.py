"""ReorderMeter: what a track really does (B-frames, frame rate, keyframes, bitrate)."""

from __future__ import annotations

from collections import deque

from gamecast.media.packet import Packet

_WINDOW_SECONDS = 4.0
_MAX_WINDOW_PACKETS = 4096
_REORDER_FRAMES = 16
"""No codec here holds back more pictures than this (H.264 section A.3.1)."""
_MAX_STEP_SECONDS = 10


class ReorderMeter:
    """Measures one track from its packets; time is their dts, not the wall.

    Hand it every packet of the track in decoding order. A jump of dts (backwards, or by more
    than 10 s) restarts the window.
    """

    __slots__ = (
        "_bytes",
        "_clock_rate",
        "_depth",
        "_keyframe_dts",
        "_keyframe_interval",
        "_last_depth",
        "_recent",
        "_top",
        "_window",
    )

    def __init__(self) -> None:
        self._clock_rate = 1
        self._window: deque[tuple[int, int]] = deque()
        self._bytes = 0
        self._recent: deque[int] = deque(maxlen=_REORDER_FRAMES)
        self._top = -1
        self._depth = 0
        self._last_depth = 0
        self._keyframe_dts: int | None = None
        self._keyframe_interval = 0

    def write(self, packet: Packet) -> None:
        """Count one packet."""
        rate = packet.track.clock_rate
        window = self._window
        if rate != self._clock_rate or (
            window and not 0 <= packet.dts - window[-1][0] <= _MAX_STEP_SECONDS * rate
        ):
            self._restart(rate)
        if packet.is_video:
            self._order(packet)
        window.append((packet.dts, len(packet.data)))
        self._bytes += len(packet.data)
        oldest = packet.dts - int(_WINDOW_SECONDS * rate)
        while window[0][0] < oldest or len(window) > _MAX_WINDOW_PACKETS:
            self._bytes -= window.popleft()[1]

    def _restart(self, rate: int) -> None:
        self._clock_rate = rate
        self._window.clear()
        self._bytes = 0
        self._recent.clear()
        self._top = -1
        self._keyframe_dts = None

    def _order(self, packet: Packet) -> None:
        if packet.keyframe:
            if self._keyframe_dts is not None:
                self._keyframe_interval = packet.dts - self._keyframe_dts
                self._last_depth, self._depth = self._depth, 0
            self._keyframe_dts = packet.dts
        pts = packet.pts
        if pts > self._top:
            self._top = pts
        else:
            later = sum([1 for earlier in self._recent if earlier > pts])
            self._depth = max(self._depth, later)
        self._recent.append(pts)

    @property
    def reorder_depth(self) -> int:
        """The most frames decoded before one shown ahead of them, over the last two groups."""
        return max(self._depth, self._last_depth)

    @property
    def b_frames(self) -> bool:
        """Whether frames were out of presentation order in this or the last group."""
        return self.reorder_depth > 0

    @property
    def fps(self) -> float:
        """Packets per second over the last seconds; 0 until there are two."""
        span = self._span()
        return (len(self._window) - 1) / span if span else 0.0

    @property
    def bitrate(self) -> float:
        """Bits of payload per second over the last seconds; 0 until there are two packets."""
        span = self._span()
        # the last packet begins where the window ends, so its bytes belong to the time after it
        return (self._bytes - self._window[-1][1]) * 8 / span if span else 0.0

    @property
    def keyframe_interval(self) -> float:
        """Seconds between the last two keyframes, or since the last one where that is longer.

        0 until there was a keyframe.
        """
        if self._keyframe_dts is None or not self._window:
            return self._keyframe_interval / self._clock_rate
        age = self._window[-1][0] - self._keyframe_dts
        return max(age, self._keyframe_interval) / self._clock_rate

    def _span(self) -> float:
        if len(self._window) < 2:
            return 0.0
        return (self._window[-1][0] - self._window[0][0]) / self._clock_rate
