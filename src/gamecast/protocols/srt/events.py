"""What happens on a connection or a listener."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from gamecast.protocols.srt.handshake import Handshake

Address = tuple[Any, ...]
"""As the system gives it: host and port, and two numbers more for IPv6."""


@dataclass(slots=True)
class Connected:
    """A caller's handshake is done. ``latency`` is what was agreed for receiving, in seconds."""

    latency: float
    peer_latency: float


@dataclass(slots=True)
class PayloadsReceived:
    """Payloads whose time has come, in order; some may be missing between them."""

    payloads: list[bytes]


@dataclass(slots=True)
class ConnectionClosed:
    """It is over. ``orderly``: the peer said so; ``reject`` is set where a caller was refused."""

    reason: str
    orderly: bool = False
    reject: int | None = None


@dataclass(slots=True, eq=False)
class ConnectionRequested:
    """A caller whose address is proven asks for a stream; answer by ``accept`` or ``reject``."""

    address: Address
    stream_id: str = field(repr=False)
    encrypted: bool
    handshake: Handshake = field(repr=False)
    received_at: float = 0.0
    timestamp: int = 0


Event = Connected | PayloadsReceived | ConnectionClosed
