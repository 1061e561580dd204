"""Message streams: what ``createStream`` makes and ``publish`` and ``play`` use."""

from __future__ import annotations

from dataclasses import dataclass, field

from gamecast.protocols.rtmp.errors import RtmpProtocolError
from gamecast.protocols.rtmp.events import MessageReceived
from gamecast.protocols.rtmp.states import StreamEvent, StreamState, next_state


@dataclass(slots=True)
class MessageStream:
    """One message stream of a connection."""

    id: int
    state: StreamState = StreamState.IDLE
    name: str = field(default="", repr=False)
    """As the client sent it, its query included."""
    reset: bool = True
    wants_audio: bool = True
    wants_video: bool = True
    active_since: float = 0.0
    """When it was accepted."""
    has_media: bool = False
    held: list[MessageReceived] = field(default_factory=list, repr=False)
    held_size: int = 0

    def apply(self, event: StreamEvent) -> bool:
        """Go where ``states.py`` says; False, and nothing happens, where it has no such row."""
        state = next_state(self.state, event)
        if state is None:
            return False
        self.state = state
        if state is StreamState.IDLE:
            self.held, self.held_size = [], 0
            self.has_media = False
            self.wants_audio = self.wants_video = True
        return True

    def hold(self, message: MessageReceived, limit: int) -> None:
        """Keep media that comes before ``publish`` is answered; some encoders do not wait."""
        self.held_size += len(message.payload) + 64
        if self.held_size > limit:
            raise RtmpProtocolError("too much media before publishing was accepted")
        self.held.append(message)

    def take_held(self) -> list[MessageReceived]:
        """What was held; nothing is any more."""
        held, self.held, self.held_size = self.held, [], 0
        return held


class StreamTable:
    """The message streams of one connection, at most ``limit`` of them."""

    __slots__ = ("_limit", "_streams", "publishing")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._streams: dict[int, MessageStream] = {}
        self.publishing: dict[int, MessageStream] = {}
        """Those whose publishing was accepted: the look-up of the media path."""

    def create(self) -> MessageStream | None:
        """A new stream with the lowest free id, from 1; None where there are too many.

        The first is therefore always 1, on which shared media for players is made.
        """
        if len(self._streams) >= self._limit:
            return None
        stream_id = next(n for n in range(1, self._limit + 1) if n not in self._streams)
        stream = self._streams[stream_id] = MessageStream(stream_id)
        return stream

    def get(self, stream_id: int) -> MessageStream | None:
        """The stream with this id, if there is one."""
        return self._streams.get(stream_id)

    def delete(self, stream_id: int) -> None:
        """Forget a stream."""
        self._streams.pop(stream_id, None)
        self.publishing.pop(stream_id, None)

    def apply(self, stream: MessageStream, event: StreamEvent) -> bool:
        """``stream.apply(event)``, keeping ``publishing`` true."""
        allowed = stream.apply(event)
        if stream.state is StreamState.PUBLISHING:
            self.publishing[stream.id] = stream
        else:
            self.publishing.pop(stream.id, None)
        return allowed

    def find_publisher(self, name: str) -> MessageStream | None:
        """The stream that publishes (or asks to publish) ``name``, or the only one that does."""
        wanted = (StreamState.PUBLISHING, StreamState.PUBLISH_REQUESTED)
        found = [stream for stream in self._streams.values() if stream.state in wanted]
        named = [stream for stream in found if stream.name == name]
        if named:
            return named[0]
        return found[0] if len(found) == 1 else None

    @property
    def any_active(self) -> bool:
        """Whether any stream publishes, plays or waits for our answer."""
        return any(stream.state is not StreamState.IDLE for stream in self._streams.values())
