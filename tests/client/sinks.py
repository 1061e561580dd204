"""A sink that keeps what a source delivers."""

from __future__ import annotations

import threading
from typing import TypeVar

import av

from gamecast.media.packet import Packet

T = TypeVar("T")


class Recorder:
    """Implements ``capture.source.Sink``."""

    def __init__(self) -> None:
        self.video_frames: list[av.VideoFrame] = []
        self.audio_frames: list[av.AudioFrame] = []
        self.packets: list[Packet] = []
        self.missed_frames = 0
        self.errors: list[str | None] = []
        self._changed = threading.Condition()

    def video(self, frame: av.VideoFrame) -> None:
        self._add(self.video_frames, frame)

    def audio(self, frame: av.AudioFrame) -> None:
        self._add(self.audio_frames, frame)

    def packet(self, packet: Packet) -> None:
        self._add(self.packets, packet)

    def missed(self, frames: int) -> None:
        self.missed_frames += frames

    def ended(self, error: str | None) -> None:
        self._add(self.errors, error)

    def wait_for(
        self, *, video: int = 0, audio: int = 0, packets: int = 0, end: bool = False
    ) -> None:
        """Wait until at least this much has come."""

        def enough() -> bool:
            return (
                len(self.video_frames) >= video
                and len(self.audio_frames) >= audio
                and len(self.packets) >= packets
                and (not end or bool(self.errors))
            )

        with self._changed:
            assert self._changed.wait_for(enough, timeout=15), vars(self)

    def _add(self, kept: list[T], item: T) -> None:
        with self._changed:
            kept.append(item)
            self._changed.notify_all()
