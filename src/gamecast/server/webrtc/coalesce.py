"""Coalescing for WebRTC: under load, frames leave together instead of one by one.

What a viewer costs beyond encryption is a system call per frame; a sound packet costs as much of
that as a whole picture. While the server is busy sound waits for the next picture, and pictures
keep to the :class:`~gamecast.relay.pace.Pace` that all formats share, up to a bound of their own:
two of 60 a second go by one call, no more. A calm server holds nothing back, but for sound where
a crowd watches.
"""

from __future__ import annotations

from gamecast.packaging.rtp import Frame, JointFrames
from gamecast.relay.pace import Pace

_MOST_BYTES = 48 * 1024
"""A call carries less than 64 kB, with headers and tags."""
_MOST_SECONDS = 0.025
"""Pictures are held for less than in other formats: who watches by WebRTC wants no delay."""
_SOUND_SECONDS = 0.02
"""How long sound waits where no picture comes."""
_CROWD = 100
"""Viewers from which on sound rides with pictures, whatever the load."""
_PICTURES_AT_ONCE = 0.001
"""Seconds: an interval in which no second picture comes."""


def interval_for(pace: Pace, viewers: int) -> float:
    """Seconds between calls for so many viewers."""
    return pace.interval or (_PICTURES_AT_ONCE if viewers >= _CROWD else 0.0)


class FrameCoalescer:
    """Holds back a few frames while the pace is not 0."""

    def __init__(self) -> None:
        self._held: list[Frame] = []
        self._size = 0
        self._held_since = 0.0
        self._left_at = 0.0

    def take(self, frame: Frame, *, now: float, interval: float) -> list[Frame | JointFrames]:
        """What leaves now, in this order; ``interval``: seconds between calls, 0 for no waiting."""
        fits = self._size + frame.size <= _MOST_BYTES
        # A group begins with a call of its own: whether a viewer gets it is decided there.
        ready = self.flush() if frame.starts_group or not fits else []
        if not self._held:
            self._held_since = now
        self._held.append(frame)
        self._size += frame.size
        if frame.starts_group or self._size > _MOST_BYTES or self._is_due(frame, now, interval):
            ready += self.flush()
            self._left_at = now
        return ready

    def flush(self) -> list[Frame | JointFrames]:
        """Everything that was held back leaves now."""
        held, self._held, self._size = self._held, [], 0
        if len(held) > 1:
            return [JointFrames(held)]
        return list(held)

    def _is_due(self, frame: Frame, now: float, interval: float) -> bool:
        if interval <= 0:
            return True
        if frame.is_video:
            return now - self._left_at >= min(interval, _MOST_SECONDS)
        return now - self._held_since >= _SOUND_SECONDS
