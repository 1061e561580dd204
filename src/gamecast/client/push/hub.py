"""Hub: one encode, several destinations.

It sets the zero of the stream's timestamps at the first keyframe, and lets sound wait for the
pictures it belongs to, so that every destination gets packets in the order of their time. The
pictures themselves never wait.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence

from gamecast.media.packet import Packet

MAX_WAIT = 3.0
"""Seconds of sound held back at most while no picture comes."""

Write = Callable[[Packet], None]


class Hub:
    """Hands each packet to all destinations; called from the encoders' threads."""

    def __init__(self, outputs: Sequence[Write], *, has_video: bool) -> None:
        """``has_video``: the stream begins with a keyframe, else with its first packet."""
        self._outputs = list(outputs)
        self._has_video = has_video
        self._lock = threading.Lock()
        self._base: float | None = None
        self._waiting: deque[Packet] = deque()
        self._video_time = 0.0
        self._ended = False

    def write(self, packet: Packet) -> None:
        """Take one packet from an encoder or a demuxer. Its timestamps are changed in place."""
        with self._lock:
            if self._ended:
                return
            if packet.is_video:
                self._write_video(packet)
            else:
                self._write_audio(packet)

    def add(self, output: Write) -> None:
        """One more output, from the next packet on."""
        with self._lock:
            self._outputs.append(output)

    def remove(self, output: Write) -> None:
        """No more packets for this one."""
        with self._lock:
            self._outputs.remove(output)

    def finish(self) -> None:
        """Hand out the sound that still waits; what comes later is dropped."""
        with self._lock:
            if self._base is not None:
                self._release(float("inf"))
            self._ended = True

    def _write_video(self, packet: Packet) -> None:
        if self._base is None:
            if not packet.keyframe:
                return
            self._base = packet.dts / packet.track.clock_rate
        self._shift(packet)
        self._video_time = packet.dts / packet.track.clock_rate
        self._release(self._video_time)
        self._send(packet)

    def _write_audio(self, packet: Packet) -> None:
        if not self._has_video:
            if self._base is None:
                self._base = packet.dts / packet.track.clock_rate
            self._shift(packet)
            self._send(packet)
            return
        self._waiting.append(packet)
        oldest = self._waiting[0]
        if (packet.dts - oldest.dts) / packet.track.clock_rate > MAX_WAIT:
            if self._base is None:
                self._waiting.popleft()
            else:
                self._release(self._audio_time(packet) - MAX_WAIT)
        elif self._base is not None:
            self._release(self._video_time)

    def _release(self, until: float) -> None:
        """Send the sound that is due by ``until`` seconds of the stream's time."""
        while self._waiting and self._audio_time(self._waiting[0]) <= until:
            packet = self._waiting.popleft()
            self._shift(packet)
            if packet.dts >= 0:
                self._send(packet)

    def _audio_time(self, packet: Packet) -> float:
        return packet.dts / packet.track.clock_rate - (self._base or 0.0)

    def _shift(self, packet: Packet) -> None:
        base = round((self._base or 0.0) * packet.track.clock_rate)
        packet.dts -= base
        packet.pts -= base

    def _send(self, packet: Packet) -> None:
        for output in self._outputs:
            output(packet)
