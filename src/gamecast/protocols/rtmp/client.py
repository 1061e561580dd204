"""ClientConnection: one RTMP server as a publisher or a player sees it."""

from __future__ import annotations

from gamecast.protocols.rtmp import client_replies
from gamecast.protocols.rtmp.capabilities import Capabilities, CapsEx, CodecInfo
from gamecast.protocols.rtmp.chunks import write_message
from gamecast.protocols.rtmp.commands import Command, encode_command, parse_command
from gamecast.protocols.rtmp.errors import RtmpProtocolError
from gamecast.protocols.rtmp.events import (
    ClientEvent,
    ConnectionTimedOut,
    ConnectRejected,
    PeerClosed,
    PlayEnded,
    PlayStarted,
    PublishStarted,
)
from gamecast.protocols.rtmp.handshake import ClientHandshake, RandomBytes
from gamecast.protocols.rtmp.limits import RtmpLimits
from gamecast.protocols.rtmp.link import WINDOW_SIZE, MessageLink
from gamecast.protocols.rtmp.messages import (
    COMMAND_CSID,
    MEDIA_CSIDS,
    SET_DATA_FRAME,
    STATUS_CSID,
    MessageType,
    UserControl,
    u32,
)
from gamecast.protocols.rtmp.rate import CommandRate
from gamecast.protocols.rtmp.states import ConnectionState, StreamEvent, StreamState
from gamecast.protocols.rtmp.streams import MessageStream

CLIENT_CHUNK_SIZE = 4096
"""What OBS publishes with, so there is no ingest service that does not take it."""
SOFTWARE = "FMLE/3.0 (compatible; Gamecast)"
"""Services that know only Adobe's encoder ask for its name; ffmpeg and OBS give it too."""
BUFFER_MS = 1000
_COMMANDS = (MessageType.COMMAND_AMF0, MessageType.COMMAND_AMF3)
_METADATA = b"\x02\x00\x0aonMetaData"


def client_capabilities() -> Capabilities:
    """What our publisher says of itself by default."""
    both = int(CodecInfo.CAN_DECODE | CodecInfo.CAN_ENCODE)
    return Capabilities(
        video=dict.fromkeys(("avc1", "hvc1", "av01", "vp09"), both),
        audio=dict.fromkeys(("mp4a", "Opus"), both),
        caps_ex=CapsEx.RECONNECT | CapsEx.MOD_EX,
    )


