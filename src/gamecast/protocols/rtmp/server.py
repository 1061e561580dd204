"""ServerConnection: one RTMP client as a server sees it."""

from __future__ import annotations

from gamecast.protocols.rtmp.capabilities import Capabilities
from gamecast.protocols.rtmp.commands import encode_command, parse_command, status
from gamecast.protocols.rtmp.errors import RtmpProtocolError
from gamecast.protocols.rtmp.events import (
    ConnectionTimedOut,
    ConnectReceived,
    MessageReceived,
    PeerClosed,
    PlayRequested,
    PublishRequested,
    ServerEvent,
)
from gamecast.protocols.rtmp.handshake import RandomBytes, ServerHandshake
from gamecast.protocols.rtmp.limits import RtmpLimits
from gamecast.protocols.rtmp.link import MessageLink
from gamecast.protocols.rtmp.messages import MEDIA_CSIDS, MessageType, UserControl
from gamecast.protocols.rtmp.rate import CommandRate
from gamecast.protocols.rtmp.server_replies import ServerReplies
from gamecast.protocols.rtmp.server_requests import ServerRequests
from gamecast.protocols.rtmp.server_timers import ServerTimers
from gamecast.protocols.rtmp.states import ConnectionState, StreamEvent, StreamState
from gamecast.protocols.rtmp.streams import MessageStream, StreamTable

_DATA = int(MessageType.DATA_AMF0)
_COMMANDS = (MessageType.COMMAND_AMF0, MessageType.COMMAND_AMF3)


