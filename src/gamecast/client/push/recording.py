"""FileDestination: records the encoded packets, without a second encode.

The file is whole at any moment up to its last fragment, so a crash or a full disk costs seconds,
not the recording. A slow disk has a queue of its own and never holds up the encoder.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO, Protocol

from gamecast.client.push.stats import DestinationStats, State
from gamecast.client.push.target import FileTarget
from gamecast.media.containers.flv.writer import TagWriter
from gamecast.media.packet import Packet
from gamecast.media.track import Track

MAX_QUEUED = 4096
"""Packets waiting for the disk: about a minute."""


class Writer(Protocol):
    """One container format."""

    def write(self, packet: Packet) -> bytes:
        """Bytes to append to the file; may be empty."""

    def finish(self) -> bytes:
        """The last bytes."""


class FlvWriter:
    """FLV: a tag per packet."""

    def __init__(self, tracks: Sequence[Track]) -> None:
        self._writer = TagWriter(tracks, extra={"encoder": "Gamecast"})
        head = [
            self._writer.header(),
            *[TagWriter.tag(*message) for message in self._writer.sequence_headers(0)],
        ]
        self._head = b"".join(head)

    def write(self, packet: Packet) -> bytes:
        """One tag, with the file's header before the first."""
        head, self._head = self._head, b""
        return head + TagWriter.tag(*self._writer.message(packet))

    def finish(self) -> bytes:
        """Nothing: an FLV file just ends."""
        return b""


WRITERS: dict[str, Callable[[Sequence[Track]], Writer]] = {"flv": FlvWriter}
"""By FFmpeg's names of the containers, as ``target.RECORDINGS`` has them."""


class FileDestination:
    """Writes one file in a thread of its own."""

    def __init__(self, target: FileTarget, *, on_change: Callable[[], None]) -> None:
        self.stats = DestinationStats(target.shown)
        self._target = target
        self._on_change = on_change
        self._packets: queue.Queue[Packet | None] = queue.Queue(MAX_QUEUED)
        self._tracks: Sequence[Track] = ()
        self._thread = threading.Thread(target=self._run, name="record", daemon=True)

    def start(self, tracks: Sequence[Track]) -> None:
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
            self._fail("the disk is too slow")

    def finish(self, timeout: float) -> None:
        """Write what waits and close the file."""
        if self._thread.is_alive():
            self._packets.put(None)
            self._thread.join(timeout)

    def _run(self) -> None:
        try:
            with self._target.path.open("wb") as file:
                self._change(State.LIVE)
                self._record(file)
        except OSError as error:
            self._fail(describe(self._target.path, error))

    def _record(self, file: BinaryIO) -> None:
        writer = WRITERS[self._target.container](self._tracks)
        while self.stats.state is State.LIVE and (packet := self._packets.get()) is not None:
            self._append(file, writer.write(packet))
            self.stats.frames_sent += packet.is_video
        self._append(file, writer.finish())
        if self.stats.state is State.LIVE:
            self.stats.served_to_end = True
            self._change(State.ENDED)

    def _append(self, file: BinaryIO, data: bytes) -> None:
        if data:
            file.write(data)
            self.stats.bytes_sent += len(data)

    def _fail(self, problem: str) -> None:
        self.stats.problem = problem
        self._change(State.FAILED)

    def _change(self, state: State) -> None:
        self.stats.state = state
        self._on_change()


def describe(path: Path, error: OSError) -> str:
    """One line for the user."""
    return f"cannot write {path}: {error.strerror or error}"
