"""The encoders' threads: they take the newest picture, and every sample, and hand on packets."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from fractions import Fraction

import av
import numpy as np

from gamecast.client.encode.audio import AudioEncoder
from gamecast.client.encode.opening import PictureEncoder
from gamecast.client.encode.settings import EncoderError
from gamecast.client.push.stats import EncodeStats
from gamecast.media.packet import Packet

Write = Callable[[Packet], None]
Fail = Callable[[str], None]

MAX_PICTURES = 2
"""Pictures that may wait for the encoder; one more and the oldest is given up (encoder lag)."""
REPEAT = 0.2
"""Seconds without a new picture after which the last one is encoded again.

A source that has nothing new to show (a closed window, a screen that only reports changes) must
not stop the stream: viewers' players would, and sound would wait for it.
"""
MAX_SOUND = 256
"""Blocks of sound that may wait: about five seconds."""


class Gate:
    """Thins out pictures to a lower rate."""

    def __init__(self, fps: Fraction) -> None:
        self._fps = fps
        self._last = -1

    def lets_through(self, frame: av.VideoFrame) -> bool:
        """Whether this is the first picture in its place on the grid of the rate."""
        if frame.pts is None or not frame.time_base:
            return True
        place = int(frame.pts * frame.time_base * self._fps + Fraction(1, 1000))
        if place <= self._last:
            return False
        self._last = place
        return True


class VideoWorker:
    """Encodes pictures in a thread of its own."""

    def __init__(
        self,
        encoder: PictureEncoder,
        write: Write,
        *,
        stats: EncodeStats,
        fail: Fail,
        source_fps: Fraction | None = None,
    ) -> None:
        """``source_fps`` above the encoder's rate means that pictures have to be left out."""
        self._encoder = encoder
        self._write = write
        self._stats = stats
        self._fail = fail
        wanted = encoder.settings.fps
        self._gate = Gate(wanted) if source_fps is not None and source_fps > wanted else None
        self._frames: deque[av.VideoFrame] = deque()
        self._changed = threading.Condition()
        self._ending = False
        self._keyframe = False
        self._bitrate: int | None = None
        self._last: av.VideoFrame | None = None
        self._last_at = 0.0
        self._thread = threading.Thread(target=self._run, name="encode video", daemon=True)

    def start(self) -> None:
        """Begin to encode."""
        self._thread.start()

    def put(self, frame: av.VideoFrame) -> None:
        """Take a picture; when the encoder is behind, the oldest waiting one is given up."""
        if self._gate is not None and not self._gate.lets_through(frame):
            return
        with self._changed:
            self._stats.frames_captured += 1
            self._frames.append(frame)
            if len(self._frames) > MAX_PICTURES:
                self._frames.popleft()
                self._stats.frames_skipped += 1
            self._changed.notify()

    def request_keyframe(self) -> None:
        """Make the next picture an IDR. From any thread."""
        self._keyframe = True

    def change_bitrate(self, bitrate: int) -> None:
        """Encode at this bitrate from the next picture on. From any thread."""
        self._bitrate = bitrate

    def finish(self) -> None:
        """Encode what waits, flush, and end the thread."""
        with self._changed:
            self._ending = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        try:
            while (frame := self._next()) is not None:
                self._encode(frame)
                self._last, self._last_at = frame, time.monotonic()
            self._hand_on(self._encoder.flush())
        except EncoderError as error:
            self._fail(str(error))

    def _next(self) -> av.VideoFrame | None:
        """The next picture, or the last one again; ``None`` at the end."""
        with self._changed:
            while not self._frames and not self._ending:
                if not self._changed.wait(REPEAT) and self._last is not None:
                    return self._again(self._last)
            return self._frames.popleft() if self._frames else None

    def _again(self, frame: av.VideoFrame) -> av.VideoFrame:
        """The picture at the present time."""
        if frame.pts is not None and frame.time_base:
            elapsed = time.monotonic() - self._last_at
            frame.pts += max(1, round(elapsed / frame.time_base))
        return frame

    def _encode(self, frame: av.VideoFrame) -> None:
        if self._bitrate is not None:
            bitrate, self._bitrate = self._bitrate, None
            self._encoder.change_bitrate(bitrate)
            self._stats.target_bitrate = self._encoder.bitrate
        keyframe, self._keyframe = self._keyframe, False
        begun = time.perf_counter()
        packets = self._encoder.encode(frame, keyframe=keyframe)
        self._stats.encode_seconds += time.perf_counter() - begun
        self._hand_on(packets)

    def _hand_on(self, packets: list[Packet]) -> None:
        for packet in packets:
            self._stats.frames_encoded += 1
            self._stats.bytes_encoded += len(packet.data)
            self._write(packet)


class AudioWorker:
    """Encodes sound in a thread of its own, once for every codec that is wanted."""

    def __init__(
        self,
        encoders: Sequence[AudioEncoder],
        write: Write,
        *,
        stats: EncodeStats,
        fail: Fail,
        measured: bool = True,
    ) -> None:
        """``measured``: whether this is the sound whose level is shown."""
        self._measured = measured
        self._encoders = encoders
        self._write = write
        self._stats = stats
        self._fail = fail
        self._frames: deque[av.AudioFrame] = deque(maxlen=MAX_SOUND)
        self._changed = threading.Condition()
        self._ending = False
        self._thread = threading.Thread(target=self._run, name="encode audio", daemon=True)

    def start(self) -> None:
        """Begin to encode."""
        self._thread.start()

    def put(self, frame: av.AudioFrame) -> None:
        """Take some samples."""
        with self._changed:
            self._frames.append(frame)
            self._changed.notify()

    def finish(self) -> None:
        """Encode what waits, flush, and end the thread."""
        with self._changed:
            self._ending = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        try:
            while (frame := self._next()) is not None:
                if self._measured:
                    self._stats.audio_level = max(peak(frame), self._stats.audio_level * 0.9)
                self._encode(frame)
            for encoder in self._encoders:
                self._hand_on(encoder.flush())
        except EncoderError as error:
            self._fail(str(error))

    def _encode(self, frame: av.AudioFrame) -> None:
        pts, time_base = frame.pts, frame.time_base
        for encoder in self._encoders:
            frame.pts, frame.time_base = pts, time_base  # an encoder sets its own
            self._hand_on(encoder.encode(frame))

    def _next(self) -> av.AudioFrame | None:
        with self._changed:
            while not self._frames and not self._ending:
                self._changed.wait()
            return self._frames.popleft() if self._frames else None

    def _hand_on(self, packets: list[Packet]) -> None:
        for packet in packets:
            self._stats.bytes_encoded += len(packet.data)
            self._write(packet)


def peak(frame: av.AudioFrame) -> float:
    """Greatest amplitude, 0 to 1."""
    samples = frame.to_ndarray()
    if samples.size == 0:
        return 0.0
    if samples.dtype.kind == "f":
        return float(np.abs(samples).max())
    scale = float(2 ** (8 * samples.dtype.itemsize - 1))
    return float(np.abs(samples.astype(np.float32)).max() / scale)
