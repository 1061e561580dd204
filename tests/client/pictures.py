"""Planes of decoded pictures as arrays."""

from __future__ import annotations

import av
import numpy as np
from numpy.typing import NDArray


def luma(frame: av.VideoFrame) -> NDArray[np.uint8]:
    """The luma plane, of shape ``(height, width)``."""
    plane = frame.planes[0]
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
    return rows[:, : plane.width].copy()


def pts(frame: av.VideoFrame | av.AudioFrame) -> int:
    """The timestamp, which must be there."""
    assert frame.pts is not None
    return frame.pts
