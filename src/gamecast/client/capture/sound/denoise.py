"""Denoiser: takes steady noise (fans, hiss) out of a microphone, by FFmpeg's ``afftdn``."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import av
import numpy as np
from av.filter import Graph
from numpy.typing import NDArray

RATE = 48_000
DELAY = 1200
"""Samples by which the filter's output lags what its timestamps say, at 48 kHz (measured)."""
SETTINGS = "nr=20:nf=-40"
"""Up to 20 dB less of what is below -40 dB of full scale."""

Samples = NDArray[np.float32]


class Denoiser:
    """One filter for one input: planar stereo floats at 48 kHz."""

    def __init__(self) -> None:
        base = Fraction(1, RATE)
        self._graph = Graph()
        begin = self._graph.add_abuffer(
            sample_rate=RATE, format="fltp", layout="stereo", time_base=base
        )
        filtering = self._graph.add("afftdn", SETTINGS)
        end = self._graph.add("abuffersink")
        begin.link_to(filtering)
        filtering.link_to(end)
        self._graph.configure()

    def clean(self, samples: Samples, start: int) -> Iterator[tuple[int, Samples]]:
        """Put samples in that were recorded at ``start``; out come pairs of time and samples."""
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(samples), format="fltp", layout="stereo"
        )
        frame.sample_rate = RATE
        frame.pts, frame.time_base = start, Fraction(1, RATE)
        self._graph.push(frame)
        while True:
            try:
                cleaned = self._graph.pull()
            except (av.BlockingIOError, av.EOFError):
                return
            if isinstance(cleaned, av.AudioFrame) and cleaned.pts is not None:
                yield cleaned.pts - DELAY, cleaned.to_ndarray().astype(np.float32, copy=False)
