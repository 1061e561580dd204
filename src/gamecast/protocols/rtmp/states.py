"""The states of a connection and of its message streams, as tables.

Rules, in the order in which a session meets them:

- a connection shakes hands, then its only command is ``connect``, then all others are allowed;
- a message stream (``createStream``) is idle until ``publish`` or ``play``, of which it does one
  at a time, and only once we have accepted it;
- a second ``publish`` or ``play`` on a stream that is not idle is refused and changes nothing,
  except that a player may ``play`` something else (RTMP 1.0 section 7.2.2.1);
- ``closeStream`` makes any stream idle again; ``deleteStream`` ends it.

An event that has no row in a table is not allowed in that state: the caller says so to the peer.
"""

from __future__ import annotations

from enum import Enum, auto


class ConnectionState(Enum):
    """Where a connection as a whole is."""

    HANDSHAKING = auto()
    CONNECTING = auto()
    """Handshake done, ``connect`` not yet seen (server) or not yet answered (both)."""
    DECIDING = auto()
    """Server: ``connect`` is with the application."""
    CONNECTED = auto()
    CLOSED = auto()


class StreamState(Enum):
    """What a message stream does."""

    IDLE = auto()
    PUBLISH_REQUESTED = auto()
    PUBLISHING = auto()
    PLAY_REQUESTED = auto()
    PLAYING = auto()


class StreamEvent(Enum):
    """What happens to a message stream."""

    PUBLISH = auto()
    PLAY = auto()
    ACCEPT_PUBLISH = auto()
    ACCEPT_PLAY = auto()
    REJECT = auto()
    CLOSE = auto()


_S, _E = StreamState, StreamEvent

STREAM_TRANSITIONS: dict[tuple[StreamState, StreamEvent], StreamState] = {
    (_S.IDLE, _E.PUBLISH): _S.PUBLISH_REQUESTED,
    (_S.PUBLISH_REQUESTED, _E.ACCEPT_PUBLISH): _S.PUBLISHING,
    (_S.PUBLISH_REQUESTED, _E.REJECT): _S.IDLE,
    (_S.PUBLISHING, _E.REJECT): _S.IDLE,
    (_S.IDLE, _E.PLAY): _S.PLAY_REQUESTED,
    (_S.PLAYING, _E.PLAY): _S.PLAY_REQUESTED,
    (_S.PLAY_REQUESTED, _E.ACCEPT_PLAY): _S.PLAYING,
    (_S.PLAY_REQUESTED, _E.REJECT): _S.IDLE,
    (_S.PLAYING, _E.REJECT): _S.IDLE,
} | {(state, _E.CLOSE): _S.IDLE for state in StreamState}


def next_state(state: StreamState, event: StreamEvent) -> StreamState | None:
    """The state after ``event``, or None where it is not allowed in ``state``."""
    return STREAM_TRANSITIONS.get((state, event))
