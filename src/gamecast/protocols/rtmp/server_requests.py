"""What a client asks of a server, command by command."""

from __future__ import annotations

from collections.abc import Callable

from gamecast.protocols.rtmp.capabilities import (
    parse_flags,
    parse_four_cc_list,
    parse_info_map,
)
from gamecast.protocols.rtmp.commands import Command, finite, text
from gamecast.protocols.rtmp.errors import RtmpProtocolError
from gamecast.protocols.rtmp.events import (
    ConnectReceived,
    PlayPaused,
    PlayRequested,
    PlayResumed,
    PlayStopped,
    PublishRequested,
    PublishStopped,
    ServerEvent,
    TracksSelected,
)
from gamecast.protocols.rtmp.limits import RtmpLimits
from gamecast.protocols.rtmp.names import NameRefused, parse_name, parse_query, url_query
from gamecast.protocols.rtmp.server_replies import ServerReplies
from gamecast.protocols.rtmp.states import ConnectionState, StreamEvent, StreamState
from gamecast.protocols.rtmp.streams import MessageStream, StreamTable

_SHORT = 256
_FAILED = "NetConnection.Call.Failed"


class ServerRequests:
    """Turns commands into events, and answers those that need no decision of the application."""

    __slots__ = (
        "_handlers",
        "_limits",
        "_replies",
        "_streams",
        "app",
        "connect_id",
        "object_encoding",
        "state",
    )

    def __init__(self, replies: ServerReplies, streams: StreamTable, limits: RtmpLimits) -> None:
        self._replies = replies
        self._streams = streams
        self._limits = limits
        self.state = ConnectionState.CONNECTING
        self.app = ""
        self.connect_id = 1.0
        """The transaction id of ``connect``, for its answer."""
        self.object_encoding = 0
        self._handlers: dict[str, Callable[[Command, int], list[ServerEvent]]] = {
            "createStream": self._create_stream,
            "deleteStream": self._delete_stream,
            "closeStream": self._close_stream,
            "publish": self._publish,
            "FCUnpublish": self._fc_unpublish,
            "play": self._play,
            "play2": self._play2,
            "pause": self._pause,
            "pauseRaw": self._pause,
            "seek": self._seek,
            "receiveAudio": self._receive_audio,
            "receiveVideo": self._receive_video,
            "FCSubscribe": self._fc_subscribe,
            "getStreamLength": self._get_stream_length,
            "releaseStream": self._acknowledge,
            "FCPublish": self._acknowledge,
            "FCUnsubscribe": self._acknowledge,
            "_checkbw": self._acknowledge,
        }

    def receive_command(self, command: Command, stream_id: int) -> list[ServerEvent]:
        """Handle one command that came on message stream ``stream_id`` (0 is the connection).

        Raises :class:`RtmpProtocolError` where the connection cannot go on.
        """
        if command.name in ("_result", "_error", "onStatus"):
            return []
        if command.name == "connect":
            return self._connect(command)
        if self.state is not ConnectionState.CONNECTED:
            raise RtmpProtocolError("a command came before connect")
        handler = self._handlers.get(command.name)
        if handler is None:
            self._replies.send_error(command, _FAILED, "Unknown command.")
            return []
        return handler(command, stream_id)

    def _connect(self, command: Command) -> list[ServerEvent]:
        """Section 7.2.1.1."""
        if self.state is not ConnectionState.CONNECTING:
            raise RtmpProtocolError("connect came twice")
        given = command.object
        self.connect_id = command.transaction_id or 1.0
        tc_url = text(given.get("tcUrl"), self._limits.max_url_length)
        try:
            app = given.get("app")
            name, query = parse_name(app if isinstance(app, str) else "", self._limits)
            query = query or parse_query(url_query(tc_url), self._limits)
        except NameRefused as refused:
            code = "NetConnection.Connect.InvalidApp"
            self._replies.reject_connect(self.connect_id, code, "Invalid application.")
            raise RtmpProtocolError(f"connect: {refused}") from None
        self.app = name
        self.object_encoding = 3 if finite(given.get("objectEncoding"), 0.0) == 3 else 0
        self.state = ConnectionState.DECIDING
        return [
            ConnectReceived(
                app=name,
                query=query,
                tc_url=tc_url,
                flash_ver=text(given.get("flashVer"), _SHORT),
                swf_url=text(given.get("swfUrl"), self._limits.max_url_length),
                page_url=text(given.get("pageUrl"), self._limits.max_url_length),
                four_cc_list=parse_four_cc_list(given.get("fourCcList")),
                video_four_cc_info=parse_info_map(given.get("videoFourCcInfoMap")),
                audio_four_cc_info=parse_info_map(given.get("audioFourCcInfoMap")),
                caps_ex=parse_flags(given.get("capsEx")),
                object_encoding=self.object_encoding,
            )
        ]

    def _create_stream(self, command: Command, _stream_id: int) -> list[ServerEvent]:
        """Section 7.2.1.3."""
        stream = self._streams.create()
        if stream is None:
            self._replies.send_error(command, _FAILED, "Too many streams.")
        else:
            self._replies.send_result(command, stream.id)
        return []

    def _delete_stream(self, command: Command, stream_id: int) -> list[ServerEvent]:
        """Section 7.2.2.3: no answer. An id that is not ours to delete is ignored."""
        stream = self._streams.get(int(command.number(0, stream_id)))
        if stream is None:
            return []
        events = self._close(stream)
        self._streams.delete(stream.id)
        return events

    def _close_stream(self, command: Command, stream_id: int) -> list[ServerEvent]:
        stream = self._streams.get(stream_id)
        if stream is None:
            return []
        events = self._close(stream)
        if any(isinstance(event, PublishStopped) for event in events):
            self._replies.stop_publish(stream.id)
        self._replies.send_no_value(command)
        return events

    def _close(self, stream: MessageStream) -> list[ServerEvent]:
        before = stream.state
        self._streams.apply(stream, StreamEvent.CLOSE)
        if before in (StreamState.PUBLISHING, StreamState.PUBLISH_REQUESTED):
            return [PublishStopped(stream.id)]
        if before in (StreamState.PLAYING, StreamState.PLAY_REQUESTED):
            return [PlayStopped(stream.id)]
        return []

    def _publish(self, command: Command, stream_id: int) -> list[ServerEvent]:
        """Section 7.2.2.6. The name may be empty: then the key is elsewhere, or missing."""
        stream = self._streams.get(stream_id)
        name = command.string(0)
        code = "NetStream.Publish.BadName"
        try:
            path, query = parse_name(name, self._limits)
        except NameRefused as refused:
            self._replies.send_status(stream_id, "error", code, f"Refused: {refused}.")
            return []
        if stream is None or not self._streams.apply(stream, StreamEvent.PUBLISH):
            self._replies.send_status(stream_id, "error", code, "This stream cannot publish.")
            return []
        stream.name = name
        return [
            PublishRequested(
                stream_id=stream_id,
                app=self.app,
                name=path,
                query=query,
                publish_type=text(command.string(1), _SHORT) or "live",
            )
        ]

    def _fc_unpublish(self, command: Command, _stream_id: int) -> list[ServerEvent]:
        """What FMLE, OBS and ffmpeg say before ``deleteStream``: it names the stream."""
        self._replies.send_no_value(command)
        stream = self._streams.find_publisher(command.string(0))
        if stream is None:
            return []
        events = self._close(stream)
        self._replies.stop_publish(stream.id)
        return events

    def _play(self, command: Command, stream_id: int) -> list[ServerEvent]:
        """Section 7.2.2.1."""
        start = command.number(1, -2.0)
        if start <= -1000:
            start /= 1000  # ffmpeg and librtmp say it in milliseconds.
        reset = command.boolean(3, bool(command.number(3, 1.0)))
        return self._request_play(
            stream_id, command.string(0), start, command.number(2, -1.0), reset
        )

    def _play2(self, command: Command, stream_id: int) -> list[ServerEvent]:
        """Section 7.2.2.2: a change of streams; here it begins the new one afresh."""
        wanted = command.mapping(0)
        name = wanted.get("streamName")
        start, duration = finite(wanted.get("start"), -2.0), finite(wanted.get("len"), -1.0)
        return self._request_play(
            stream_id, name if isinstance(name, str) else "", start, duration, True
        )

    def _request_play(
        self, stream_id: int, name: str, start: float, duration: float, reset: bool
    ) -> list[ServerEvent]:
        stream = self._streams.get(stream_id)
        try:
            path, query = parse_name(name, self._limits)
        except NameRefused as refused:
            code = "NetStream.Play.StreamNotFound"
            self._replies.send_status(stream_id, "error", code, f"Refused: {refused}.")
            return []
        if stream is None or not self._streams.apply(stream, StreamEvent.PLAY):
            code = "NetStream.Play.Failed"
            self._replies.send_status(stream_id, "error", code, "This stream cannot play.")
            return []
        stream.name = name
        stream.reset = reset
        return [
            PlayRequested(
                stream_id=stream_id,
                app=self.app,
                name=path,
                query=query,
                start=start,
                duration=duration,
                reset=reset,
            )
        ]

    def _pause(self, command: Command, stream_id: int) -> list[ServerEvent]:
        """Section 7.2.2.8."""
        stream = self._playing(stream_id)
        if stream is None:
            return []
        paused, at = command.boolean(0, True), command.number(1, 0.0)
        self._replies.pause_play(stream_id, paused=paused)
        return [PlayPaused(stream_id, at) if paused else PlayResumed(stream_id, at)]

    def _seek(self, command: Command, stream_id: int) -> list[ServerEvent]:
        """Section 7.2.2.7: live streams have nowhere to seek to."""
        description = "Live streams cannot seek."
        self._replies.send_status(stream_id, "error", "NetStream.Seek.Failed", description)
        return []

    def _receive_audio(self, command: Command, stream_id: int) -> list[ServerEvent]:
        """Section 7.2.2.4."""
        stream = self._playing(stream_id)
        if stream is None:
            return []
        stream.wants_audio = command.boolean(0, True)
        return [TracksSelected(stream_id, stream.wants_audio, stream.wants_video)]

    def _receive_video(self, command: Command, stream_id: int) -> list[ServerEvent]:
        """Section 7.2.2.5."""
        stream = self._playing(stream_id)
        if stream is None:
            return []
        stream.wants_video = command.boolean(0, True)
        return [TracksSelected(stream_id, stream.wants_audio, stream.wants_video)]

    def _playing(self, stream_id: int) -> MessageStream | None:
        stream = self._streams.get(stream_id)
        return stream if stream is not None and stream.state is StreamState.PLAYING else None

    def _fc_subscribe(self, command: Command, _stream_id: int) -> list[ServerEvent]:
        """Akamai's and rtmpdump's word before ``play`` of a live stream."""
        self._replies.send_no_value(command)
        return []

    def _get_stream_length(self, command: Command, _stream_id: int) -> list[ServerEvent]:
        """ffmpeg asks before ``play``; a live stream has no length."""
        self._replies.send_result(command, 0)
        return []

    def _acknowledge(self, command: Command, _stream_id: int) -> list[ServerEvent]:
        self._replies.send_no_value(command)
        return []
