"""Lane: the viewers of a rendition that share one framing (HTTP chunks, WebSocket, plain)."""

from __future__ import annotations

from collections.abc import Callable

from gamecast.relay.viewer import Limits, Viewer

Framing = Callable[[bytes], bytes]
"""Wraps flushed bytes once for all viewers of a lane, e.g. as an HTTP/1.1 chunk."""


def plain(data: bytes) -> bytes:
    """No framing: the bytes as the packager made them."""
    return data


class Lane:
    """Writes each flush to every viewer: one function call per viewer, the same bytes object.

    Viewers that keep up sit in a flat list of write functions; the few that are full or wait for a
    group sit apart, so that the common path has no test per viewer.
    """

    def __init__(self, frame: Framing, *, limits: Limits) -> None:
        self._frame = frame
        self._limits = limits
        self._viewers: dict[Viewer, None] = {}
        self._slow: dict[Viewer, None] = {}
        self._writers: list[Callable[[bytes], None]] | None = []
        self._group: list[bytes] = []
        self.sent_bytes = 0
        """Bytes offered to a viewer that was there from the start."""

    def __len__(self) -> int:
        return len(self._viewers)

    @property
    def viewers(self) -> list[Viewer]:
        """The viewers now in the lane."""
        return list(self._viewers)

    def seed(self, group: list[bytes]) -> None:
        """Start a new lane with what the current group has so far (unframed)."""
        self._group = [self._frame(b"".join(group))] if group else []

    def join(self, viewer: Viewer, header: bytes, header_version: int) -> None:
        """Add a viewer: the header and the current group at once, then every flush.

        The group goes in the pieces that all others have: a copy for each viewer, megabytes of it,
        would wait in our memory until the viewer has read it, and a crowd comes all at once.
        """
        viewer.header_version = header_version
        viewer.base_bytes = self.sent_bytes
        viewer.on_full = lambda: self._reconsider(viewer)
        self._viewers[viewer] = None
        self._writers = None
        burst = [self._frame(header), *self._group] if header else list(self._group)
        viewer.base_bytes -= sum(map(len, burst))
        if burst:
            viewer.sink.write_burst(burst)
        if not self._group:
            viewer.dropping = True
            self._reconsider(viewer)

    def leave(self, viewer: Viewer) -> None:
        """Take a viewer out; harmless when it is not there."""
        self._viewers.pop(viewer, None)
        self._slow.pop(viewer, None)
        self._writers = None
        viewer.on_full = lambda: None

    def push(self, data: bytes, *, starts_group: bool, header: bytes, header_version: int) -> None:
        """Frame ``data`` once and write it to all.

        ``header`` is what a viewer needs first when it resumes after the header has changed.
        """
        framed = self._frame(data)
        if starts_group:
            self._group = [framed]
        elif self._group:
            self._group.append(framed)
        self.sent_bytes += len(framed)
        if self._slow:
            self._push_slow(framed, starts_group, header, header_version)
        writers = self._writers
        if writers is None:
            writers = self._writers = [v.sink.write for v in self._viewers if v not in self._slow]
        for write in writers:
            write(framed)

    def interject(self, data: bytes, header_version: int) -> None:
        """Bytes for those who are reading now and that no group replay needs (a new header).

        None in a format whose groups begin with all that is needed: an HTTP chunk of no bytes
        would be the last one.
        """
        self._group = []
        framed = self._frame(data) if data else b""
        self.sent_bytes += len(framed)
        for viewer in list(self._viewers):
            if viewer.dropping:
                viewer.dropped_bytes += len(framed)
                continue
            viewer.header_version = header_version
            if framed:
                viewer.sink.write(framed)

    def finish(self, reason: str) -> None:
        """End every viewer in its protocol's way."""
        for viewer in list(self._viewers):
            viewer.sink.finish(reason)

    def reap(self, now: float) -> None:
        """Close viewers that are full and take nothing, or have been full for too long."""
        for viewer in [viewer for viewer in self._slow if viewer.full]:
            backlog = viewer.sink.backlog()
            if backlog < viewer.last_backlog:
                viewer.drained_at = now
            viewer.last_backlog = backlog
            if now - viewer.drained_at > self._limits.stalled_seconds:
                viewer.sink.finish("stopped reading")
            elif now - viewer.full_since > self._limits.slow_seconds:
                viewer.sink.finish("reads too slowly")

    def _reconsider(self, viewer: Viewer) -> None:
        if viewer not in self._viewers:
            return
        if viewer.full or viewer.dropping:
            self._slow[viewer] = None
        else:
            self._slow.pop(viewer, None)
        self._writers = None

    def _push_slow(
        self, framed: bytes, starts_group: bool, header: bytes, header_version: int
    ) -> None:
        for viewer in list(self._slow):
            if starts_group:
                self._start_group(viewer, header, header_version)
                if not viewer.dropping and not viewer.full:
                    continue  # back among those that keep up
            if viewer.dropping:
                viewer.dropped_bytes += len(framed)
            elif viewer.sink.backlog() > self._limits.hard_bytes:
                viewer.sink.finish("too slow for one group")
            else:
                viewer.sink.write(framed)

    def _start_group(self, viewer: Viewer, header: bytes, header_version: int) -> None:
        if viewer.full:
            viewer.dropping = True
            viewer.dropped_groups += 1
            return
        viewer.dropping = False
        if viewer.header_version != header_version:
            viewer.header_version = header_version
            viewer.sink.write(self._frame(header))
        self._reconsider(viewer)
