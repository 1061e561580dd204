"""What a server says to a client: results, statuses and the start-up of each direction.

The order of messages is that of Adobe's server, which encoders and players were written against.
"""

from __future__ import annotations

from gamecast.amf import Undefined, amf0
from gamecast.protocols.rtmp.capabilities import Capabilities
from gamecast.protocols.rtmp.commands import Command, encode_command, status
from gamecast.protocols.rtmp.link import WINDOW_SIZE, MessageLink
from gamecast.protocols.rtmp.messages import (
    COMMAND_CSID,
    DATA_CSID,
    STATUS_CSID,
    MessageType,
    UserControl,
    peer_bandwidth,
    u32,
)

FMS_VERSION = "FMS/3,5,7,7009"
"""Some clients insist on a version of Adobe's server of at least 3.5."""
SERVER_CHUNK_SIZE = 60_000
"""Large chunks save work on both sides: ffmpeg publishes with whatever the server announced. This
is the size that SRS has shown for years to every client in the field; some of those keep it in
16 bits, so not more. Our messages are not interleaved, so audio waits no longer for it."""
_FMS_CAPABILITIES = 31


class ServerReplies:
    """Writes a server's messages into a link."""

    __slots__ = ("_link",)

    def __init__(self, link: MessageLink) -> None:
        self._link = link

    def send_command(self, stream_id: int, payload: bytes) -> None:
        """A command to the connection (0) or to one of its streams."""
        csid = STATUS_CSID if stream_id else COMMAND_CSID
        self._link.send_message(MessageType.COMMAND_AMF0, stream_id, 0, payload, csid)

    def send_result(self, command: Command, *values: object) -> None:
        """Answer ``command``, if it wants an answer."""
        if command.transaction_id:
            self.send_command(0, encode_command("_result", command.transaction_id, None, *values))

    def send_no_value(self, command: Command) -> None:
        """Answer a command that is only acknowledged (releaseStream, FCPublish ...)."""
        self.send_result(command, Undefined.VALUE)

    def send_error(self, command: Command, code: str, description: str) -> None:
        """Refuse ``command``, if it wants an answer."""
        if command.transaction_id:
            information = status("error", code, description)
            self.send_command(
                0, encode_command("_error", command.transaction_id, None, information)
            )

    def send_status(self, stream_id: int, level: str, code: str, description: str) -> None:
        """``onStatus`` on a stream; ``level`` is "status" or "error"."""
        information = status(level, code, description)
        self.send_command(stream_id, encode_command("onStatus", 0, None, information))

    def send_windows(self) -> None:
        """What comes before the answer to ``connect`` (section 7.2.1.1)."""
        self._link.send_control(MessageType.WINDOW_ACKNOWLEDGEMENT_SIZE, u32(WINDOW_SIZE))
        self._link.send_control(MessageType.SET_PEER_BANDWIDTH, peer_bandwidth(WINDOW_SIZE))
        self._link.send_chunk_size(SERVER_CHUNK_SIZE)

    def accept_connect(
        self, transaction_id: float, object_encoding: int, capabilities: Capabilities
    ) -> None:
        """NetConnection.Connect.Success.

        Enhanced RTMP says that its properties are in "an object ... of _result" and clients look
        into either of the two, so they are in both.
        """
        enhanced = capabilities.properties()
        properties = {"fmsVer": FMS_VERSION, "capabilities": _FMS_CAPABILITIES, "mode": 1}
        information = status(
            "status",
            "NetConnection.Connect.Success",
            "Connection succeeded.",
            objectEncoding=object_encoding,
            **enhanced,
        )
        payload = encode_command("_result", transaction_id, properties | enhanced, information)
        self.send_command(0, payload)
        self.send_command(0, encode_command("onBWDone", 0))

    def reject_connect(self, transaction_id: float, code: str, description: str) -> None:
        """NetConnection.Connect.Rejected and its like, then Adobe's "close"."""
        information = status("error", code, description)
        self.send_command(0, encode_command("_error", transaction_id, None, information))
        self.send_command(0, encode_command("close", 0))

    def start_publish(self, stream_id: int) -> None:
        """NetStream.Publish.Start, as ``onFCPublish`` too, which FMLE waits for."""
        code, description = "NetStream.Publish.Start", "Started publishing stream."
        information = {"code": code, "description": description}
        self.send_command(stream_id, encode_command("onFCPublish", 0, None, information))
        self._link.send_user_control(UserControl.STREAM_BEGIN, stream_id)
        self.send_status(stream_id, "status", code, description)

    def stop_publish(self, stream_id: int) -> None:
        """NetStream.Unpublish.Success."""
        code, description = "NetStream.Unpublish.Success", "Stopped publishing stream."
        information = {"code": code, "description": description}
        self.send_command(stream_id, encode_command("onFCUnpublish", 0, None, information))
        self.send_status(stream_id, "status", code, description)

    def start_play(self, stream_id: int, *, reset: bool) -> None:
        """Everything between ``play`` and the first media message (section 7.2.2.1)."""
        self._link.send_user_control(UserControl.STREAM_BEGIN, stream_id)
        if reset:
            description = "Playing and resetting stream."
            self.send_status(stream_id, "status", "NetStream.Play.Reset", description)
        self.send_status(stream_id, "status", "NetStream.Play.Start", "Started playing stream.")
        # No NetStream.Data.Start: ffmpeg makes a data stream of that message.
        self.send_data(stream_id, "|RtmpSampleAccess", True, True)

    def pause_play(self, stream_id: int, *, paused: bool) -> None:
        """NetStream.Pause.Notify or NetStream.Unpause.Notify."""
        event = UserControl.STREAM_EOF if paused else UserControl.STREAM_BEGIN
        verb = "Pause" if paused else "Unpause"
        self._link.send_user_control(event, stream_id)
        self.send_status(
            stream_id,
            "status",
            f"NetStream.{verb}.Notify",
            "Paused stream." if paused else "Unpaused stream.",
        )

    def send_data(self, stream_id: int, *values: object) -> None:
        """A data message."""
        payload = amf0.encode(*values)
        self._link.send_message(MessageType.DATA_AMF0, stream_id, 0, payload, DATA_CSID)
