"""What the sessions of every protocol work with."""

from __future__ import annotations

from dataclasses import dataclass

from gamecast.relay.directory import Directory
from gamecast.relay.pace import Pace
from gamecast.server.auth import Authenticator
from gamecast.server.convert import MakeConverter


@dataclass(slots=True, frozen=True, kw_only=True)
class Context:
    """The hub, who may use it, and the pace of flushes. One lives as long as the server."""

    directory: Directory
    authenticator: Authenticator
    pace: Pace
    convert: MakeConverter | None = None
    """Makes transcoders; ``None``: formats carry what they can."""
