"""What the video and the audio half of a ``TagReader`` share."""

from __future__ import annotations

from gamecast.media.track import Kind

MAX_TRACKS = 16
_FIRST = {Kind.VIDEO: 0, Kind.AUDIO: 1}


class Numbers:
    """Hands out track ids: 0 to the first video, 1 to the first audio, then 2, 3 and so on."""

    __slots__ = ("_next", "_used")

    def __init__(self) -> None:
        self._used: set[int] = set()
        self._next = 2

    def allocate(self, kind: Kind) -> int | None:
        """An id for one more track, or ``None`` where there are ``MAX_TRACKS`` already."""
        if len(self._used) >= MAX_TRACKS:
            return None
        id = _FIRST[kind]
        if id in self._used:
            id = self._next
            self._next += 1
        self._used.add(id)
        return id
