"""Directory: which streams are on air, and who may replace whom."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gamecast.relay.publisher import Publisher
from gamecast.relay.stream import Clocks, Ingest, Stream, StreamEvent, StreamLimits


class Busy(Exception):
    """Another publisher, with another key, is on air under this name."""


Listener = Callable[[Stream, StreamEvent], None]


class Directory:
    """Names to streams. Everything that happens to a stream is told to listeners, once."""

    def __init__(self, *, clocks: Clocks, limits: StreamLimits) -> None:
        self._clocks = clocks
        self._limits = limits
        self._streams: dict[str, Stream] = {}
        self._listeners: list[Listener] = []

    def __iter__(self) -> Iterator[Stream]:
        """Streams that viewers can have now."""
        return (stream for stream in self.all() if stream.ready)

    def get(self, name: str) -> Stream | None:
        """The stream of this name if viewers can have it now."""
        stream = self._streams.get(name)
        return stream if stream is not None and stream.ready else None

    def publishing(self, name: str) -> Stream | None:
        """The stream of this name even while its first packets are still coming."""
        return self._streams.get(name)

    def all(self) -> list[Stream]:
        """Every stream, also those whose first packets are still coming."""
        return list(self._streams.values())

    def publish(self, name: str, *, title: str, publisher: Publisher) -> Ingest:
        """Put a publisher on air under a name.

        A stream whose publisher is gone is resumed; one that has a publisher with the same
        credential is taken over at once; otherwise raises :class:`Busy`.
        """
        stream = self._streams.get(name)
        if stream is None:
            stream = Stream(
                name, title=title, clocks=self._clocks, limits=self._limits, notify=self._notify
            )
            self._streams[name] = stream
        elif not stream.may_take_over(publisher):
            raise Busy(name)
        stream.title = title
        return stream.attach(publisher)

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call ``listener`` on every event; the returned function stops that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def tick(self) -> None:
        """Once a second: grace times, idle renditions, stalled viewers."""
        for stream in self.all():
            stream.tick()

    def close(self, reason: str) -> None:
        """End every stream (the server stops)."""
        for stream in self.all():
            stream.end(reason)

    def _notify(self, stream: Stream, event: StreamEvent) -> None:
        if event is StreamEvent.ENDED and self._streams.get(stream.name) is stream:
            del self._streams[stream.name]
        for listener in list(self._listeners):
            listener(stream, event)
