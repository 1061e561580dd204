"""Live numbers for pages: two kinds of feed, what is on air and one stream."""

from __future__ import annotations

from starlette.types import Scope

from gamecast.relay.directory import Directory
from gamecast.relay.stream import Clocks, Stream, StreamEvent
from gamecast.server.http.sse import Feed, event
from gamecast.server.http.views import describe_stream, timestamp

_NOTICES = {
    StreamEvent.PUBLISHER_LOST,
    StreamEvent.PUBLISHER_BACK,
    StreamEvent.TRACKS_CHANGED,
    StreamEvent.ENDED,
}
_MOST_FEEDS = 10_000


class LiveFeeds:
    """Tells pages at once what changes, and the numbers every other second."""

    def __init__(self, directory: Directory, clocks: Clocks) -> None:
        self._directory = directory
        self._clocks = clocks
        self._all = Feed()
        self._streams: dict[str, Feed] = {}
        self._even = False
        self._stop_listening = directory.listen(self._happened)

    def serve_all(self, scope: Scope) -> None:
        """Answer ``GET /api/v1/live``."""
        self._all.serve(scope, self._all_event())

    def serve_stream(self, scope: Scope, name: str) -> None:
        """Answer ``GET /api/v1/streams/{name}/live``, on air or not."""
        feed = self._streams.get(name)
        if feed is None:
            if len(self._streams) >= _MOST_FEEDS:
                self._forget_empty()
            feed = self._streams[name] = Feed()
        feed.serve(scope, self._stream_event(name))

    def tick(self) -> None:
        """Once a second."""
        self._even = not self._even
        if self._even:
            return
        if self._all:
            self._all.send(self._all_event())
        self._forget_empty()
        for name, feed in self._streams.items():
            if self._directory.get(name) is not None:
                feed.send(self._stream_event(name))
            else:
                feed.send(b": idle\n\n")

    def close(self) -> None:
        """End all feeds."""
        self._stop_listening()
        for feed in [self._all, *self._streams.values()]:
            feed.close()

    def _happened(self, stream: Stream, what: StreamEvent) -> None:
        if self._all:
            self._all.send(self._all_event())
        feed = self._streams.get(stream.name)
        if feed is None:
            return
        if what in _NOTICES:
            notice = {"code": what.value, "at": timestamp(self._clocks.wall())}
            feed.send(event("notice", notice))
        feed.send(self._stream_event(stream.name))

    def _forget_empty(self) -> None:
        for name in [name for name, feed in self._streams.items() if not feed]:
            del self._streams[name]

    def _now(self) -> str:
        return timestamp(self._clocks.wall())

    def _all_event(self) -> bytes:
        items = [describe_stream(stream) for stream in self._directory]
        return event("streams", {"now": self._now(), "items": items})

    def _stream_event(self, name: str) -> bytes:
        stream = self._directory.get(name)
        described = describe_stream(stream) if stream is not None else None
        return event("stream", {"now": self._now(), "stream": described})
