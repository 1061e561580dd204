"""What the connections report. Past tense: it has happened; bytes to send are fetched separately.

Whatever may carry a stream key (names, queries, URLs) is left out of every ``repr``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(slots=True)
class MessageReceived:
    """An audio (8), video (9) or data (18) message: the media hot path.

    ``payload`` is exactly the body of an FLV tag of the same type: AMF3 data messages (15) become
    18, and the ``@setDataFrame`` before metadata is gone. ``timestamp`` is in milliseconds modulo
    2^32.
    """

    type_id: int
    stream_id: int
    timestamp: int
    payload: bytes = field(repr=False)


@dataclass(slots=True, kw_only=True)
class ConnectReceived:
    """A client connected to an application (RTMP 1.0 section 7.2.1.1).

    Answer with ``accept_connect`` or ``reject_connect`` unless the connection does so by itself.
    """

    app: str = field(repr=False)
    """Without slashes around it and without its query."""
    query: dict[str, str] = field(repr=False)
    """Of ``app`` or, where that has none, of ``tc_url``."""
    tc_url: str = field(repr=False)
    flash_ver: str
    """The client's software, as it says itself, for example ``FMLE/3.0 (compatible; Lavf59)``."""
    swf_url: str = field(repr=False)
    page_url: str = field(repr=False)
    four_cc_list: list[str]
    """Enhanced RTMP codecs that the client names; ``*`` for all."""
    video_four_cc_info: dict[str, int]
    audio_four_cc_info: dict[str, int]
    """FourCC to 1 (decodes), 2 (encodes), 4 (forwards), or a sum of these."""
    caps_ex: int
    """Enhanced RTMP: 1 (reconnect request), 2 (multitrack), 4 (ModEx), 8 (nanoseconds)."""
    object_encoding: int
    """0 or 3 (AMF3)."""

    def decodes(self, four_cc: str) -> bool:
        """Whether the client says that it can do with this codec (Enhanced RTMP)."""
        known = {*self.four_cc_list, *self.audio_four_cc_info, *self.video_four_cc_info}
        return four_cc in known or "*" in known


@dataclass(slots=True, kw_only=True)
class PublishRequested:
    """A client wants to publish; answer with ``accept_publish`` or ``reject_publish``."""

    stream_id: int
    app: str = field(repr=False)
    name: str = field(repr=False)
    """Without its query. May itself be a stream key."""
    query: dict[str, str] = field(repr=False)
    publish_type: str
    """``live``, ``record`` or ``append``."""


@dataclass(slots=True, kw_only=True)
class PlayRequested:
    """A client wants to watch; answer with ``accept_play`` or ``reject_play``."""

    stream_id: int
    app: str = field(repr=False)
    name: str = field(repr=False)
    query: dict[str, str] = field(repr=False)
    start: float = -2.0
    """Seconds; -1 live only, -2 live or else recorded (RTMP 1.0 section 7.2.2.1)."""
    duration: float = -1.0
    """Seconds; -1 to the end."""
    reset: bool = True


@dataclass(slots=True)
class PublishStopped:
    """The publisher said that it is done (FCUnpublish, closeStream, deleteStream).

    A publisher that vanishes does not say so: then only ``PeerClosed`` or ``ConnectionTimedOut``
    comes, and a grace time makes sense.
    """

    stream_id: int


@dataclass(slots=True)
class PlayStopped:
    """The player closed or deleted its stream."""

    stream_id: int


@dataclass(slots=True)
class PlayPaused:
    """The player paused; send no media until ``PlayResumed``."""

    stream_id: int
    at: float
    """The player's position in milliseconds."""


@dataclass(slots=True)
class PlayResumed:
    """The player goes on after a pause."""

    stream_id: int
    at: float


@dataclass(slots=True)
class TracksSelected:
    """receiveAudio or receiveVideo: what of a stream the player wants from now on."""

    stream_id: int
    audio: bool
    video: bool


@dataclass(slots=True)
class PeerClosed:
    """The peer's bytes have ended; everything on this connection is over."""


@dataclass(slots=True)
class ConnectionTimedOut:
    """A deadline passed; close the connection."""

    reason: str


@dataclass(slots=True)
class ConnectSucceeded:
    """The server accepted ``connect``; publish and play follow by themselves if asked for."""

    properties: dict[str, object] = field(repr=False)
    """The server's own: ``fmsVer``, ``capsEx``, ``fourCcList`` ..."""


@dataclass(slots=True)
class ConnectRejected:
    """The server refused ``connect``; close the connection."""

    code: str
    description: str = field(repr=False)
    redirect: str | None = field(default=None, repr=False)
    """Where to connect instead, if the server says so."""


@dataclass(slots=True)
class PublishStarted:
    """The server takes media on this stream now."""

    stream_id: int


@dataclass(slots=True)
class PublishRejected:
    """The server refused to publish, or stopped an accepted stream."""

    code: str
    description: str = field(repr=False)


@dataclass(slots=True)
class PlayStarted:
    """The server will send this stream."""

    stream_id: int


@dataclass(slots=True)
class PlayRejected:
    """The server refused to play."""

    code: str
    description: str = field(repr=False)


@dataclass(slots=True)
class PlayEnded:
    """The server said that there is no more (stream EOF, NetStream.Play.Stop or .Complete)."""

    stream_id: int


@dataclass(slots=True)
class ReconnectRequested:
    """Enhanced RTMP v2: go on until a keyframe, then connect again.

    ``tc_url`` is absolute or relative to the present one; None means the present one.
    """

    tc_url: str | None = field(repr=False)
    description: str = ""


@dataclass(slots=True)
class StatusReceived:
    """Any other ``onStatus`` of the server."""

    stream_id: int
    level: str
    code: str
    description: str = field(repr=False)


ServerEvent: TypeAlias = (
    ConnectReceived
    | PublishRequested
    | PlayRequested
    | MessageReceived
    | PublishStopped
    | PlayStopped
    | PlayPaused
    | PlayResumed
    | TracksSelected
    | PeerClosed
    | ConnectionTimedOut
)
ClientEvent: TypeAlias = (
    ConnectSucceeded
    | ConnectRejected
    | PublishStarted
    | PublishRejected
    | PlayStarted
    | PlayRejected
    | PlayEnded
    | MessageReceived
    | ReconnectRequested
    | StatusReceived
    | PeerClosed
    | ConnectionTimedOut
)
