"""What a server says to a client, turned into events."""

from __future__ import annotations

from gamecast.amf import Value
from gamecast.protocols.rtmp.commands import Command, text
from gamecast.protocols.rtmp.events import (
    ClientEvent,
    ConnectRejected,
    ConnectSucceeded,
    PlayEnded,
    PlayRejected,
    PlayStarted,
    PublishRejected,
    PublishStarted,
    ReconnectRequested,
    StatusReceived,
)

_SHORT = 256
_LONG = 4096

REJECTIONS = (PublishRejected, PlayRejected)

_ENDS = ("NetStream.Play.Stop", "NetStream.Play.Complete", "NetStream.Play.UnpublishNotify")


def connect_succeeded(command: Command) -> ConnectSucceeded:
    """The ``_result`` of ``connect``; properties stand in either of its two objects."""
    return ConnectSucceeded({**command.object, **command.mapping(0)})


def connect_rejected(command: Command) -> ConnectRejected:
    """The ``_error`` of ``connect``; Adobe's servers put a redirection into ``ex``."""
    information = _information(command)
    extra = information.get("ex")
    redirect = text(extra.get("redirect"), _LONG) if isinstance(extra, dict) else ""
    return ConnectRejected(
        code=text(information.get("code"), _SHORT) or "NetConnection.Connect.Failed",
        description=text(information.get("description"), _LONG),
        redirect=redirect or None,
    )


def rejected(command: Command, *, publishing: bool) -> ClientEvent:
    """An ``_error`` or an ``onStatus`` of level "error" while publishing or playing."""
    information = _information(command)
    code = text(information.get("code"), _SHORT) or "NetConnection.Call.Failed"
    description = text(information.get("description"), _LONG)
    if publishing:
        return PublishRejected(code, description)
    return PlayRejected(code, description)


def read_status(command: Command, stream_id: int, *, publishing: bool) -> ClientEvent:
    """An ``onStatus`` command (RTMP 1.0 section 7.2.2)."""
    information = _information(command)
    code = text(information.get("code"), _SHORT)
    level = text(information.get("level"), _SHORT)
    description = text(information.get("description"), _LONG)
    if code == "NetConnection.Connect.ReconnectRequest":
        return ReconnectRequested(text(information.get("tcUrl"), _LONG) or None, description)
    if level == "error" and code != "NetStream.Seek.Failed":
        return rejected(command, publishing=publishing)
    if code == "NetStream.Publish.Start":
        return PublishStarted(stream_id)
    if code == "NetStream.Play.Start":
        return PlayStarted(stream_id)
    if code in _ENDS:
        return PlayEnded(stream_id)
    return StatusReceived(stream_id, level, code, description)


def _information(command: Command) -> dict[str, Value]:
    """The information object; some servers put it where the command object belongs."""
    return command.mapping(0) or command.object
