"""FileDestination: records the encoded packets, without a second encode.

The file is whole at any moment up to its last fragment, so a crash or a full disk costs seconds,
not the recording. A slow disk has a queue of its own and never holds up the encoder.
"""

from __future__ import annotations

import errno
import queue
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import av

from gamecast.client.push.containers import WRITERS
from gamecast.client.push.destination import Metadata
from gamecast.client.push.stats import DestinationStats, State
from gamecast.client.push.target import FileTarget
from gamecast.media.packet import Packet
from gamecast.media.track import Kind, Track

MAX_QUEUED = 4096
"""Packets waiting for the disk: about a minute."""


class FileDestination:
    """Writes one file in a thread of its own."""

    def __init__(self, target: FileTarget, *, on_change: Callable[[], None]) -> None:
        self.stats = DestinationStats(target.shown)
        self._target = target
        self._on_change = on_change
        self._packets: queue.Queue[Packet | None] = queue.Queue(MAX_QUEUED)
        self._tracks: Sequence[Track] = ()
        self._thread = threading.Thread(target=self._run, name="record", daemon=True)

    def start(self, tracks: Sequence[Track], metadata: Metadata) -> None:
        """Open the file."""
        self._tracks = tracks
        self._thread.start()

    def write(self, packet: Packet) -> None:
        """Take one packet; if the disk is minutes behind, the recording ends there."""
        if self.stats.state in (State.ENDED, State.FAILED):
            return
        try:
            self._packets.put_nowait(packet)
        except queue.Full:
            self._fail(f"cannot write {self._target.path}: the disk is too slow")

    def finish(self, timeout: float) -> None:
        """Write what waits and close the file."""
        if self._thread.is_alive():
            with suppress(queue.Full):
                self._packets.put(None, timeout=timeout)
            self._thread.join(timeout)
            if self._thread.is_alive():
                self._fail(f"cannot write {self._target.path}: the disk is too slow")

    def _run(self) -> None:
        try:
            with self._target.path.open("wb") as file:
                self._change(State.LIVE)
                self._record(file)
            # Only now is everything with the system: closing writes what was buffered.
            if self.stats.state is State.LIVE:
                self.stats.served_to_end = True
                self._change(State.ENDED)
        except (OSError, av.FFmpegError, ValueError) as error:
            self._fail(describe(self._target.path, error))

    def _record(self, file: BinaryIO) -> None:
        writer = WRITERS[self._target.container](file, self._tracks)
        start = Start(self._tracks)
        while self.stats.state is State.LIVE and (packet := self._packets.get()) is not None:
            moved = start.move(packet)
            if moved is None:
                continue
            writer.write(moved)
            self.stats.frames_sent += packet.is_video
            self.stats.bytes_sent += len(packet.data)
        writer.finish()

    def _fail(self, problem: str) -> None:
        self.stats.problem = problem
        self._change(State.FAILED)

    def _change(self, state: State) -> None:
        self.stats.state = state
        self._on_change()


class Start:
    """Lets a recording begin at any time: with a keyframe, at zero."""

    def __init__(self, tracks: Sequence[Track]) -> None:
        self._has_video = any(track.kind is Kind.VIDEO for track in tracks)
        self._base: float | None = None

    def move(self, packet: Packet) -> Packet | None:
        """The packet on the recording's own clock; ``None`` before its beginning."""
        if self._base is None:
            if self._has_video and not (packet.is_video and packet.keyframe):
                return None
            self._base = packet.dts / packet.track.clock_rate
        if self._base == 0:
            return packet
        ticks = round(self._base * packet.track.clock_rate)
        if packet.dts < ticks:
            return None
        return replace(packet, dts=packet.dts - ticks, pts=packet.pts - ticks)


def describe(path: Path, error: Exception) -> str:
    """One line for the user."""
    reason = getattr(error, "strerror", None) or str(error)
    if isinstance(error, FileNotFoundError):
        reason = f"there is no folder {path.absolute().parent}"
    elif getattr(error, "errno", None) == errno.ENOSPC:
        reason += "; what was written before plays"
    return f"cannot write {path}: {reason}"