class ClientConnection:
    """Sans-I/O RTMP client that publishes or plays one stream.

    Call ``connect``, then ``publish`` or ``play`` at once or after ``ConnectSucceeded``; after
    every call fetch ``data_to_send()`` and ask ``next_timer()`` again. Times are in seconds of any
    monotonic clock.
    """

    def __init__(
        self,
        now: float,
        *,
        random_bytes: RandomBytes,
        limits: RtmpLimits | None = None,
        capabilities: Capabilities | None = None,
        chunk_size: int = CLIENT_CHUNK_SIZE,
    ) -> None:
        self._now = now
        self._limits = limits or RtmpLimits()
        self._capabilities = capabilities or client_capabilities()
        self._chunk_size = chunk_size
        self._handshake = ClientHandshake(random_bytes)
        self._link = MessageLink(self._handshake, self._limits)
        self._rate = CommandRate(now, self._limits)
        self._state = ConnectionState.HANDSHAKING
        self._stream = MessageStream(0)
        self._event = StreamEvent.CLOSE
        self._command_object: dict[str, object] = {}
        self._calls: dict[float, str] = {}
        self._last_call = 0
        self._deadline: float | None = None
        self._last_received = now

    @property
    def state(self) -> ConnectionState:
        """Where the connection is."""
        return self._state

    @property
    def stream_state(self) -> StreamState:
        """Where publishing or playing is."""
        return self._stream.state

    @property
    def bytes_received(self) -> int:
        """Since the beginning."""
        return self._link.received

    @property
    def bytes_acknowledged(self) -> int:
        """What the server has last acknowledged of our bytes, modulo 2^32."""
        return self._link.peer_acknowledged

    def connect(self, tc_url: str, app: str, **more: object) -> None:
        """Begin: the handshake, then ``connect`` with these and ``more`` properties.

        ``urls.parse_url`` gives both. Enhanced RTMP capabilities are always included, as in OBS.
        """
        if self._command_object:
            raise RuntimeError("connect was called before")
        self._command_object = {
            "app": app,
            "type": "nonprivate",
            "flashVer": SOFTWARE,
            "tcUrl": tc_url,
            "fpad": False,
            "capabilities": 15,
            "audioCodecs": 0x0FFF,
            "videoCodecs": 0x00FF,
            "videoFunction": 1,
            "objectEncoding": 0,
            **self._capabilities.properties(),
            **more,
        }
        self._link.send_bytes(self._handshake.start())
        self._deadline = self._now + self._limits.handshake_timeout

    def publish(self, name: str) -> None:
        """Publish ``name``, its query included, as soon as the connection allows."""
        self._use_stream(name, StreamEvent.PUBLISH)

    def play(self, name: str) -> None:
        """Play ``name``, its query included, as soon as the connection allows."""
        self._use_stream(name, StreamEvent.PLAY)

    def _use_stream(self, name: str, event: StreamEvent) -> None:
        if self._event is not StreamEvent.CLOSE:
            raise RuntimeError("a connection publishes or plays one stream")
        self._stream.name = name
        self._event = event
        if self._state is ConnectionState.CONNECTED:
            self._create_stream()

    def receive_data(self, data: bytes, now: float) -> list[ClientEvent]:
        """Take bytes from the server.

        Raises :class:`RtmpProtocolError` where the connection must be closed; afterwards, and
        after ``receive_eof``, bytes are ignored.
        """
        if self._state is ConnectionState.CLOSED:
            return []
        self._now = self._last_received = now
        events: list[ClientEvent] = []
        try:
            self._receive(data, events)
        except RtmpProtocolError:
            self._state = ConnectionState.CLOSED
            raise
        return events

    def _receive(self, data: bytes, events: list[ClientEvent]) -> None:
        received = self._link.receive_data(data, self._now)
        if self._state is ConnectionState.HANDSHAKING and self._link.handshake_complete:
            self._state = ConnectionState.CONNECTING
            self._call("connect", self._command_object, await_answer=True)
        playing = self._event is StreamEvent.PLAY
        for message in received:
            if message.type_id in MEDIA_CSIDS:
                if playing:
                    events.append(message)
            elif message.type_id in _COMMANDS:
                self._rate.spend(self._now)
                command = parse_command(message.type_id, message.payload)
                events += self._receive_command(command, message.stream_id)
        if self._link.stream_ended:
            self._link.stream_ended = False
            events += self._end_play()

    def _receive_command(self, command: Command, stream_id: int) -> list[ClientEvent]:
        if command.name in ("_result", "_error"):
            return self._receive_answer(command)
        if command.name == "onStatus":
            return self._receive_status(command, stream_id)
        if command.name == "close":
            return self.receive_eof()
        if command.name in ("_onbwcheck", "ping") and command.transaction_id:
            payload = encode_command("_result", command.transaction_id, None, 0)
            self._send_command(0, payload)
        return []

    def _receive_answer(self, command: Command) -> list[ClientEvent]:
        call = self._calls.pop(command.transaction_id, "")
        failed = command.name == "_error"
        if call == "connect":
            return self._connect_failed(command) if failed else self._connected(command)
        if call == "createStream":
            return self._rejected(command) if failed else self._created(command)
        return []

    def _connect_failed(self, command: Command) -> list[ClientEvent]:
        self._state = ConnectionState.CLOSED
        event: ConnectRejected = client_replies.connect_rejected(command)
        return [event]

    def _connected(self, command: Command) -> list[ClientEvent]:
        self._state = ConnectionState.CONNECTED
        self._deadline = None
        self._link.send_control(MessageType.WINDOW_ACKNOWLEDGEMENT_SIZE, u32(WINDOW_SIZE))
        self._link.send_chunk_size(self._chunk_size)
        if self._event is not StreamEvent.CLOSE:
            self._create_stream()
        return [client_replies.connect_succeeded(command)]

    def _create_stream(self) -> None:
        if self._event is StreamEvent.PUBLISH:
            # FMLE's own order. Services free the name by it when its last owner has just died.
            self._call("releaseStream", None, self._stream.name)
            self._call("FCPublish", None, self._stream.name)
        self._call("createStream", None, await_answer=True)

    def _created(self, command: Command) -> list[ClientEvent]:
        stream_id = int(command.number(0, 0.0))
        if not 0 < stream_id <= 0xFFFFFFFF:
            raise RtmpProtocolError("createStream was answered without a stream id")
        self._stream.id = stream_id
        self._stream.apply(self._event)
        if self._event is StreamEvent.PUBLISH:
            arguments: tuple[object, ...] = (self._stream.name, "live")
            self._call("publish", None, *arguments, stream_id=stream_id, await_answer=True)
        else:
            arguments = (self._stream.name, -2)
            self._call("play", None, *arguments, stream_id=stream_id, await_answer=True)
            self._link.send_user_control(UserControl.SET_BUFFER_LENGTH, stream_id, BUFFER_MS)
        return []

    def _receive_status(self, command: Command, stream_id: int) -> list[ClientEvent]:
        publishing = self._event is StreamEvent.PUBLISH
        event = client_replies.read_status(command, stream_id, publishing=publishing)
        if isinstance(event, PublishStarted):
            return self._started(event, StreamEvent.ACCEPT_PUBLISH)
        if isinstance(event, PlayStarted):
            return self._started(event, StreamEvent.ACCEPT_PLAY)
        if isinstance(event, PlayEnded):
            return self._end_play()
        if isinstance(event, client_replies.REJECTIONS):
            return self._rejected(command)
        return [event]

    def _started(self, event: PublishStarted | PlayStarted, how: StreamEvent) -> list[ClientEvent]:
        """Servers repeat the status (SRS sends it twice); it counts once."""
        if not self._stream.apply(how):
            return []
        self._deadline = None
        event.stream_id = self._stream.id
        return [event]

    def _end_play(self) -> list[ClientEvent]:
        if self._stream.state is not StreamState.PLAYING:
            return []
        self._stream.apply(StreamEvent.CLOSE)
        return [PlayEnded(self._stream.id)]

    def _rejected(self, command: Command) -> list[ClientEvent]:
        self._stream.apply(StreamEvent.CLOSE)
        self._deadline = None
        publishing = self._event is StreamEvent.PUBLISH
        return [client_replies.rejected(command, publishing=publishing)]

    def send_media(self, type_id: int, timestamp: int, payload: bytes) -> bytes:
        """What to write now for one audio (8), video (9) or data (18) message.

        ``payload`` is the body of an FLV tag, ``timestamp`` is in milliseconds. Whatever was
        queued before comes first, so nothing needs to be fetched in between. Raises
        ``RuntimeError`` unless publishing.
        """
        if self._stream.state is not StreamState.PUBLISHING:
            raise RuntimeError("media can be sent once PublishStarted has come")
        if type_id == MessageType.DATA_AMF0 and payload.startswith(_METADATA):
            payload = SET_DATA_FRAME + payload
        message = write_message(
            type_id,
            self._stream.id,
            timestamp,
            payload,
            csid=MEDIA_CSIDS[MessageType(type_id)],
            chunk_size=self._link.chunk_size,
        )
        queued = self._link.data_to_send()
        return queued + message if queued else message

    def close(self) -> None:
        """Say goodbye, so that the server ends the stream at once. Send it, then close."""
        if self._state is ConnectionState.CONNECTED and self._stream.id:
            if self._event is StreamEvent.PUBLISH:
                self._call("FCUnpublish", None, self._stream.name)
            self._call("deleteStream", None, self._stream.id)
        self._state = ConnectionState.CLOSED
        self._stream.apply(StreamEvent.CLOSE)

    def receive_eof(self) -> list[ClientEvent]:
        """The server's bytes have ended."""
        if self._state is ConnectionState.CLOSED:
            return []
        self._state = ConnectionState.CLOSED
        return [PeerClosed()]

    def data_to_send(self) -> bytes:
        """Bytes for the server, often none; each is returned once."""
        return self._link.data_to_send()

    def next_timer(self) -> float | None:
        """When ``handle_timer`` wants to be called, or None."""
        if self._state is ConnectionState.CLOSED:
            return None
        if self._deadline is None and self._stream.state is StreamState.PLAYING:
            return self._last_received + self._limits.player_timeout
        return self._deadline

    def handle_timer(self, now: float) -> list[ClientEvent]:
        """Give the server up where it owes an answer, or has fallen silent while we play.

        A server may well be silent while we publish.
        """
        due = self.next_timer()
        if due is None or now < due:
            return []
        reason = "silent server" if self._deadline is None else "no answer from the server"
        self._state = ConnectionState.CLOSED
        return [ConnectionTimedOut(reason)]

    def _call(
        self,
        name: str,
        command_object: dict[str, object] | None,
        *arguments: object,
        stream_id: int = 0,
        await_answer: bool = False,
    ) -> None:
        self._last_call += 1
        self._calls[float(self._last_call)] = name
        payload = encode_command(name, self._last_call, command_object, *arguments)
        self._send_command(stream_id, payload)
        if await_answer:
            self._deadline = self._now + self._limits.request_timeout

    def _send_command(self, stream_id: int, payload: bytes) -> None:
        csid = STATUS_CSID if stream_id else COMMAND_CSID
        self._link.send_message(MessageType.COMMAND_AMF0, stream_id, 0, payload, csid)