class ServerConnection:
    """Sans-I/O RTMP server for one client.

    After every call fetch ``data_to_send()`` and ask ``next_timer()`` again; times are in seconds
    of any monotonic clock. Requests come as events and are answered, now or later, by
    ``accept_...`` and ``reject_...``. Media for players may be sent by ``send_message``, or, so
    that all players share them, as bytes made once by ``chunks.write_message`` with
    ``chunk_size=SERVER_CHUNK_SIZE``, written behind what ``data_to_send()`` had.
    """

    def __init__(
        self,
        now: float,
        *,
        random_bytes: RandomBytes,
        limits: RtmpLimits | None = None,
        capabilities: Capabilities | None = None,
        accept_connects: bool = True,
    ) -> None:
        """``accept_connects``: answer ``connect`` without waiting for ``accept_connect``."""
        self._limits = limits or RtmpLimits()
        self._capabilities = capabilities or Capabilities()
        self._accept_connects = accept_connects
        self._link = MessageLink(ServerHandshake(random_bytes), self._limits)
        self._replies = ServerReplies(self._link)
        self._streams = StreamTable(self._limits.max_streams)
        self._requests = ServerRequests(self._replies, self._streams, self._limits)
        self._timers = ServerTimers(now, self._limits)
        self._rate = CommandRate(now, self._limits)
        self._released: list[ServerEvent] = []
        self._now = now

    @property
    def state(self) -> ConnectionState:
        """Where the connection is."""
        if self._requests.state is ConnectionState.CLOSED:
            return ConnectionState.CLOSED
        if not self._link.handshake_complete:
            return ConnectionState.HANDSHAKING
        return self._requests.state

    @property
    def bytes_received(self) -> int:
        """Since the beginning."""
        return self._link.received

    @property
    def peer_buffer_ms(self) -> int | None:
        """The buffer length that a player asked for, if it did."""
        return self._link.peer_buffer_ms

    def receive_data(self, data: bytes, now: float) -> list[ServerEvent]:
        """Take bytes from the client.

        Raises :class:`RtmpProtocolError` where the client must be disconnected; ``data_to_send()``
        may still hold a word to it. Afterwards, and after ``receive_eof``, bytes are ignored.
        """
        if self._requests.state is ConnectionState.CLOSED:
            return []
        self._now = now
        self._timers.last_received = now
        events, self._released = self._released, []
        try:
            self._receive(data, events)
        except RtmpProtocolError:
            self._requests.state = ConnectionState.CLOSED
            raise
        return events

    def _receive(self, data: bytes, events: list[ServerEvent]) -> None:
        publishing = self._streams.publishing
        for message in self._link.receive_data(data, self._now):
            stream = publishing.get(message.stream_id)
            if stream is not None and message.type_id in MEDIA_CSIDS:
                if message.type_id != _DATA:
                    stream.has_media = True
                events.append(message)
            elif message.type_id in _COMMANDS:
                self._receive_command(message, events)
            elif message.type_id in MEDIA_CSIDS:
                self._receive_stray(message, events)
        if self._timers.handshaken is None and self._link.handshake_complete:
            self._timers.handshaken = self._now

    def _receive_command(self, message: MessageReceived, events: list[ServerEvent]) -> None:
        self._rate.spend(self._now)
        command = parse_command(message.type_id, message.payload)
        for event in self._requests.receive_command(command, message.stream_id):
            events.append(event)
            if isinstance(event, ConnectReceived) and self._accept_connects:
                self.accept_connect()
            if isinstance(event, (PublishRequested, PlayRequested)):
                self._timers.requested = True
        self._note_activity()

    def _receive_stray(self, message: MessageReceived, events: list[ServerEvent]) -> None:
        """Media before our answer is held; media on a wrong stream goes to the only publisher.

        Some hardware encoders number their streams differently from ``createStream``'s answer.
        """
        stream = self._streams.get(message.stream_id)
        if stream is not None and stream.state is StreamState.PUBLISH_REQUESTED:
            stream.hold(message, self._limits.max_held_size)
        elif stream is None and len(self._streams.publishing) == 1:
            (only,) = self._streams.publishing.values()
            only.has_media = only.has_media or message.type_id != _DATA
            message.stream_id = only.id
            events.append(message)

    def _note_activity(self) -> None:
        self._timers.set_idle(self._now, idle=not self._streams.any_active)

    def receive_eof(self) -> list[ServerEvent]:
        """The client's bytes have ended."""
        if self._requests.state is ConnectionState.CLOSED:
            return []
        self._requests.state = ConnectionState.CLOSED
        return [PeerClosed()]

    def data_to_send(self) -> bytes:
        """Bytes for the client, often none; each is returned once."""
        return self._link.data_to_send()

    def next_timer(self) -> float | None:
        """When ``handle_timer`` wants to be called; None once the connection is over."""
        if self._requests.state is ConnectionState.CLOSED:
            return None
        return self._timers.next_timer(list(self._streams.publishing.values()))

    def handle_timer(self, now: float) -> list[ServerEvent]:
        """Give up a client that is late, or ping one that is silent."""
        if self._requests.state is ConnectionState.CLOSED:
            return []
        self._now = now
        publishers = list(self._streams.publishing.values())
        reason = self._timers.expired(now, publishers)
        if reason is not None:
            self._requests.state = ConnectionState.CLOSED
            return [ConnectionTimedOut(reason)]
        if self._timers.ping_is_due(now, publishers):
            self._link.send_user_control(UserControl.PING_REQUEST, int(now * 1000))
        return []

    def accept_connect(self) -> None:
        """Answer ``connect`` with NetConnection.Connect.Success."""
        self._require(self._requests.state is ConnectionState.DECIDING, "no connect to answer")
        self._requests.state = ConnectionState.CONNECTED
        self._replies.send_windows()
        self._replies.accept_connect(
            self._requests.connect_id, self._requests.object_encoding, self._capabilities
        )

    def reject_connect(self, code: str, description: str) -> None:
        """Answer ``connect`` with an error, for example "NetConnection.Connect.Rejected".

        Send what there is, then close.
        """
        self._require(self._requests.state is ConnectionState.DECIDING, "no connect to answer")
        self._replies.reject_connect(self._requests.connect_id, code, description)
        self._requests.state = ConnectionState.CLOSED

    def accept_publish(self, stream_id: int) -> bool:
        """Let the client publish; False where it has meanwhile given up (``PublishStopped``).

        Media that it sent before this comes with the events of the next ``receive_data``.
        """
        stream = self._apply(stream_id, StreamEvent.ACCEPT_PUBLISH)
        if stream is None:
            return False
        stream.active_since = self._now
        held = stream.take_held()
        stream.has_media = any(message.type_id != _DATA for message in held)
        self._released += held
        self._replies.start_publish(stream_id)
        return True

    def reject_publish(self, stream_id: int, code: str, description: str) -> bool:
        """Refuse to let it publish, or stop a publisher that was accepted.

        ``code`` is "NetStream.Publish.BadName" (the name is taken or unknown) or
        "NetStream.Publish.Denied" (the key is wrong), on which encoders stop. Close soon after.
        False as for ``accept_publish``.
        """
        return self._reject(stream_id, code, description)

    def accept_play(self, stream_id: int) -> bool:
        """Let the client play: media may be sent from now on. False where it has given up."""
        stream = self._apply(stream_id, StreamEvent.ACCEPT_PLAY)
        if stream is None:
            return False
        stream.active_since = self._now
        self._replies.start_play(stream_id, reset=stream.reset)
        return True

    def reject_play(
        self,
        stream_id: int,
        code: str = "NetStream.Play.StreamNotFound",
        description: str = "Stream not found.",
    ) -> bool:
        """Refuse to let it play, or end a play that was accepted, with an error."""
        return self._reject(stream_id, code, description)

    def send_publish_notify(self, stream_id: int) -> None:
        """Tell a player that its publisher is back."""
        code, description = "NetStream.Play.PublishNotify", "Stream is now published."
        self._replies.send_status(stream_id, "status", code, description)

    def send_unpublish_notify(self, stream_id: int) -> None:
        """Tell a player that its publisher has gone for good: rtmpdump and librtmp stop at this."""
        code, description = "NetStream.Play.UnpublishNotify", "Stream is now unpublished."
        self._replies.send_status(stream_id, "status", code, description)

    def send_stream_eof(self, stream_id: int) -> None:
        """End a play: StreamEOF and NetStream.Play.Stop."""
        self._link.send_user_control(UserControl.STREAM_EOF, stream_id)
        description = "Stopped playing stream."
        self._replies.send_status(stream_id, "status", "NetStream.Play.Stop", description)

    def send_stream_dry(self, stream_id: int) -> None:
        """Tell a player that there is no data for now (section 7.1.7)."""
        self._link.send_user_control(UserControl.STREAM_DRY, stream_id)

    def send_message(self, type_id: int, stream_id: int, timestamp: int, payload: bytes) -> None:
        """Queue an audio (8), video (9) or data (18) message; ``timestamp`` in milliseconds."""
        csid = MEDIA_CSIDS[MessageType(type_id)]
        self._link.send_message(type_id, stream_id, timestamp, payload, csid)

    def request_reconnect(self, tc_url: str | None = None, description: str = "") -> None:
        """Ask the client to connect again, elsewhere if ``tc_url`` is given (Enhanced RTMP v2).

        Only clients whose ``caps_ex`` has bit 1 understand it; go on serving until they leave.
        """
        more = {} if tc_url is None else {"tcUrl": tc_url}
        code = "NetConnection.Connect.ReconnectRequest"
        information = status("status", code, description, **more)
        self._replies.send_command(0, encode_command("onStatus", 0, None, information))

    def _apply(self, stream_id: int, event: StreamEvent) -> MessageStream | None:
        stream = self._streams.get(stream_id)
        if stream is None or not self._streams.apply(stream, event):
            return None
        return stream

    def _reject(self, stream_id: int, code: str, description: str) -> bool:
        if self._apply(stream_id, StreamEvent.REJECT) is None:
            return False
        self._replies.send_status(stream_id, "error", code, description)
        self._note_activity()
        return True

    @staticmethod
    def _require(condition: bool, message: str) -> None:
        if not condition:
            raise ValueError(message)
