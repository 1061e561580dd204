"""Coalescing for WebRTC: under load, sound leaves with the next frame instead of by itself.

A sound packet costs a viewer a system call, like a whole picture. Held back, it rides behind the
next picture, and the call is saved. It waits for one frame at most (17 ms at 60 pictures a second,
20 ms where no picture comes), so only a busy server does this.
"""

from __future__ import annotations

from gamecast.packaging.rtp import Frame, FramePair


class SoundCoalescer:
    """Holds one frame of sound at most."""

    def __init__(self) -> None:
        self._held: Frame | None = None

    def take(self, frame: Frame, *, busy: bool) -> Frame | FramePair | None:
        """What leaves now; ``None`` while ``frame`` waits for the next."""
        held = self.flush()
        if held is not None:
            return FramePair(frame, held) if frame.is_video else FramePair(held, frame)
        if frame.is_video or not busy:
            return frame
        self._held = frame
        return None

    def flush(self) -> Frame | None:
        """What was held back, which leaves alone now."""
        held, self._held = self._held, None
        return held
